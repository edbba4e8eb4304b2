"""Binding pods to nodes: the only place where a pod gets its node, and never beyond what the node has."""

from collections.abc import Sequence

import msgspec

from kuberklone.kinds.pod import Pod
from kuberklone.store import crashpoints, records, use
from kuberklone.store.records import PODS, Update
from kuberklone.store.rows import BulkInsert
from kuberklone.store.transaction import Transaction


class Binding(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A placement that was decided on what was read: the pod and the revision of the node."""

    pod: Pod
    node_name: str
    node_revision: int


_PLACED = BulkInsert(
    "placements",
    {"pod_uid": "text", "namespace": "text", "name": "text", "node_name": "text"},
    constants=("bound_ms",),
)


def bind(transaction: Transaction, bindings: Sequence[Binding]) -> list[Pod]:
    """Bind pods whose node is unchanged and has room, and which are unchanged themselves; the pods bound.

    The rest is left alone: its reader decides again on what is there now.
    """
    roomy = use.reserve(transaction, ((binding.node_name, binding.node_revision, binding.pod) for binding in bindings))
    updates = [
        Update(
            binding.pod,
            msgspec.structs.replace(binding.pod, node_name=binding.node_name, bound_ms=transaction.now_ms),
        )
        for binding in bindings
        if binding.node_name in roomy
    ]
    bound = records.update(transaction, PODS, updates, ("node_name", "bound_ms"))
    crashpoints.reach("binding.bound")
    if len(bound) < len(updates):
        winners = {pod.uid for pod in bound}
        use.release(transaction, (change.new for change in updates if change.new.uid not in winners))
    _PLACED.execute(
        transaction.connection,
        ((pod.uid, pod.namespace, pod.name, pod.node_name) for pod in bound),
        bound_ms=transaction.now_ms,
    )
    return bound
