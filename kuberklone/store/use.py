"""What the pods bound to a node take of it, kept in the transaction that changes it.

A pod takes room from its binding until it has finished or is removed. The sums could be computed from `pods` at any
time (`kuberklone db check` does); keeping them makes "is there still room?" one comparison under the lock.
"""

from collections import defaultdict
from collections.abc import Iterable

from sqlalchemy import Connection, select, text

from kuberklone.kinds.pod import FINISHED, Pod
from kuberklone.store import schema
from kuberklone.store.among import among
from kuberklone.store.rows import BulkStatement, ColumnType
from kuberklone.store.transaction import Transaction

_COLUMNS: dict[str, ColumnType] = {
    "node_name": "text",
    "cpu_millis": "bigint",
    "memory_bytes": "bigint",
    "pods": "bigint",
}

# Room is checked where it is taken: a node whose pods would not fit, which is gone, or which changed since the
# placement was decided, is left as it was. By row on SQLite, where that takes half the time of a join with the rows.
_RESERVE_ROW = (
    "UPDATE node_use SET cpu_millis = cpu_millis + ?2, memory_bytes = memory_bytes + ?3, pods = pods + ?4, "
    "revision = ?6 WHERE node_name = ?1 AND EXISTS (SELECT 1 FROM nodes AS n WHERE n.name = ?1 AND +n.revision = ?5 "
    "AND (?2 = 0 OR node_use.cpu_millis + ?2 <= n.cpu_millis) "
    "AND (?3 = 0 OR node_use.memory_bytes + ?3 <= n.memory_bytes) AND node_use.pods + ?4 <= n.pods_max)"
)
_RESERVE_ROWS = BulkStatement(
    "UPDATE node_use SET cpu_millis = node_use.cpu_millis + r.cpu_millis, "
    "memory_bytes = node_use.memory_bytes + r.memory_bytes, pods = node_use.pods + r.pods, revision = :revision "
    "FROM {rows} AS r JOIN nodes AS n ON n.name = r.node_name "
    "WHERE node_use.node_name = r.node_name AND n.revision = r.node_revision "
    "AND (r.cpu_millis = 0 OR node_use.cpu_millis + r.cpu_millis <= n.cpu_millis) "
    "AND (r.memory_bytes = 0 OR node_use.memory_bytes + r.memory_bytes <= n.memory_bytes) "
    "AND node_use.pods + r.pods <= n.pods_max",
    {**_COLUMNS, "node_revision": "bigint"},
)
_RESERVED = text("SELECT node_name FROM node_use WHERE revision = :revision")
_RELEASE = BulkStatement(
    "UPDATE node_use SET cpu_millis = node_use.cpu_millis - r.cpu_millis, "
    "memory_bytes = node_use.memory_bytes - r.memory_bytes, pods = node_use.pods - r.pods, revision = :revision "
    "FROM {rows} AS r WHERE node_use.node_name = r.node_name",
    _COLUMNS,
)
_ADD_NODES = BulkStatement(
    "INSERT INTO node_use (node_name, cpu_millis, memory_bytes, pods, revision) "
    "SELECT r.node_name, 0, 0, 0, :revision FROM {rows} AS r",
    {"node_name": "text"},
)

DRIFTED = (
    "SELECT n.node_name, u.cpu_millis AS kept_cpu, COALESCE(s.cpu, 0) AS summed_cpu, "
    "u.memory_bytes AS kept_memory, COALESCE(s.memory, 0) AS summed_memory, u.pods AS kept_pods, "
    "COALESCE(s.pods, 0) AS summed_pods "
    "FROM (SELECT name AS node_name FROM nodes UNION SELECT node_name FROM node_use) AS n "
    "LEFT JOIN node_use u ON u.node_name = n.node_name "
    "LEFT JOIN (SELECT node_name, SUM(cpu_millis) AS cpu, SUM(memory_bytes) AS memory, COUNT(*) AS pods FROM pods "
    "WHERE node_name IS NOT NULL AND phase NOT IN ('Succeeded', 'Failed') GROUP BY node_name) s "
    "ON s.node_name = n.node_name "
    "WHERE u.node_name IS NULL OR u.cpu_millis <> COALESCE(s.cpu, 0) "
    "OR u.memory_bytes <> COALESCE(s.memory, 0) OR u.pods <> COALESCE(s.pods, 0)"
)
"""Nodes whose kept sums differ from the sums over their pods. `kuberklone db check` asks it, too."""


def add_nodes(transaction: Transaction, names: Iterable[str]) -> None:
    """Begin counting for new nodes."""
    _ADD_NODES.execute(transaction.connection, ((name,) for name in names), revision=transaction.first_free - 1)


def remove_nodes(transaction: Transaction, names: Iterable[str]) -> None:
    statement = schema.node_use.delete().where(among(schema.node_use.c.node_name, names))
    transaction.connection.execute(statement)


def reserve(transaction: Transaction, wanted: Iterable[tuple[str, int, Pod]]) -> set[str]:
    """Take room for pods: `(node name, the node's revision when the placement was decided, pod)`.

    Returns the nodes on which all of their pods fit; on the others nothing was taken.
    """
    totals: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    revisions: dict[str, int] = {}
    for node_name, node_revision, pod in wanted:
        _add(totals[node_name], pod)
        # The oldest one counts: of two revisions of one node, one was decided on what is no longer true.
        revisions[node_name] = min(node_revision, revisions.get(node_name, node_revision))
    connection = transaction.connection
    # A revision of its own: whoever follows `node_use` by revision must not have seen it yet.
    revision = transaction.take(1)
    rows = [(name, *amounts, revisions[name]) for name, amounts in totals.items()]
    if not rows:
        return set()
    if connection.dialect.name == "sqlite":
        result = connection.exec_driver_sql(_RESERVE_ROW, [(*row, revision) for row in rows])
    else:
        result = _RESERVE_ROWS.execute(connection, rows, revision=revision)
    if result.rowcount == len(rows):
        return set(totals)
    # Some nodes were left as they were; the revision is ours alone, so it tells which were not.
    return set(connection.execute(_RESERVED, {"revision": revision}).scalars())


def release(transaction: Transaction, pods: Iterable[Pod]) -> None:
    """Give back the room of pods that were bound and unfinished until now."""
    totals: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    for pod in pods:
        if pod.node_name is not None and pod.phase not in FINISHED:
            _add(totals[pod.node_name], pod)
    if totals:
        _RELEASE.execute(
            transaction.connection,
            ((name, *amounts) for name, amounts in totals.items()),
            revision=transaction.last_taken,
        )


def _add(total: list[int], pod: Pod) -> None:
    total[0] += pod.cpu_millis
    total[1] += pod.memory_bytes
    total[2] += 1


def changed_since(connection: Connection, revision: int) -> list[tuple[str, int, int, int, int]]:
    """`(node name, cpu millis, memory bytes, pods, revision)` of nodes whose use changed after `revision`."""
    table = schema.node_use.c
    statement = select(table.node_name, table.cpu_millis, table.memory_bytes, table.pods, table.revision)
    return [tuple(row) for row in connection.execute(statement.where(table.revision > revision)).all()]


def drifted(connection: Connection) -> list[dict[str, object]]:
    """Nodes whose kept sums differ from the sums over their pods; empty unless the program has a bug."""
    return [dict(row._mapping) for row in connection.execute(text(DRIFTED))]
