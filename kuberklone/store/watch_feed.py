"""The change log as watchers see it: whole objects in order, and what the scheduler decided among the events."""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection, select

from kuberklone.kinds import event as event_kind
from kuberklone.kinds import pod as pod_kind
from kuberklone.kinds.event import Event
from kuberklone.store import feed, scheduler_events, schema
from kuberklone.store.transaction import ROWS_MAX

_columns = schema.changes.c
# As in `feed`: the new rows are found by their revision, and not all that there ever were by their resource.
_RESOURCE = _columns.resource.concat("")
# `previous` of the change that gives a pod its node.
_BINDS = '%"spec.nodeName":""%'
# A transaction binds at most so many pods and then tells as many decisions: so far before its decision is a bind.
_BIND_TO_DECISION_MAX = 2 * ROWS_MAX


class WholeChange(NamedTuple):
    """One change with the object after it; for DELETED the object as it was last."""

    revision: int
    group: str
    resource: str
    namespace: str
    name: str
    uid: str
    type: str
    object: str
    """Without resourceVersion, in the version in which the kind is kept."""
    previous: str | None
    """Labels and selectable fields as they were, where they changed."""


_WHOLE = select(
    _columns.revision,
    _columns.api_group,
    _columns.resource,
    _columns.namespace,
    _columns.name,
    _columns.uid,
    _columns.type,
    _columns.object,
    _columns.previous,
).order_by(_columns.revision)
_BOUND = select(_columns.uid).where(
    _RESOURCE == pod_kind.RESOURCE, _columns.type == "MODIFIED", _columns.previous.like(_BINDS)
)


class Batch(NamedTuple):
    changes: Sequence[WholeChange]
    upto: int
    """Everything up to this revision was told."""


def read(
    connection: Connection,
    cursor: int,
    *,
    limit: int,
    upto: int | None = None,
    key: tuple[str, str] | None = None,
    decisions: bool = False,
) -> Batch:
    """The next changes after `cursor`, at most about `limit`: of all kinds, or of the (group, resource) of `key`.

    With `decisions` those of the scheduler stand among them as events. Raises CursorExpired when rows after the cursor
    may be missing.
    """
    feed.ensure_readable(connection, cursor)
    end = feed.head(connection) if upto is None else upto
    statement = _WHOLE.where(_columns.revision > cursor, _columns.revision <= end).limit(limit)
    if key is not None:
        group, resource = key
        statement = statement.where(_columns.api_group == group, _RESOURCE.in_([resource]))
    changes = [WholeChange(*row) for row in connection.execute(statement)]
    if len(changes) == limit:
        end = changes[-1].revision
    if not decisions:
        return Batch(changes, end)
    unplaced = scheduler_events.unplaced_after(connection, cursor, upto=end, limit=limit)
    if len(unplaced) == limit:
        end = unplaced[-1].revision
        changes = [change for change in changes if change.revision <= end]
    told = [_told(event) for event in [*unplaced, *_placed(connection, cursor, end)]]
    return Batch(sorted([*changes, *told], key=lambda change: change.revision), end)


def _placed(connection: Connection, cursor: int, end: int) -> list[Event]:
    """Placements told after `cursor`: a bind and its decision are written together, the bind first."""
    oldest = cursor - _BIND_TO_DECISION_MAX
    bound = connection.execute(_BOUND.where(_columns.revision > oldest, _columns.revision <= end)).scalars()
    return [event for event in scheduler_events.placed(connection, bound) if cursor < event.revision <= end]


def _told(event: Event) -> WholeChange:
    return WholeChange(
        revision=event.revision,
        group="",
        resource=event_kind.RESOURCE,
        namespace=event.namespace,
        name=event.name,
        uid=event.uid,
        type="ADDED" if event.count == 1 else "MODIFIED",
        object=event_kind.document(event),
        previous=None,
    )
