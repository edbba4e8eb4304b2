"""Decides which deletions nobody else can finish, and what is old enough to be forgotten.

A deletion is finished by the node's agent, which first stops what runs. Garbage does it where no agent can:

* the pod was never bound, its node or the machine is gone, or it had finished: nothing can run;
* the node is not Ready, its run grant has ended and the pod is a Reschedule pod: the agent, wherever it is, has
  stopped it. Not on a Docker node: its container can be killed and leave those of its pods running, so there the end
  of the grant proves nothing, and controllers/node asks the engine.

Any other pod of a silent node may still run there, so its deletion waits until the node is heard, restarted or
deleted. Source: Kubernetes, which leaves such pods Terminating; its PodGC removes pods whose node is gone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from kuberklone.kinds.node import Machine, Provider, Readiness
from kuberklone.kinds.pod import OnNodeFailure

FinishReason = Literal["NeverBound", "NodeGone", "Finished", "GrantEnded"]


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeFacts:
    """A node that pods being deleted are bound to."""

    name: str
    provider: Provider = "simulated"
    machine: Machine = "Running"
    deleting: bool = False
    ready: Readiness
    granted_until_ms: int | None
    """`heartbeats.granted_until_ms`; None: never heard, so nothing was ever granted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PodFacts:
    """A pod being deleted, or one whose node does not exist."""

    uid: str
    node_name: str | None
    deleting: bool = True
    held: bool = False
    """Has finalizers: whoever holds it must let go first."""
    finished: bool = False
    on_node_failure: OnNodeFailure = "Delete"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finish:
    """Remove the pod, if its node (or its lack of one) and the node's grant are still as they were read."""

    pod_uid: str
    reason: FinishReason


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    finishes: tuple[Finish, ...]
    orphans: tuple[str, ...]
    """Uids of unfinished pods bound to nodes that do not exist: to be marked for deletion, cause NodeDeleted."""
    next_wake_ms: int | None


def decide(pods: Sequence[PodFacts], *, nodes: Mapping[str, NodeFacts], now_ms: int) -> Plan:
    """Finish what can be, and wake up when the next grant ends."""
    finishes: list[Finish] = []
    orphans: list[str] = []
    wakes_ms: list[int] = []
    for pod in pods:
        node = None if pod.node_name is None else nodes.get(pod.node_name)
        if not pod.deleting:
            if pod.node_name is not None and node is None and not pod.finished:
                orphans.append(pod.uid)
            continue
        if pod.held:
            continue
        found = _finish_at(pod, node, now_ms=now_ms)
        if found is None:
            continue
        at_ms, reason = found
        if at_ms <= now_ms:
            finishes.append(Finish(pod_uid=pod.uid, reason=reason))
        else:
            wakes_ms.append(at_ms)
    return Plan(finishes=tuple(finishes), orphans=tuple(orphans), next_wake_ms=min(wakes_ms, default=None))


def _finish_at(pod: PodFacts, node: NodeFacts | None, *, now_ms: int) -> tuple[int, FinishReason] | None:
    """From when on the deletion can be finished here, and why; None while that is for the agent to do."""
    if pod.node_name is None:
        return now_ms, "NeverBound"
    if node is None:
        return now_ms, "NodeGone"
    if node.ready == "True":
        return None
    # The machine of an external node is not ours to remove; deleting such a node says that it is gone.
    if node.deleting and node.machine == "Absent" and node.provider != "external":
        return now_ms, "NodeGone"
    if pod.finished:
        return now_ms, "Finished"
    if node.provider == "docker":
        return None
    if pod.on_node_failure == "Reschedule" or (node.deleting and node.provider == "external"):
        return node.granted_until_ms or 0, "GrantEnded"
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """For how long things are kept, in milliseconds of cluster time, and how many."""

    changes_ms: int
    history_ms: int
    history_rows_max: int
    decisions_ms: int
    placements_ms: int
    events_ms: int
    finished_pods_max: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CutOffs:
    """What lies before each moment may go. Compaction keeps, for each live object, its newest row before it."""

    watch_from_ms: int
    """A watcher's cursor from before gets 410."""
    history_from_ms: int
    decisions_from_ms: int
    placements_from_ms: int
    events_from_ms: int
    history_rows_excess: int
    """How many of the oldest rows of the change log go whatever their age; never rows that watchers need."""
    finished_pods_excess: int
    """How many of the pods that finished first go."""


def cut_offs(retention: Retention, *, history_rows: int, finished_pods: int, now_ms: int) -> CutOffs:
    """Each a function of now and the settings alone, so a pass run twice removes nothing more.

    `history_rows` counts rows of the change log older than `watch_from_ms`, `finished_pods` all finished ones. That
    their number and not their age decides follows Kubernetes (`--terminated-pod-gc-threshold`).
    """
    return CutOffs(
        watch_from_ms=max(0, now_ms - retention.changes_ms),
        history_from_ms=max(0, now_ms - retention.history_ms),
        decisions_from_ms=max(0, now_ms - retention.decisions_ms),
        placements_from_ms=max(0, now_ms - retention.placements_ms),
        events_from_ms=max(0, now_ms - retention.events_ms),
        history_rows_excess=max(0, history_rows - retention.history_rows_max),
        finished_pods_excess=max(0, finished_pods - retention.finished_pods_max),
    )
