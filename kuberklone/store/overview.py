"""Reads for people: lists of nodes and pods with what belongs to them, by typed SELECTs of few columns."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Select, func, select, text

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


_NODE_COLUMNS = [_nodes[column] for column in NODES.columns]
_NODES_IN_USE = (
    select(
        *_NODE_COLUMNS,
        func.coalesce(_use.cpu_millis, 0),
        func.coalesce(_use.memory_bytes, 0),
        func.coalesce(_use.pods, 0),
        _heartbeats.received_ms,
        _heartbeats.granted_until_ms,
    )
    .select_from(schema.nodes)
    .outerjoin(schema.node_use, _use.node_name == _nodes.name)
    .outerjoin(schema.heartbeats, _heartbeats.node_uid == _nodes.uid)
)
_POD_LINES = select(*(_pods[column] for column in PodLine._fields))


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
    reasons: str
    tries: int
    first_ms: int
    last_ms: int


_LATEST = text(
    "SELECT nodes_evaluated, reasons, count, first_ms, last_ms FROM decisions "
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


_EVENTS = "SELECT last_ms, first_ms, type, reason, kind, namespace, name, message, count, source FROM v_events"


def events(
    connection: Connection,
    *,
    limit: int,
    kind: str | None = None,
    name: str | None = None,
    namespace: str | None = None,
) -> list[EventLine]:
    """What was said about nodes and pods, newest first, the scheduler's decisions among it."""
    wanted = {"kind": kind, "name": name, "namespace": namespace}
    given = {column: value for column, value in wanted.items() if value is not None}
    where = " AND ".join(f"{column} = :{column}" for column in given)
    statement = f"{_EVENTS}{' WHERE ' + where if where else ''} ORDER BY last_ms DESC LIMIT :limit"
    return [EventLine(*row) for row in connection.execute(text(statement), {**given, "limit": limit})]


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
