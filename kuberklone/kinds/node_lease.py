"""A node's Lease in `kube-node-lease`: what its heartbeats say, as the object in which Kubernetes keeps them.

It is made when somebody looks. Were it a record, every beat of every node would be a change
(decision 0002: heartbeats are no changes).
"""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid5

from kuberklone.kinds import json_text, owner_references
from kuberklone.kinds.node import Node
from kuberklone.kinds.owner_references import OwnerReference
from kuberklone.kinds.stored_object import StoredObject

NAMESPACE = "kube-node-lease"
_DURATION_S = 40  # the kubelet's default, which describes a lease and decides nothing here


def lease(node: Node, *, renewed_ms: int) -> StoredObject:
    """The lease, as old as its node and renewed by its last heartbeat."""
    reference = OwnerReference(api_version="v1", kind="Node", name=node.name, uid=node.uid)
    spec = {
        "holderIdentity": node.name,
        "leaseDurationSeconds": _DURATION_S,
        "renewTime": _micro_time(renewed_ms),
    }
    return StoredObject(
        # The same one each time, and not the node's.
        uid=str(uuid5(UUID(node.uid), "lease")),
        name=node.name,
        namespace=NAMESPACE,
        revision=node.revision,
        generation=0,
        created_ms=node.created_ms,
        owner_references=owner_references.text([reference]),
        spec=json_text.text(spec),
    )


def _micro_time(moment_ms: int) -> str:
    """metav1.MicroTime: with six digits of the second."""
    moment = datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=moment_ms)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
