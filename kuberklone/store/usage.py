"""What nodes and pods really use, as their agents measured it last: no history, no revision, not in the change log."""

from collections.abc import Iterable

from sqlalchemy import Connection

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


def write_nodes(connection: Connection, rows: Iterable[tuple[str, int, int]], *, now_ms: int) -> None:
    """`(node uid, CPU millis, memory bytes)`, each node once."""
    _NODES.execute(connection, rows, now_ms=now_ms)


def write_pods(connection: Connection, rows: Iterable[tuple[str, str, int, int]], *, now_ms: int) -> None:
    """`(uid of the node that says so, pod uid, CPU millis, memory bytes)`, each pod once."""
    _PODS.execute(connection, rows, now_ms=now_ms)
