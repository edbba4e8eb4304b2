"""Reads for people: lists of nodes and pods with what belongs to them, by typed SELECTs of few columns."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Select, bindparam, func, select, text

from kuberklone.kinds.node import Node
from kuberklone.store import schema
from kuberklone.store.records import NODES

_nodes, _pods, _use, _heartbeats = schema.nodes.c, schema.pods.c, schema.node_use.c, schema.heartbeats.c


class NodeInUse(NamedTuple):
    """A node, what its unfinished pods take of it, and when it was heard last."""

    node: Node
    cpu_millis_used: int
    memory_bytes_used: int
    pods: int
    received_ms: int | None
    granted_until_ms: int | None
    measured_cpu_millis: int | None = None
    measured_memory_bytes: int | None = None
    measured_ms: int | None = None
    """When its agent measured what it really uses; None for nodes that nobody measures."""


class PodLine(NamedTuple):
    """What a list shows of a pod."""

    uid: str
    namespace: str
    name: str
    revision: int
    created_ms: int
    phase: str
    deleting_ms: int | None
    node_name: str | None
    cpu_millis: int
    memory_bytes: int
    priority: int
    reason: str | None
    message: str | None
    exit_code: int | None
    bound_ms: int | None
    started_ms: int | None
    finished_ms: int | None
    labels: str
    restarts: int
    measured_cpu_millis: int | None
    measured_memory_bytes: int | None
    measured_ms: int | None


_MEASURED = ("cpu_millis", "memory_bytes", "measured_ms")
_NODE_COLUMNS = [_nodes[column] for column in NODES.columns]
_NODES_IN_USE = (
    select(
        *_NODE_COLUMNS,
        func.coalesce(_use.cpu_millis, 0),
        func.coalesce(_use.memory_bytes, 0),
        func.coalesce(_use.pods, 0),
        _heartbeats.received_ms,
        _heartbeats.granted_until_ms,
        *(schema.node_usage.c[column] for column in _MEASURED),
    )
    .select_from(schema.nodes)
    .outerjoin(schema.node_use, _use.node_name == _nodes.name)
    .outerjoin(schema.heartbeats, _heartbeats.node_uid == _nodes.uid)
    .outerjoin(schema.node_usage, schema.node_usage.c.node_uid == _nodes.uid)
)
_POD_LINES = (
    select(
        *(_pods[column] for column in PodLine._fields[: -len(_MEASURED)]),
        *(schema.pod_usage.c[column] for column in _MEASURED),
    )
    .select_from(schema.pods)
    .outerjoin(schema.pod_usage, (schema.pod_usage.c.pod_uid == _pods.uid) & (_pods.phase == "Running"))
)


def _in_reading_order(name: ColumnElement[str]) -> tuple[ColumnElement[Any], ...]:
    """node-2 before node-10, as a person counts."""
    return func.rtrim(name, "0123456789"), func.length(name), name


def nodes_in_use(connection: Connection, names: Iterable[str] | None = None) -> list[NodeInUse]:
    """All nodes, or those of these names that exist."""
    statement = _NODES_IN_USE.order_by(*_in_reading_order(_nodes.name))
    if names is not None:
        statement = statement.where(_nodes.name.in_(list(names)))
    width = len(_NODE_COLUMNS)
    return [
        NodeInUse(Node(**dict(zip(NODES.columns, row[:width], strict=True))), *row[width:])
        for row in connection.execute(statement)
    ]


def pod_lines(
    connection: Connection,
    *,
    namespace: str | None = None,
    name: str | None = None,
    node_name: str | None = None,
    status: str | None = None,
    limit: int | None = None,
) -> list[PodLine]:
    """Pods that match all that is given; a status is a phase or Terminating."""
    statement: Select[Any] = _POD_LINES.order_by(_pods.namespace, *_in_reading_order(_pods.name))
    for column, value in ((_pods.namespace, namespace), (_pods.name, name), (_pods.node_name, node_name)):
        if value is not None:
            statement = statement.where(column == value)
    if status == "Terminating":
        statement = statement.where(_pods.deleting_ms.is_not(None))
    elif status is not None:
        statement = statement.where(_pods.deleting_ms.is_(None), _pods.phase == status)
    if limit is not None:
        statement = statement.limit(limit)
    return [PodLine(*row) for row in connection.execute(statement)]


def phases(connection: Connection) -> dict[str, int]:
    """How many pods are in each phase."""
    return {phase: count for phase, count in connection.execute(_PHASES)}


_PHASES = select(_pods.phase, func.count()).group_by(_pods.phase)


class Latest(NamedTuple):
    """The newest reason why a pod waits."""

    nodes_evaluated: int
    message: str
    reasons: str
    tries: int
    first_ms: int
    last_ms: int


_LATEST = text(
    "SELECT nodes_evaluated, message, reasons, count, first_ms, last_ms FROM decisions "
    "WHERE pod_uid = :pod_uid AND outcome = 'Unschedulable' ORDER BY last_ms DESC LIMIT 1"
)


def why_pending(connection: Connection, pod_uid: str) -> Latest | None:
    """What the scheduler said last of a pod that fits nowhere; None when it has not said anything yet."""
    row = connection.execute(_LATEST, {"pod_uid": pod_uid}).first()
    return None if row is None else Latest(*row)


class Placement(NamedTuple):
    pod_uid: str
    node_name: str
    bound_ms: int
    ended_ms: int | None
    why_ended: str | None


_PLACEMENTS = text(
    "SELECT pod_uid, node_name, bound_ms, ended_ms, why_ended FROM placements "
    "WHERE namespace = :namespace AND name = :name ORDER BY bound_ms DESC LIMIT :limit"
)


def placements(connection: Connection, namespace: str, name: str, *, limit: int) -> list[Placement]:
    """Where the pods of a name ran, newest first; all the pods that bore it one after the other."""
    rows = connection.execute(_PLACEMENTS, {"namespace": namespace, "name": name, "limit": limit})
    return [Placement(*row) for row in rows]


class EventLine(NamedTuple):
    last_ms: int
    first_ms: int
    type: str
    reason: str
    kind: str
    namespace: str
    name: str
    message: str
    times: int
    source: str


_EVENT_COLUMNS = "SELECT last_ms, first_ms, type, reason, kind, namespace, name, message, count, source FROM v_events"
_EVENTS = text(f"{_EVENT_COLUMNS} ORDER BY last_ms DESC LIMIT :limit")
_EVENTS_OF = text(f"{_EVENT_COLUMNS} WHERE object_uid IN :uids ORDER BY last_ms DESC LIMIT :limit").bindparams(
    bindparam("uids", expanding=True)
)


def events(connection: Connection, *, limit: int, uids: Iterable[str] | None = None) -> list[EventLine]:
    """What was said about nodes and pods, or about those of these uids, newest first, with what was decided."""
    if uids is None:
        return [EventLine(*row) for row in connection.execute(_EVENTS, {"limit": limit})]
    return [EventLine(*row) for row in connection.execute(_EVENTS_OF, {"limit": limit, "uids": list(uids)})]


class Loop(NamedTuple):
    """What a controller's leader says of itself."""

    name: str
    holder: str
    epoch: int
    revision_seen: int
    passes: int
    pass_ms: int
    errors: int
    last_error: str | None
    last_error_ms: int | None


_LOOPS = select(*(schema.leaderships.c[column] for column in Loop._fields)).order_by(schema.leaderships.c.name)


def loops(connection: Connection) -> list[Loop]:
    return [Loop(*row) for row in connection.execute(_LOOPS)]


class Leaving(NamedTuple):
    """A pod that must leave its node, unless the node recovers first."""

    node_name: str
    due_ms: int
    cause: str


_LEAVING = text("SELECT node_name, due_ms, cause FROM evictions WHERE pod_uid = :pod_uid")


def leaving(connection: Connection, pod_uid: str) -> Leaving | None:
    row = connection.execute(_LEAVING, {"pod_uid": pod_uid}).first()
    return None if row is None else Leaving(*row)


class InjectedFault(NamedTuple):
    kind: str
    restart: bool
    since_ms: int


_faults = schema.faults.c
_FAULT = select(_faults.kind, _faults.restart, _faults.since_ms)


def fault(connection: Connection, node_uid: str) -> InjectedFault | None:
    row = connection.execute(_FAULT.where(_faults.node_uid == node_uid)).first()
    return None if row is None else InjectedFault(*row)


_HALTED = select(schema.reporting_paths.c.path).where(schema.reporting_paths.c.halted)


def halted_paths(connection: Connection) -> list[str]:
    """The paths on which nobody is evicted, since all their nodes look dead."""
    return list(connection.execute(_HALTED.order_by(schema.reporting_paths.c.path)).scalars())


_STATUSES = text("SELECT status, COUNT(*) FROM v_nodes GROUP BY status")


def node_statuses(connection: Connection) -> dict[str, int]:
    """How many nodes have each status."""
    return {status: count for status, count in connection.execute(_STATUSES)}


_WAITING = select(func.count()).where(_pods.node_name.is_(None), _pods.deleting_ms.is_(None))


def waiting_pods(connection: Connection) -> int:
    """How many pods wait for a node."""
    count: int = connection.execute(_WAITING).scalar_one()
    return count
