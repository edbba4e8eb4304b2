"""What nodes and pods really use, as their agents measured it last: no history, no revision, not in the change log."""

from collections.abc import Iterable
from typing import NamedTuple

from sqlalchemy import Connection, text

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


def of_nodes(connection: Connection) -> list[Usage]:
    """Of the nodes that are heard."""
    return [Usage(*row) for row in connection.execute(_OF_NODES)]


def of_pods(connection: Connection) -> list[Usage]:
    """Of the pods that run on them."""
    return [Usage(*row) for row in connection.execute(_OF_PODS)]


def write_nodes(connection: Connection, rows: Iterable[tuple[str, int, int]], *, now_ms: int) -> None:
    """`(node uid, CPU millis, memory bytes)`, each node once."""
    _NODES.execute(connection, rows, now_ms=now_ms)


def write_pods(connection: Connection, rows: Iterable[tuple[str, str, int, int]], *, now_ms: int) -> None:
    """`(uid of the node that says so, pod uid, CPU millis, memory bytes)`, each pod once."""
    _PODS.execute(connection, rows, now_ms=now_ms)
