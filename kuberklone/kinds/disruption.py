"""What a PodDisruptionBudget and its status say, and how a status changes when a pod is taken away."""

from dataclasses import dataclass

import msgspec

from kuberklone.apimachinery.document import Document
from kuberklone.apimachinery.selectors import LabelSelector, label_selector
from kuberklone.clock import timestamp
from kuberklone.errors import Invalid
from kuberklone.kinds import json_text, shares
from kuberklone.kinds.shares import Amount
from kuberklone.kinds.stored_object import StoredObject

DISRUPTED_MS_MAX = 120_000
"""How long a pod that was let go counts as gone although it is there: then its deletion did not come (Kubernetes)."""


class _Spec(msgspec.Struct, rename="camel"):
    selector: Document | None = None
    min_available: Amount | None = None
    max_unavailable: Amount | None = None
    unhealthy_pod_eviction_policy: str | None = None


class _Status(msgspec.Struct, rename="camel"):
    observed_generation: int = 0
    current_healthy: int = 0
    desired_healthy: int = 0
    disruptions_allowed: int = 0
    expected_pods: int = 0
    disrupted_pods: dict[str, str] = {}


_SPEC = msgspec.json.Decoder(_Spec)
_STATUS = msgspec.json.Decoder(_Status)


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """A budget that can be read."""

    record: StoredObject
    selector: LabelSelector
    min_available: Amount | None
    max_unavailable: Amount | None
    always_lets_unhealthy_go: bool
    status: _Status


def read(record: StoredObject) -> Budget:
    """ValueError for a record that makes no sense."""
    spec = _SPEC.decode(record.spec)
    return Budget(
        record=record,
        selector=_selector(spec.selector),
        min_available=None if spec.min_available is None else shares.readable(spec.min_available),
        max_unavailable=None if spec.max_unavailable is None else shares.readable(spec.max_unavailable),
        always_lets_unhealthy_go=spec.unhealthy_pod_eviction_policy == "AlwaysAllow",
        status=_STATUS.decode(record.status),
    )


def _selector(document: Document | None) -> LabelSelector:
    try:
        return label_selector(document)
    except (Invalid, TypeError, AttributeError) as error:
        raise ValueError(f"its selector cannot be read: {error}") from error


def with_one_less(budget: Budget, pod_name: str, *, now_ms: int) -> StoredObject:
    """The budget once it has let a pod go: one disruption less, and the pod counts as gone from now on."""
    status: Document = msgspec.json.decode(budget.record.status)
    status["disruptionsAllowed"] = budget.status.disruptions_allowed - 1
    status["disruptedPods"] = {**budget.status.disrupted_pods, pod_name: timestamp(now_ms)}
    return msgspec.structs.replace(budget.record, status=json_text.text(status))
