"""Reading pods and writing their owned columns. Binding and removal have modules of their own."""

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, Select, select, tuple_

from kuberklone.kinds.pod import FINISHED, Pod
from kuberklone.store import records, removal, schema, use
from kuberklone.store.records import PODS, Update
from kuberklone.store.transaction import Transaction

_columns = schema.pods.c


def matching(connection: Connection, statement: Select[tuple[object, ...]]) -> list[Pod]:
    """The pods that a statement made from `PODS.select()` finds."""
    return PODS.read(connection, statement)


def with_uids(connection: Connection, uids: Iterable[str]) -> list[Pod]:
    """The pods of these uids that still exist."""
    return PODS.read(connection, PODS.select().where(_columns.uid.in_(list(uids))))


def named(connection: Connection, namespace: str, name: str) -> Pod | None:
    found = PODS.read(connection, PODS.select().where(_columns.namespace == namespace, _columns.name == name))
    return found[0] if found else None


def on_nodes(connection: Connection, node_names: Iterable[str]) -> list[Pod]:
    """All pods bound to these nodes, finished ones too."""
    return PODS.read(connection, PODS.select().where(_columns.node_name.in_(list(node_names))))


def unbound(connection: Connection) -> list[Pod]:
    """Pods that wait for a node, in no particular order."""
    return PODS.read(connection, PODS.select().where(_columns.node_name.is_(None), _columns.deleting_ms.is_(None)))


def to_start(connection: Connection, *, limit: int) -> list[Pod]:
    """Pods that have a node but do not run there yet."""
    return PODS.read(
        connection,
        PODS.select().where(_columns.phase == "Pending", _columns.node_name.is_not(None)).limit(limit),
    )


def deleting(connection: Connection) -> list[Pod]:
    """Pods whose deletion was asked for and is not finished."""
    return PODS.read(connection, PODS.select().where(_columns.deleting_ms.is_not(None)))


def finished_before(connection: Connection, finished_ms: int, *, limit: int) -> list[Pod]:
    """Finished pods that ended before `finished_ms`, oldest first."""
    statement = PODS.select().where(_columns.finished_ms < finished_ms, _columns.deleting_ms.is_(None))
    return PODS.read(connection, statement.order_by(_columns.finished_ms).limit(limit))


def nodes_with_pods(connection: Connection, node_names: Iterable[str]) -> set[str]:
    """Those of the nodes that still have a pod bound to them."""
    statement = select(_columns.node_name).where(_columns.node_name.in_(list(node_names))).distinct()
    return {name for name in connection.execute(statement).scalars() if name is not None}


def taken_names(connection: Connection, keys: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
    """Those of `(namespace, name)` that a pod has already."""
    statement = select(_columns.namespace, _columns.name).where(
        tuple_(_columns.namespace, _columns.name).in_(list(keys))
    )
    return {(row.namespace, row.name) for row in connection.execute(statement)}


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
