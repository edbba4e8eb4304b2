"""What placement depends on of one node, as far as its record says it."""

from collections.abc import Mapping
from enum import StrEnum

import msgspec

from kuberklone.kinds import node as node_kind
from kuberklone.kinds.node import Node
from kuberklone.kinds.taints import Taint


class Unusable(StrEnum):
    """Why a node takes no pods, whatever they tolerate. Silence and cordon are taints, which can be tolerated."""

    DELETING = "node(s) were being deleted"
    FAILED = "node(s) had failed"
    RESTARTING = "node(s) were restarting"


class NodeFacts(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """All of a node that placement depends on, except what its pods use."""

    name: str
    revision: int
    cpu_millis: int
    memory_bytes: int
    pods_max: int
    labels: Mapping[str, str] = {}
    taints: tuple[Taint, ...] = ()
    """The effective ones: the user's and those that follow from health and cordon."""
    unschedulable: bool = False
    unusable: Unusable | None = None


_LABELS = msgspec.json.Decoder(dict[str, str])


def facts_of(node: Node) -> NodeFacts:
    """A node's record, reduced to what placement depends on."""
    return NodeFacts(
        name=node.name,
        revision=node.revision,
        cpu_millis=node.cpu_millis,
        memory_bytes=node.memory_bytes,
        pods_max=node.pods_max,
        labels=_LABELS.decode(node.labels),
        taints=tuple(node_kind.effective_taints(node)),
        unschedulable=node.unschedulable,
        unusable=_unusable(node),
    )


_UNUSABLE = {"Failed": Unusable.FAILED, "Restarting": Unusable.RESTARTING}


def _unusable(node: Node) -> Unusable | None:
    if node.deleting_ms is not None:
        return Unusable.DELETING
    # By its known words only: a node whose state nobody understands cannot be read, and gets no pods.
    return _UNUSABLE.get(node_kind.machine(node.machine))
