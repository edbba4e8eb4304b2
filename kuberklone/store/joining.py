"""Machines that join by themselves: each becomes an external node, or finds the node it was before."""

from dataclasses import dataclass

import msgspec

from kuberklone.errors import AlreadyExists, Refused
from kuberklone.kinds.node import Node
from kuberklone.kinds.token import TokenText
from kuberklone.store import agents, events, identity, nodes, tokens
from kuberklone.store.numbering import Numbering
from kuberklone.store.records import Update
from kuberklone.store.transaction import Transaction

_SOURCE = "api"


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinNode:
    machine_id: str
    node: Node
    """What it shall be; without a name it is the node that this machine was, else it is numbered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinedNode:
    node: Node
    token: TokenText
    cluster_id: str


def join(transaction: Transaction, wanted: JoinNode, names: Numbering) -> JoinedNode:
    """The node and its new token; those it had before are void. Raises AlreadyExists or Refused."""
    known = _known(transaction, wanted)
    if known is None:
        (node,) = nodes.create(transaction, [_named(transaction, wanted.node, names)])
        events.record(transaction, [events.about_node(node, "Joined", "The machine joined.")], source=_SOURCE)
    else:
        node = _as_it_is_now(transaction, known, wanted.node)
    agents.put_machine(transaction, node.uid, wanted.machine_id)
    return JoinedNode(
        node=node,
        token=tokens.create_for_node(transaction, node.uid),
        cluster_id=identity.cluster_id(transaction.connection),
    )


def _known(transaction: Transaction, wanted: JoinNode) -> Node | None:
    """The node that this machine was already, or that was announced for it."""
    connection = transaction.connection
    if wanted.node.name:
        found = nodes.named(connection, [wanted.node.name])
    else:
        found = nodes.with_uids(
            connection, [agent.node_uid for agent in agents.of_machine(connection, wanted.machine_id)]
        )
    if not found:
        return None
    node = found[0]
    agent = agents.of_nodes(connection, [node.uid]).get(node.uid)
    is_free = agent is None or agent.machine_id is None
    if node.provider != "external" or not (is_free or (agent is not None and agent.machine_id == wanted.machine_id)):
        raise AlreadyExists("name", f"the node {node.name} is another machine; join under another name")
    if node.deleting_ms is not None:
        raise Refused(f"node {node.name} is being deleted; join again when it is gone, or under another name")
    return node


def _named(transaction: Transaction, node: Node, names: Numbering) -> Node:
    if node.name:
        return node
    (name,) = names.names(transaction, 1, but=set())
    return msgspec.structs.replace(node, name=name)


def _as_it_is_now(transaction: Transaction, known: Node, wanted: Node) -> Node:
    """A machine may come back with more or less of everything."""
    columns = ("cpu_millis", "memory_bytes", "labels")
    revised = msgspec.structs.replace(known, **{column: getattr(wanted, column) for column in columns})
    return known if revised == known else nodes.update(transaction, [Update(known, revised)], columns)[0]
