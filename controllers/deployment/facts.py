"""What a Deployment is to its loop, and what its ReplicaSets say of themselves."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from kuberklone.apimachinery.selectors import LabelSelector
from kuberklone.kinds.shares import Amount

ConditionStatus = Literal["True", "False", "Unknown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """Moments are whole seconds, as documents hold them, in milliseconds."""

    type: str
    status: ConditionStatus
    reason: str
    message: str
    updated_ms: int
    changed_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """A Deployment's `status`."""

    observed_generation: int = 0
    replicas: int = 0
    updated: int = 0
    ready: int = 0
    available: int = 0
    unavailable: int = 0
    terminating: int = 0
    collisions: int | None = None
    """How often the name for a new set was taken; part of what the next name is made of."""
    conditions: tuple[Condition, ...] = ()

    def condition(self, kind: str) -> Condition | None:
        return next((condition for condition in self.conditions if condition.type == kind), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentFacts:
    uid: str
    revision: int = 0
    """At which it was read: what is decided on it holds for it as it was then."""
    namespace: str = "default"
    name: str
    replicas: int
    selector: LabelSelector
    template: str
    """A fingerprint of the pod template, equal for equal ones."""
    annotations: Mapping[str, str] = field(default_factory=dict)
    paused: bool = False
    recreates: bool = False
    """Strategy Recreate: all old pods go before the first new one comes."""
    max_surge: Amount = "25%"
    max_unavailable: Amount = "25%"
    min_ready_s: int = 0
    history_limit: int | None = 10
    progress_deadline_s: int | None = 600
    deleting: bool = False
    generation: int = 1
    status: Status = field(default_factory=Status)


@dataclass(frozen=True, slots=True, kw_only=True)
class SetFacts:
    """A ReplicaSet: of this Deployment, or one that may become so."""

    uid: str
    revision: int = 0
    namespace: str = "default"
    name: str
    labels: Mapping[str, str]
    controller_uid: str | None
    template: str
    """Like the Deployment's; the label `pod-template-hash` is no part of it."""
    annotations: Mapping[str, str] = field(default_factory=dict)
    replicas: int
    min_ready_s: int = 0
    created_ms: int = 0
    deleting: bool = False
    generation: int = 1
    observed_generation: int = 0
    current: int = 0
    """`status.replicas`: the pods it has."""
    ready: int = 0
    available: int = 0
    terminating: int = 0
    failure: tuple[str, str] | None = None
    """Reason and message of its ReplicaFailure."""

    @property
    def has_settled(self) -> bool:
        """Whether its status knows how many replicas are wanted now: until then its counts are of another time."""
        return self.observed_generation >= self.generation
