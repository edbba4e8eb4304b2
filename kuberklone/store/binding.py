"""Binding pods to nodes: the only place where a pod gets its node, and never beyond what the node has."""

from collections.abc import Sequence

import msgspec

from kuberklone.kinds.pod import Pod
from kuberklone.store import crashpoints, nodes, pods, records, use
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
    _tell(transaction, bound)
    return bound


def create(transaction: Transaction, new: Sequence[Pod]) -> list[Pod]:
    """Insert pods with free names; those that name their node themselves are bound to it by that.

    Such a pod passes by the scheduler, so the node refuses what it has no room for, as a kubelet does: the pod has
    failed. One whose node does not exist is left to the garbage controller, like any pod of a node that is gone.
    """
    chosen = [pod for pod in new if pod.node_name is not None]
    if not chosen:
        return pods.create(transaction, new)
    refused = _without_room(transaction, chosen)
    written = pods.create(transaction, [_arriving(transaction, pod, refused) for pod in new])
    _tell(transaction, [pod for pod in written if pod.node_name is not None and pod.uid not in refused])
    return written


def _arriving(transaction: Transaction, pod: Pod, refused: set[str]) -> Pod:
    now_ms = transaction.now_ms
    if pod.node_name is None:
        return pod
    if pod.uid not in refused:
        return msgspec.structs.replace(pod, bound_ms=now_ms)
    message = "Pod was rejected: Node didn't have enough resources"
    return msgspec.structs.replace(
        pod, bound_ms=now_ms, phase="Failed", reason="OutOfResources", message=message, finished_ms=now_ms
    )


def _without_room(transaction: Transaction, chosen: Sequence[Pod]) -> set[str]:
    """The uids of pods that do not fit on the node that they name; room is taken for all others."""
    revisions = {
        node.name: node.revision
        for node in nodes.named(transaction.connection, {pod.node_name for pod in chosen if pod.node_name is not None})
    }
    wanted = [
        (pod.node_name, revisions[pod.node_name], pod)
        for pod in chosen
        if pod.node_name is not None and pod.node_name in revisions
    ]
    roomy = use.reserve(transaction, wanted)
    refused: set[str] = set()
    # Together they are too many for a node: then those that came first.
    for name, revision, pod in wanted:
        if name not in roomy and name not in use.reserve(transaction, [(name, revision, pod)]):
            refused.add(pod.uid)
    return refused


def _tell(transaction: Transaction, bound: Sequence[Pod]) -> None:
    """Open the rows of who ran where."""
    _PLACED.execute(
        transaction.connection,
        ((pod.uid, pod.namespace, pod.name, pod.node_name) for pod in bound),
        bound_ms=transaction.now_ms,
    )
