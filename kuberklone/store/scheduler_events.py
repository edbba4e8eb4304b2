"""The scheduler's decisions, told as events: to lists and watches of events, who look for them there.

Nothing is kept twice: an event is made of its row of `decisions` when somebody asks, and always comes out the same.
"""

from collections.abc import Iterable
from hashlib import blake2b
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, TextClause, bindparam, text

from kuberklone.kinds.event import Event

_COLUMNS = (
    "SELECT d.pod_uid, d.fingerprint, d.outcome, d.node_name, d.message, d.count, d.first_ms, d.last_ms, d.revision, "
    "COALESCE(p.namespace, l.namespace) AS namespace, COALESCE(p.name, l.name) AS name "
    "FROM decisions d LEFT JOIN pods p ON p.uid = d.pod_uid LEFT JOIN placements l ON l.pod_uid = d.pod_uid "
    # Nobody knows any more what a pod was called that went without ever having had a place.
    "WHERE COALESCE(p.name, l.name) IS NOT NULL "
)
_ALL = text(_COLUMNS)
_OF_NAMESPACE = text(f"{_COLUMNS} AND COALESCE(p.namespace, l.namespace) = :namespace")
_OF_POD = text(f"{_COLUMNS} AND d.pod_uid = :uid")
_OF_NAMED = text(
    f"{_COLUMNS} AND d.pod_uid IN (SELECT uid FROM pods WHERE namespace = :namespace AND name = :pod "
    "UNION SELECT pod_uid FROM placements WHERE namespace = :namespace AND name = :pod)"
)
# `outcome` has to be a literal: that is how both databases know that the index of these rows will do.
_UNPLACED_AFTER = text(
    f"{_COLUMNS} AND d.outcome = 'Unschedulable' AND d.revision > :cursor AND d.revision <= :upto "
    "ORDER BY d.revision LIMIT :limit"
)
_PLACED = text(f"{_COLUMNS} AND d.fingerprint = 'Scheduled' AND d.pod_uid IN :uids").bindparams(
    bindparam("uids", expanding=True)
)


def every(connection: Connection, *, namespace: str | None = None) -> list[Event]:
    """All that is still known, or what concerns the pods of a namespace."""
    if namespace is None:
        return _read(connection, _ALL)
    return _read(connection, _OF_NAMESPACE, namespace=namespace)


def of_pod(connection: Connection, uid: str) -> list[Event]:
    """What was decided about one pod."""
    return _read(connection, _OF_POD, uid=uid)


def named(connection: Connection, namespace: str, name: str) -> Event | None:
    """The event of this name, if it is one of these; it begins with its pod's."""
    pod, _, _ = name.rpartition(".")
    events = _read(connection, _OF_NAMED, namespace=namespace, pod=pod) if pod else []
    return next((event for event in events if event.name == name), None)


def unplaced_after(connection: Connection, cursor: int, *, upto: int, limit: int) -> list[Event]:
    """Which pods found no place after `cursor`, in order; each distinct cause once, as it was said last."""
    return _read(connection, _UNPLACED_AFTER, cursor=cursor, upto=upto, limit=limit)


def placed(connection: Connection, uids: Iterable[str]) -> list[Event]:
    """Where these pods were placed."""
    wanted = list(uids)
    return _read(connection, _PLACED, uids=wanted) if wanted else []


def _read(connection: Connection, statement: TextClause, **parameters: Any) -> list[Event]:
    return [_event(row) for row in connection.execute(statement, parameters)]


def _event(row: Any) -> Event:
    is_placed = row.outcome == "Scheduled"
    digest = blake2b(f"{row.pod_uid}/{row.fingerprint}".encode(), digest_size=16)
    return Event(
        uid=str(UUID(bytes=digest.digest())),
        name=f"{row.name}.{digest.hexdigest()[:16]}",
        namespace=row.namespace,
        revision=row.revision,
        created_ms=row.first_ms,
        involved_kind="Pod",
        involved_name=row.name,
        involved_uid=row.pod_uid,
        type="Normal" if is_placed else "Warning",
        reason="Scheduled" if is_placed else "FailedScheduling",
        message=_assigned(row) if is_placed else row.message or "",
        count=row.count,
        last_ms=row.last_ms,
        source="scheduler",
    )


def _assigned(row: Any) -> str:
    """In kube-scheduler's words, which people and programs look for."""
    return f"Successfully assigned {row.namespace}/{row.name} to {row.node_name}"
