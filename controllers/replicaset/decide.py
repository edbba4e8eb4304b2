"""Decides which pods a ReplicaSet adopts, releases, creates and deletes, and what its status says.

Source: Kubernetes' replicaset controller (`syncReplicaSet`, `claimPods`, `ActivePodsWithRanks`). It differs in two
points, both of which follow from one order of revisions:

* There are no expectations. What a pass creates is committed before the next pass takes its snapshot, and a snapshot
  that shows one revision shows all below it; so a pass never overlooks a pod of its own, and counts each once.
* Claims come first. A set that adopts or releases pods in a pass neither creates nor deletes any in it: whether the
  claim was won is known in the next pass, which follows at once.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from controllers.replicaset import ranking
from controllers.replicaset.facts import PodFacts
from kuberklone.apimachinery.selectors import LabelSelector
from kuberklone.kinds.pod import FINISHED

BURST_MAX = 500
"""Pods that one set creates or deletes in a pass (Kubernetes' BurstReplicas): the others are not kept waiting."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why no pod can be made: the condition ReplicaFailure."""

    reason: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """What the set's `status` says, but for conditions of others."""

    replicas: int = 0
    fully_labeled: int = 0
    ready: int = 0
    available: int = 0
    terminating: int = 0
    observed_generation: int = 0
    failure: Failure | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SetFacts:
    """A ReplicaSet, or a ReplicationController, which is the same with a plainer selector."""

    uid: str
    revision: int = 0
    namespace: str
    name: str
    replicas: int
    selector: LabelSelector
    template_labels: Mapping[str, str]
    min_ready_ms: int = 0
    owner_uid: str | None = None
    """What controls the set; pods of its other sets count as neighbours on a node."""
    deleting: bool = False
    generation: int = 1
    failure: Failure | None = None
    """Its template makes no pod."""
    status: Status


@dataclass(frozen=True, slots=True)
class Claim:
    """A pod that a set takes or lets go."""

    pod_uid: str
    set_uid: str


@dataclass(frozen=True, slots=True)
class Creation:
    set_uid: str
    count: int


@dataclass(frozen=True, slots=True)
class Deletion:
    set_uid: str
    pod_uids: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """To be written in this order, each only while the set is as it was read."""

    adoptions: tuple[Claim, ...] = ()
    releases: tuple[Claim, ...] = ()
    creations: tuple[Creation, ...] = ()
    deletions: tuple[Deletion, ...] = ()
    statuses: Mapping[str, Status]
    """By set, where it differs from what is written."""
    wakes_ms: Mapping[str, int]
    """When a set must be looked at again although nothing changes: a ready pod becomes available."""


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """The pods among which the sets find theirs. Every pod is in one place only."""

    controlled: Mapping[str, Collection[PodFacts]]
    """By the uid of what controls them."""
    orphans: Mapping[str, Collection[PodFacts]]
    """Pods that nothing controls, by namespace."""
    siblings: Mapping[str, Collection[str]]
    """Sets by the uid of what controls them: the ReplicaSets of a Deployment."""


def decide(sets: Iterable[SetFacts], *, view: View, now_ms: int) -> Plan:
    """What these sets do now. The same pods and the same time always give the same plan."""
    adoptions: list[Claim] = []
    releases: list[Claim] = []
    creations: list[Creation] = []
    deletions: list[Deletion] = []
    statuses: dict[str, Status] = {}
    wakes_ms: dict[str, int] = {}
    taken: set[str] = set()
    for each in sets:
        adopted = [claim for claim in _adoptions(each, view) if claim.pod_uid not in taken]
        taken.update(claim.pod_uid for claim in adopted)
        released = list(_releases(each, view))
        if adopted or released:
            adoptions += adopted
            releases += released
            continue
        own = [pod for pod in view.controlled.get(each.uid, ()) if _fits(each, pod)]
        active = [pod for pod in own if pod.is_active]
        excess = len(active) - each.replicas
        doomed: tuple[str, ...] = ()
        if excess > 0 and not each.deleting:
            doomed = _doomed(each, active, excess, view=view, now_ms=now_ms)
            deletions.append(Deletion(each.uid, doomed))
        elif excess < 0 and not each.deleting and each.failure is None:
            creations.append(Creation(each.uid, min(-excess, BURST_MAX)))
        staying = [pod for pod in active if pod.uid not in set(doomed)]
        # What is deleted now takes its time to end, and so counts as terminating from this pass on.
        terminating = sum(pod.deleting and pod.phase not in FINISHED for pod in own) + len(doomed)
        status = _status(each, staying, terminating=terminating, now_ms=now_ms)
        if status != each.status:
            statuses[each.uid] = status
        wake_ms = _next_available_ms(each, staying, now_ms=now_ms)
        if wake_ms is not None:
            wakes_ms[each.uid] = wake_ms
    return Plan(
        adoptions=tuple(adoptions),
        releases=tuple(releases),
        creations=tuple(creations),
        deletions=tuple(deletions),
        statuses=statuses,
        wakes_ms=wakes_ms,
    )


def _adoptions(each: SetFacts, view: View) -> Iterator[Claim]:
    if each.deleting:
        return
    for pod in view.orphans.get(each.namespace, ()):
        if pod.is_active and pod.is_readable and each.selector.matches(pod.labels):
            yield Claim(pod.uid, each.uid)


def _releases(each: SetFacts, view: View) -> Iterator[Claim]:
    if each.deleting:
        return  # what becomes of its pods is said by how it is deleted
    for pod in view.controlled.get(each.uid, ()):
        if pod.is_active and not _fits(each, pod):
            yield Claim(pod.uid, each.uid)


def _fits(each: SetFacts, pod: PodFacts) -> bool:
    return each.selector.matches(pod.labels) or not pod.is_readable


def _doomed(each: SetFacts, active: Sequence[PodFacts], excess: int, *, view: View, now_ms: int) -> tuple[str, ...]:
    count = min(excess, BURST_MAX)
    candidates = [pod for pod in active if pod.is_readable]
    if excess >= len(candidates):
        # All must go, so there is nothing to choose.
        return tuple(sorted(pod.uid for pod in candidates)[:count])
    family = view.siblings.get(each.owner_uid, (each.uid,)) if each.owner_uid is not None else (each.uid,)
    neighbours = Counter(pod.node_name for uid in family for pod in view.controlled.get(uid, ()) if pod.is_active)
    ranked = sorted(candidates, key=lambda pod: ranking.key(pod, neighbours[pod.node_name], now_ms=now_ms))
    return tuple(pod.uid for pod in ranked[:count])


def _status(each: SetFacts, active: Sequence[PodFacts], *, terminating: int, now_ms: int) -> Status:
    return Status(
        replicas=len(active),
        fully_labeled=sum(pod.labels.items() >= each.template_labels.items() for pod in active),
        ready=sum(pod.ready_since_ms is not None for pod in active),
        available=sum(pod.is_available(each.min_ready_ms, now_ms) for pod in active),
        terminating=terminating,
        observed_generation=each.generation,
        failure=each.failure,
    )


def _next_available_ms(each: SetFacts, active: Sequence[PodFacts], *, now_ms: int) -> int | None:
    moments = (pod.ready_since_ms + each.min_ready_ms for pod in active if pod.ready_since_ms is not None)
    return min((moment for moment in moments if moment > now_ms), default=None)
