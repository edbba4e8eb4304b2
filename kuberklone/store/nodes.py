"""Reading nodes and writing their owned columns."""

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, or_, select

from kuberklone.kinds import node_rules
from kuberklone.kinds.node import Node
from kuberklone.store import records, schema, tokens, use
from kuberklone.store.among import among
from kuberklone.store.records import NODES, Update
from kuberklone.store.transaction import Transaction

_columns = schema.nodes.c


def all_nodes(connection: Connection) -> list[Node]:
    return NODES.read(connection, NODES.select().order_by(_columns.name))


def named(connection: Connection, names: Iterable[str]) -> list[Node]:
    """The nodes of these names that exist."""
    return NODES.read(connection, NODES.select().where(among(_columns.name, names)))


def with_uids(connection: Connection, uids: Iterable[str]) -> list[Node]:
    """The nodes of these uids that still exist."""
    return NODES.read(connection, NODES.select().where(among(_columns.uid, uids)))


def that_may_evict(connection: Connection) -> list[Node]:
    """Nodes that are not Ready, have taints of their own or are being deleted."""
    return NODES.read(
        connection,
        NODES.select().where(or_(_columns.ready != "True", _columns.taints != "[]", _columns.deleting_ms.is_not(None))),
    )


def taken_names(connection: Connection, names: Iterable[str]) -> set[str]:
    """Those of `names` that a node has already."""
    return set(connection.execute(select(_columns.name).where(among(_columns.name, names))).scalars())


def create(transaction: Transaction, nodes: Sequence[Node]) -> list[Node]:
    """Insert nodes with free names, labelled as every node is, and begin counting their use."""
    written = records.insert(transaction, NODES, [node_rules.labelled(node) for node in nodes])
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
    for table in (schema.heartbeats, schema.faults, schema.agents, schema.node_usage):
        transaction.connection.execute(table.delete().where(among(table.c.node_uid, uids)))
    tokens.remove_of_nodes(transaction.connection, uids)
    return gone
