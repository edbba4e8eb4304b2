"""Taints of nodes and tolerations of pods (core/v1)."""

from dataclasses import dataclass
from typing import Literal

Effect = Literal["NoSchedule", "PreferNoSchedule", "NoExecute"]
EFFECTS: tuple[Effect, ...] = ("NoSchedule", "PreferNoSchedule", "NoExecute")

NOT_READY = "node.kubernetes.io/not-ready"
UNREACHABLE = "node.kubernetes.io/unreachable"
UNSCHEDULABLE = "node.kubernetes.io/unschedulable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Taint:
    key: str
    value: str = ""
    effect: Effect
    time_added_ms: int | None = None
    """Cluster time since which a NoExecute taint counts; tolerations with a time count from here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Toleration:
    key: str = ""
    operator: Literal["Exists", "Equal"] = "Equal"
    value: str = ""
    effect: Effect | Literal[""] = ""
    seconds: int | None = None
    """How long a NoExecute taint is tolerated; None: for ever."""


def tolerates(toleration: Toleration, taint: Taint) -> bool:
    """Whether the toleration matches the taint.

    Source: `ToleratesTaint` of k8s.io/api/core/v1. An empty effect matches every effect; an empty key with Exists
    matches every key and value.
    """
    if toleration.effect and toleration.effect != taint.effect:
        return False
    if toleration.key and toleration.key != taint.key:
        return False
    if toleration.operator == "Exists":
        return True
    return bool(toleration.key) and toleration.value == taint.value
