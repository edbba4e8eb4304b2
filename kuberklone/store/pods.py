"""Reading pods and writing their owned columns. Binding and removal have modules of their own."""

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, func, select

from kuberklone.kinds.pod import FINISHED, Pod
from kuberklone.store import records, removal, schema, use
from kuberklone.store.among import among
from kuberklone.store.records import PODS, Update
from kuberklone.store.rows import BulkStatement
from kuberklone.store.transaction import Transaction

_columns = schema.pods.c
# A join, because SQLite looks up no index for `(namespace, name) IN (…)`: each pod added would read all there are.
_TAKEN = BulkStatement(
    "SELECT p.namespace, p.name FROM {rows} AS r JOIN pods AS p ON p.namespace = r.namespace AND p.name = r.name",
    {"namespace": "text", "name": "text"},
)


def with_uids(connection: Connection, uids: Iterable[str]) -> list[Pod]:
    """The pods of these uids that still exist."""
    return PODS.read(connection, PODS.select().where(among(_columns.uid, uids)))


def named(connection: Connection, namespace: str, name: str) -> Pod | None:
    found = PODS.read(connection, PODS.select().where(_columns.namespace == namespace, _columns.name == name))
    return found[0] if found else None


def on_nodes(connection: Connection, node_names: Iterable[str]) -> list[Pod]:
    """All pods bound to these nodes, finished ones too."""
    return PODS.read(connection, PODS.select().where(among(_columns.node_name, node_names)))


def unbound(connection: Connection) -> list[Pod]:
    """Pods that wait for a node, in no particular order."""
    return PODS.read(connection, PODS.select().where(_columns.node_name.is_(None), _columns.deleting_ms.is_(None)))


def deleting(connection: Connection) -> list[Pod]:
    """Pods whose deletion was asked for and is not finished."""
    return PODS.read(connection, PODS.select().where(_columns.deleting_ms.is_not(None)))


def oldest_finished(connection: Connection, *, limit: int) -> list[Pod]:
    """The pods that finished first and are not on their way out yet."""
    statement = PODS.select().where(_columns.finished_ms.is_not(None), _columns.deleting_ms.is_(None))
    return PODS.read(connection, statement.order_by(_columns.finished_ms).limit(limit))


def count_finished(connection: Connection) -> int:
    """How many finished pods are kept."""
    statement = select(func.count()).where(_columns.finished_ms.is_not(None), _columns.deleting_ms.is_(None))
    count: int = connection.execute(statement).scalar_one()
    return count


def on_missing_nodes(connection: Connection) -> list[Pod]:
    """Pods bound to a node that does not exist; a scan of an index, so not for every pass."""
    named = select(schema.nodes.c.name)
    return PODS.read(connection, PODS.select().where(_columns.node_name.is_not(None), _columns.node_name.not_in(named)))


def taken_names(connection: Connection, keys: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
    """Those of `(namespace, name)` that a pod has already."""
    return {(row.namespace, row.name) for row in _TAKEN.execute(connection, keys)}


def create(transaction: Transaction, pods: Sequence[Pod]) -> list[Pod]:
    """Insert pods with free names."""
    return records.insert(transaction, PODS, pods)


def update(transaction: Transaction, updates: Sequence[Update[Pod]], columns: tuple[str, ...]) -> list[Pod]:
    """Write `columns` of pods that are still as they were read; the ones written.

    A pod that finishes by it gives its room back, and its placement ends.
    """
    written = records.update(transaction, PODS, updates, columns)
    if "phase" in columns:
        finished = [pod for pod in written if pod.phase in FINISHED]
        winners = {pod.uid for pod in finished}
        use.release(transaction, (change.old for change in updates if change.old.uid in winners))
        removal.end_placements(transaction, finished)
    return written
