"""What nodes and pods use: as their agents measured it last, no history, no revision, not in the change log.

A simulated pod uses what it asked for while it runs, and a simulated node what its pods use: nobody measures those.
"""

from collections.abc import Iterable
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, case, func, or_, select, text

from kuberklone.kinds.node import Node
from kuberklone.kinds.pod import Pod
from kuberklone.store import schema
from kuberklone.store.records import NODES, PODS
from kuberklone.store.rows import BulkStatement

_SET = (
    "DO UPDATE SET cpu_millis = excluded.cpu_millis, memory_bytes = excluded.memory_bytes, "
    "measured_ms = excluded.measured_ms"
)
# The joins keep out what is not there, or is not on the node of whoever says so.
_NODES = BulkStatement(
    "INSERT INTO node_usage (node_uid, cpu_millis, memory_bytes, measured_ms) "
    "SELECT r.node_uid, r.cpu_millis, r.memory_bytes, :now_ms FROM {rows} AS r JOIN nodes AS n ON n.uid = r.node_uid "
    f"WHERE true ON CONFLICT (node_uid) {_SET}",
    {"node_uid": "text", "cpu_millis": "bigint", "memory_bytes": "bigint"},
)
_PODS = BulkStatement(
    "INSERT INTO pod_usage (pod_uid, cpu_millis, memory_bytes, measured_ms) "
    "SELECT r.pod_uid, r.cpu_millis, r.memory_bytes, :now_ms FROM {rows} AS r "
    "JOIN pods AS p ON p.uid = r.pod_uid JOIN nodes AS n ON n.name = p.node_name AND n.uid = r.node_uid "
    f"WHERE true ON CONFLICT (pod_uid) {_SET}",
    {"node_uid": "text", "pod_uid": "text", "cpu_millis": "bigint", "memory_bytes": "bigint"},
)


class Usage(NamedTuple):
    """Of a node, or of a pod of `namespace` on it."""

    node_name: str
    namespace: str
    pod_name: str
    cpu_millis: int
    memory_bytes: int


_OF_NODES = text(
    "SELECT n.name, '', '', u.cpu_millis, u.memory_bytes FROM node_usage u JOIN nodes n ON n.uid = u.node_uid "
    "WHERE n.ready = 'True' ORDER BY n.name"
)
# What a pod used before it ended or its node was lost says nothing of now.
_OF_PODS = text(
    "SELECT p.node_name, p.namespace, p.name, u.cpu_millis, u.memory_bytes FROM pod_usage u "
    "JOIN pods p ON p.uid = u.pod_uid JOIN nodes n ON n.name = p.node_name "
    "WHERE n.ready = 'True' AND p.phase = 'Running' ORDER BY p.namespace, p.name"
)


def measured_on_nodes(connection: Connection) -> list[Usage]:
    """Of the nodes that are heard and measure it."""
    return [Usage(*row) for row in connection.execute(_OF_NODES)]


def measured_on_pods(connection: Connection) -> list[Usage]:
    """Of the pods that run on them."""
    return [Usage(*row) for row in connection.execute(_OF_PODS)]


def write_nodes(connection: Connection, rows: Iterable[tuple[str, int, int]], *, now_ms: int) -> None:
    """`(node uid, CPU millis, memory bytes)`, each node once."""
    _NODES.execute(connection, rows, now_ms=now_ms)


def write_pods(connection: Connection, rows: Iterable[tuple[str, str, int, int]], *, now_ms: int) -> None:
    """`(uid of the node that says so, pod uid, CPU millis, memory bytes)`, each pod once."""
    _PODS.execute(connection, rows, now_ms=now_ms)


class Used(NamedTuple):
    cpu_millis: int
    memory_bytes: int
    measured_ms: int | None
    """Cluster time; None: it is so now."""


_nodes, _pods = schema.nodes.c, schema.pods.c
_node_usage, _pod_usage = schema.node_usage.c, schema.pod_usage.c
_IS_SIMULATED = _nodes.provider == "simulated"


def _either(modelled: ColumnElement[int], measured: ColumnElement[int]) -> ColumnElement[int]:
    return case((_IS_SIMULATED, modelled), else_=measured)


_SUMS = (
    select(
        _pods.node_name,
        func.sum(_pods.cpu_millis).label("cpu_millis"),
        func.sum(_pods.memory_bytes).label("memory_bytes"),
    )
    .where(_pods.phase == "Running", _pods.node_name.is_not(None))
    .group_by(_pods.node_name)
    .subquery()
)
# Of a node that is not heard nobody knows what it uses.
_USED_NODES = (
    select(
        *(_nodes[column] for column in NODES.columns),
        _either(func.coalesce(_SUMS.c.cpu_millis, 0), _node_usage.cpu_millis),
        _either(func.coalesce(_SUMS.c.memory_bytes, 0), _node_usage.memory_bytes),
        case((_IS_SIMULATED, None), else_=_node_usage.measured_ms),
    )
    .select_from(schema.nodes)
    .outerjoin(_SUMS, _SUMS.c.node_name == _nodes.name)
    .outerjoin(schema.node_usage, _node_usage.node_uid == _nodes.uid)
    .where(_nodes.ready == "True", or_(_IS_SIMULATED, _node_usage.node_uid.is_not(None)))
    .order_by(_nodes.name)
)
_USED_PODS = (
    select(
        *(_pods[column] for column in PODS.columns),
        _either(_pods.cpu_millis, _pod_usage.cpu_millis),
        _either(_pods.memory_bytes, _pod_usage.memory_bytes),
        case((_IS_SIMULATED, None), else_=_pod_usage.measured_ms),
    )
    .select_from(schema.pods)
    .join(schema.nodes, and_(_nodes.name == _pods.node_name, _nodes.ready == "True"))
    .outerjoin(schema.pod_usage, _pod_usage.pod_uid == _pods.uid)
    .where(_pods.phase == "Running", or_(_IS_SIMULATED, _pod_usage.pod_uid.is_not(None)))
    .order_by(_pods.namespace, _pods.name)
)


def of_nodes(connection: Connection, *, name: str = "") -> list[tuple[Node, Used]]:
    """What the nodes that are heard use, or one of them."""
    statement = _USED_NODES.where(_nodes.name == name) if name else _USED_NODES
    width = len(NODES.columns)
    return [(Node(*row[:width]), Used(*row[width:])) for row in connection.execute(statement).all()]


def of_pods(connection: Connection, *, namespace: str = "", name: str = "") -> list[tuple[Pod, Used]]:
    """What the running pods use, or those of a namespace, or one of them."""
    statement = _USED_PODS
    if namespace:
        statement = statement.where(_pods.namespace == namespace)
    if name:
        statement = statement.where(_pods.name == name)
    width = len(PODS.columns)
    return [(Pod(*row[:width]), Used(*row[width:])) for row in connection.execute(statement).all()]
