"""The nodes that `kuberklone up --nodes N` gives a store that has never had any."""

from sqlalchemy import select

from kuberklone.chance import Chance
from kuberklone.kinds import node, pod
from kuberklone.kinds.node import Node, Provider
from kuberklone.store import crashpoints, nodes, schema
from kuberklone.store.database import Store
from kuberklone.store.numbering import Numbering
from kuberklone.store.transaction import Transaction, write


def add(store: Store, count: int, provider: Provider = "simulated") -> int:
    """Add so many nodes if no node and no pod was ever there; how many were added.

    The question and the answer are one transaction, so a kill at any moment neither loses nor doubles them, and a
    cluster whose nodes somebody deleted stays as it is.
    """
    with write(store, reserve=count) as transaction:
        if _was_used(transaction):
            return 0
        chance = Chance()
        names = Numbering(schema.nodes, "node").names(transaction, count)
        nodes.create(transaction, [Node(uid=chance.uid(), name=name, provider=provider) for name in names])
        crashpoints.reach("up.nodes_added")
    return count


def _was_used(transaction: Transaction) -> bool:
    resource = schema.changes.c.resource
    changes = select(1).where(resource.in_([node.RESOURCE, pod.RESOURCE])).limit(1)
    # The log is compacted, so a cluster that has been quiet for long is known by its tables only.
    tables = [select(1).select_from(table).limit(1) for table in (schema.nodes, schema.pods)]
    return any(transaction.connection.execute(question).first() for question in (changes, *tables))
