"""What can be done with a pod beside writing it: bind it to a node, and send it away as its budget allows."""

from dataclasses import dataclass

from kuberklone.errors import Conflict
from kuberklone.kinds.objects.v1 import node, pod
from kuberklone.kinds.pod import Pod
from kuberklone.store import binding, deletion, disruption, nodes
from kuberklone.store.binding import Binding
from kuberklone.store.object_operations import check_preconditions, not_found
from kuberklone.store.records import PODS
from kuberklone.store.transaction import Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class BindPod:
    """Give a pod its node, as a scheduler from outside decides."""

    namespace: str
    name: str
    node_name: str
    uid: str | None = None
    """What the pod must be; None: whatever bears the name."""
    revision: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EvictPod:
    """Ask for the deletion of a pod, unless a disruption budget is against it."""

    namespace: str
    name: str
    uid: str | None = None
    revision: int | None = None
    grace_s: int | None = None


PodOperation = BindPod | EvictPod


def apply(transaction: Transaction, operation: PodOperation) -> list[Pod]:
    """The pod as it is then, or as it was last; raises what refuses the operation."""
    match operation:
        case BindPod():
            return [_bind(transaction, operation)]
        case EvictPod():
            return [_evict(transaction, operation)]


def _existing(transaction: Transaction, operation: PodOperation) -> Pod:
    key = (operation.namespace, operation.name)
    found = PODS.named(transaction.connection, [key]).get(key)
    if found is None:
        raise not_found(pod.KIND, operation.name)
    check_preconditions(pod.KIND, found, uid=operation.uid, revision=operation.revision)
    return found


def _bind(transaction: Transaction, operation: BindPod) -> Pod:
    found = _existing(transaction, operation)
    head = f'Operation cannot be fulfilled on pods/binding "{found.name}": '
    if found.deleting_ms is not None:
        raise Conflict(f"{head}pod {found.name} is being deleted, cannot be assigned to a host")
    if found.node_name is not None:
        raise Conflict(f"{head}pod {found.name} is already assigned to node {found.node_name!r}")
    target = next(iter(nodes.named(transaction.connection, {operation.node_name})), None)
    if target is None or target.deleting_ms is not None:
        raise not_found(node.KIND, operation.node_name)
    wanted = Binding(pod=found, node_name=target.name, node_revision=target.revision)
    bound = binding.bind(transaction, [wanted])
    if not bound:
        raise Conflict(f"{head}node {target.name} has no room for pod {found.name}")
    return bound[0]


def _evict(transaction: Transaction, operation: EvictPod) -> Pod:
    found = _existing(transaction, operation)
    disruption.take_budget(transaction, found)
    gone = deletion.delete(transaction, PODS, [found], cause="Evicted", grace_s=operation.grace_s)
    assert gone, "nobody else writes in this transaction"
    return gone[0]
