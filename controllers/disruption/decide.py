"""Decides how many healthy pods a PodDisruptionBudget wants, has, and can spare.

Source: Kubernetes' disruption controller. A share is one of what the owners of the pods want, not of the pods that
happen to be there: otherwise a budget would shrink with every pod that is lost.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from kuberklone.apimachinery.selectors import LabelSelector
from kuberklone.kinds import shares
from kuberklone.kinds.disruption import DISRUPTED_MS_MAX
from kuberklone.kinds.shares import Amount


@dataclass(frozen=True, slots=True, kw_only=True)
class PodFacts:
    uid: str
    namespace: str = "default"
    name: str
    labels: Mapping[str, str]
    controller_uid: str | None = None
    node_name: str | None = None
    ready_since_ms: int | None = None
    deleting: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """A budget's `status`, but for the times of its condition."""

    observed_generation: int = 0
    current_healthy: int = 0
    desired_healthy: int = 0
    disruptions_allowed: int = 0
    expected_pods: int = 0
    disrupted: Mapping[str, int] = field(default_factory=dict)
    """Pods that evictions let go and that are still there, by name, since when."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetFacts:
    uid: str
    revision: int = 0
    namespace: str = "default"
    name: str
    selector: LabelSelector
    min_available: Amount | None = None
    max_unavailable: Amount | None = None
    generation: int = 1
    status: Status = field(default_factory=Status)


@dataclass(frozen=True, slots=True)
class Scale:
    """How many pods somebody wants in all: a Deployment, whichever of its sets has them."""

    uid: str
    replicas: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    statuses: Mapping[str, Status]
    """By budget, where it differs from what is written."""
    next_wake_ms: int | None


def decide(
    budgets: Iterable[BudgetFacts],
    *,
    pods: Mapping[str, Sequence[PodFacts]],
    scales: Mapping[str, Scale],
    now_ms: int,
) -> Plan:
    """`pods` are the unfinished ones by namespace; `scales` is what the controller of a pod wants, by its uid."""
    statuses: dict[str, Status] = {}
    wakes_ms: list[int] = []
    for budget in budgets:
        guarded = [pod for pod in pods.get(budget.namespace, ()) if budget.selector.matches(pod.labels)]
        status = _status(budget, guarded, scales=scales, now_ms=now_ms)
        if status != budget.status:
            statuses[budget.uid] = status
        wakes_ms += [since_ms + DISRUPTED_MS_MAX for since_ms in status.disrupted.values()]
    return Plan(statuses=statuses, next_wake_ms=min(wakes_ms, default=None))


def _status(budget: BudgetFacts, guarded: Sequence[PodFacts], *, scales: Mapping[str, Scale], now_ms: int) -> Status:
    there = {pod.name for pod in guarded if not pod.deleting}
    disrupted = {
        name: since_ms
        for name, since_ms in budget.status.disrupted.items()
        if name in there and since_ms + DISRUPTED_MS_MAX > now_ms
    }
    healthy = sum(pod.ready_since_ms is not None and not pod.deleting and pod.name not in disrupted for pod in guarded)
    expected, desired = _wanted(budget, guarded, scales)
    return Status(
        observed_generation=budget.generation,
        current_healthy=healthy,
        desired_healthy=desired,
        disruptions_allowed=max(0, healthy - desired) if expected else 0,
        expected_pods=expected,
        disrupted=disrupted,
    )


def _wanted(budget: BudgetFacts, guarded: Sequence[PodFacts], scales: Mapping[str, Scale]) -> tuple[int, int]:
    """`(pods expected, healthy ones wanted)`."""
    if budget.max_unavailable is not None:
        expected = _expected(guarded, scales)
        return expected, max(0, expected - shares.of(budget.max_unavailable, expected, round_up=True))
    if isinstance(budget.min_available, int):
        return len(guarded), budget.min_available
    if budget.min_available is not None:
        expected = _expected(guarded, scales)
        return expected, shares.of(budget.min_available, expected, round_up=True)
    return 0, 0


def _expected(guarded: Sequence[PodFacts], scales: Mapping[str, Scale]) -> int:
    """What the controllers of these pods want in all; pods without one count for nothing, as in Kubernetes.

    A controller of an unknown kind is taken to want what it has.
    """
    controllers = {pod.controller_uid for pod in guarded if pod.controller_uid is not None}
    wanted = {scales[uid].uid: scales[uid].replicas for uid in controllers if uid in scales}
    unknown = controllers - scales.keys()
    return sum(wanted.values()) + sum(pod.controller_uid in unknown for pod in guarded)
