"""The Leases of nodes, read off their heartbeats."""

from collections.abc import Iterable

from sqlalchemy import Connection

from kuberklone.kinds import node_lease
from kuberklone.kinds.objects.coordination import lease
from kuberklone.kinds.stored_object import StoredObject
from kuberklone.store import heartbeats, nodes
from kuberklone.store.records import table_of

NAMESPACE = node_lease.NAMESPACE
KEY = (lease.KIND.group, lease.KIND.resource)
"""Group and resource."""


def every(connection: Connection, *, names: Iterable[str] | None = None) -> list[StoredObject]:
    """By name, of these nodes or of all; only nodes that were heard have one, and none that a client made itself."""
    found = nodes.all_nodes(connection) if names is None else nodes.named(connection, names)
    beats = {beat.node_uid: beat.received_ms for beat in heartbeats.of_nodes(connection, [node.uid for node in found])}
    heard = [node for node in found if node.uid in beats]
    taken = table_of(lease.KIND).taken(connection, [(NAMESPACE, node.name) for node in heard]) if heard else set()
    return [node_lease.lease(node, renewed_ms=beats[node.uid]) for node in heard if (NAMESPACE, node.name) not in taken]
