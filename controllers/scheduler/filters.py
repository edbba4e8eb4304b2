"""Which nodes a pod may not go to, and why: one small function per cause, in kube-scheduler's order of plugins.

A filter yields pairs of a reason and the nodes it holds for. These depend on the pod's shape and the nodes' facts alone
and hold for a whole pass; what fills up in the course of a pass is in `room.py`. A new filter is a function here and a
place in `FILTERS`.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from controllers.scheduler.columns import Mask, NodeColumns
from kuberklone.kinds.pod import SchedulingInputs
from kuberklone.kinds.taints import UNSCHEDULABLE, Taint, Toleration, tolerates


class Rejection(NamedTuple):
    reason: str
    nodes: Mask


Filter = Callable[[SchedulingInputs, NodeColumns], Iterable[Rejection]]

_CORDON = Taint(key=UNSCHEDULABLE, effect="NoSchedule")


def usable(_: SchedulingInputs, nodes: NodeColumns) -> Iterator[Rejection]:
    """Nodes that are leaving or have no machine. Kubernetes has no such filter: there they are tainted or gone."""
    for why, members in nodes.unusable:
        yield Rejection(why, members)


def schedulable(inputs: SchedulingInputs, nodes: NodeColumns) -> Iterator[Rejection]:
    """A cordoned node takes a pod that tolerates the taint of cordoning, as in the plugin NodeUnschedulable."""
    if not _tolerated(_CORDON, inputs.tolerations):
        yield Rejection("node(s) were unschedulable", nodes.cordoned)


def taints_tolerated(inputs: SchedulingInputs, nodes: NodeColumns) -> Iterator[Rejection]:
    """The first untolerated taint is the one named, as in the plugin TaintToleration.

    A toleration that ends after some seconds lets a pod in like any other; its time runs once the pod is there.
    """
    for taints, members in nodes.tainted:
        for taint in taints:
            if taint.effect != "PreferNoSchedule" and not _tolerated(taint, inputs.tolerations):
                yield Rejection(f"node(s) had untolerated taint {{{taint.key}: {taint.value}}}", members)
                break


def selected(inputs: SchedulingInputs, nodes: NodeColumns) -> Iterator[Rejection]:
    """Every label asked for must be there with that value, as in the plugin NodeAffinity."""
    if not inputs.node_selector:
        return
    chosen = ~nodes.nowhere()
    for key, value in inputs.node_selector.items():
        chosen &= nodes.labelled(key, value)
    yield Rejection("node(s) didn't match Pod's node affinity/selector", ~chosen)


FILTERS: tuple[Filter, ...] = (usable, schedulable, taints_tolerated, selected)


def untolerated_preferences(inputs: SchedulingInputs, taints: tuple[Taint, ...]) -> int:
    """How many of the taints ask that the pod rather goes elsewhere."""
    return sum(taint.effect == "PreferNoSchedule" and not _tolerated(taint, inputs.tolerations) for taint in taints)


def _tolerated(taint: Taint, tolerations: Iterable[Toleration]) -> bool:
    return any(tolerates(toleration, taint) for toleration in tolerations)
