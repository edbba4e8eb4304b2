"""Reading nodes and writing their owned columns."""

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, select

from kuberklone.kinds.node import Node
from kuberklone.store import records, schema, use
from kuberklone.store.records import NODES, Update
from kuberklone.store.transaction import Transaction

_columns = schema.nodes.c


def all_nodes(connection: Connection) -> list[Node]:
    return NODES.read(connection, NODES.select().order_by(_columns.name))


def named(connection: Connection, names: Iterable[str]) -> list[Node]:
    """The nodes of these names that exist."""
    return NODES.read(connection, NODES.select().where(_columns.name.in_(list(names))))


def changed_since(connection: Connection, revision: int) -> list[Node]:
    """Nodes written after `revision`. A scan, but of typed columns only: cheaper than decoding the feed."""
    return NODES.read(connection, NODES.select().where(_columns.revision > revision))


def of_provider(connection: Connection, provider: str) -> list[Node]:
    return NODES.read(connection, NODES.select().where(_columns.provider == provider))


def taken_names(connection: Connection, names: Iterable[str]) -> set[str]:
    """Those of `names` that a node has already."""
    return set(connection.execute(select(_columns.name).where(_columns.name.in_(list(names)))).scalars())


def create(transaction: Transaction, nodes: Sequence[Node]) -> list[Node]:
    """Insert nodes with free names and begin counting their use."""
    written = records.insert(transaction, NODES, nodes)
    use.add_nodes(transaction, [node.name for node in written])
    return written


def update(transaction: Transaction, updates: Sequence[Update[Node]], columns: tuple[str, ...]) -> list[Node]:
    """Write `columns` of nodes that are still as they were read; the ones written."""
    return records.update(transaction, NODES, updates, columns)


def delete(transaction: Transaction, nodes: Sequence[Node]) -> list[Node]:
    """Remove node rows together with all that is kept about them only while they exist."""
    gone = records.delete(transaction, NODES, nodes)
    uids = [node.uid for node in gone]
    use.remove_nodes(transaction, [node.name for node in gone])
    for table in (schema.heartbeats, schema.faults):
        transaction.connection.execute(table.delete().where(table.c.node_uid.in_(uids)))
    return gone
