"""Decides which pods of silent Docker nodes to stop, and which deletions that finishes.

The agent of a node finishes deletions: it stops what runs. When it is not heard and the engine that holds its node's
container is, that engine knows better than any clock what still runs, so a deletion is finished here and only here:
never by the end of a grant alone, for the pods of a killed node run on without anybody who would stop them.

* The machine does not run, so its agent is surely gone: what is left of its pods is stopped at once.
* The machine runs and its agent is cut off from us, or hangs: until its grant ends it may start its pods again. After
  that it has stopped its Reschedule pods itself; what it has not is stopped here. Other pods it may go on running.
* The machine is frozen, so its agent could not stop anything at the end of its grant: the machine is ended.

Whether something runs is always read off the next list of the engine, so that a stop that was lost is done again.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from kuberklone.kinds.pod import OnNodeFailure


@dataclass(frozen=True, slots=True, kw_only=True)
class SilentNode:
    """A Docker node that is not Ready, and what its engine says of it."""

    uid: str
    name: str
    state: Literal["Running", "Frozen", "Gone"]
    granted_until_ms: int
    running: frozenset[str]
    """Uids of the pods of which a container runs, or is frozen with its node."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DoomedPod:
    """A pod being deleted that is bound to a silent node."""

    uid: str
    node_uid: str
    held: bool = False
    """Has finalizers: whoever holds it must let go first."""
    on_node_failure: OnNodeFailure = "Delete"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """End the containers of these pods, and before them the node's own if the machine is to be ended."""

    node_uid: str
    node_name: str
    pods: frozenset[str]
    end_machine: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    stops: tuple[Stop, ...] = ()
    finishes: tuple[str, ...] = ()
    """Uids of pods of which surely nothing runs any more: to be removed, if their node was not heard meanwhile."""
    next_wake_ms: int | None = None


@dataclass(slots=True)
class _Pass:
    stops: list[Stop] = field(default_factory=list)
    finishes: list[str] = field(default_factory=list)
    wakes_ms: list[int] = field(default_factory=list)


def decide(nodes: Mapping[str, SilentNode], pods: Iterable[DoomedPod], *, now_ms: int) -> Plan:
    """`nodes` by uid: those about which the engine's list says all there is."""
    this = _Pass()
    by_node: dict[str, list[DoomedPod]] = {}
    for pod in pods:
        if pod.node_uid in nodes:
            by_node.setdefault(pod.node_uid, []).append(pod)
    for uid, doomed in by_node.items():
        _node(this, nodes[uid], doomed, now_ms)
    return Plan(stops=tuple(this.stops), finishes=tuple(this.finishes), next_wake_ms=min(this.wakes_ms, default=None))


def _node(this: _Pass, node: SilentNode, pods: Sequence[DoomedPod], now_ms: int) -> None:
    certain = [pod for pod in pods if node.state != "Running" or pod.on_node_failure == "Reschedule"]
    if not certain:
        return
    if node.state != "Gone" and node.granted_until_ms > now_ms:
        this.wakes_ms.append(node.granted_until_ms)
        return
    still = frozenset(pod.uid for pod in certain if pod.uid in node.running)
    if node.state == "Frozen":
        this.stops.append(Stop(node_uid=node.uid, node_name=node.name, pods=still, end_machine=True))
        return
    if still:
        this.stops.append(Stop(node_uid=node.uid, node_name=node.name, pods=still))
    this.finishes += [pod.uid for pod in certain if pod.uid not in still and not pod.held]
