"""What a pod takes of a node, by its specification: the sums that the scheduler counts, and its quality of service."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, Literal

from kuberklone.apimachinery.document import Document
from kuberklone.kinds import amounts

QosClass = Literal["Guaranteed", "Burstable", "BestEffort"]
_COMPUTE = ("cpu", "memory")


def requested(spec: Document, resource: str) -> int:
    """Millicores of CPU or bytes of memory that the pod must be given.

    Source: `PodRequests` of k8s.io/component-helpers. Init containers run one after another, before the others, and
    those that restart always (sidecars) go on beside all that follow. What is said for the whole pod counts instead.
    """
    whole = (spec.get("resources") or {}).get("requests") or {}
    if resource in whole:
        total = amounts.exact(whole, resource)
    else:
        total = sum((_request(each, resource) for each in spec.get("containers") or []), start=Decimal(0))
        beside, most = Decimal(0), Decimal(0)
        for container in spec.get("initContainers") or []:
            wanted = _request(container, resource)
            if container.get("restartPolicy") == "Always":
                beside += wanted
                most = max(most, beside)
            else:
                most = max(most, beside + wanted)
        total = max(total + beside, most)
    return amounts.units(total + amounts.exact(spec.get("overhead"), resource), resource)


def _request(container: Mapping[str, Any], resource: str) -> Decimal:
    resources = container.get("resources") or {}
    said = resources.get("requests") or {}
    return amounts.exact(said if resource in said else resources.get("limits"), resource)


def qos_class(spec: Document) -> QosClass:
    """How a pod is served when a node runs short (`ComputePodQOS`)."""
    whole = spec.get("resources")
    holders = [{"resources": whole}] if whole else [*_containers(spec)]
    said = [(each.get("resources") or {}).get(part) or {} for each in holders for part in ("requests", "limits")]
    if not any(_is_given(section, resource) for section in said for resource in _COMPUTE):
        return "BestEffort"
    return "Guaranteed" if all(_is_guaranteed(each.get("resources") or {}) for each in holders) else "Burstable"


def _containers(spec: Document) -> Iterable[Document]:
    return [*(spec.get("initContainers") or []), *(spec.get("containers") or [])]


def _is_given(section: Mapping[str, Any], resource: str) -> bool:
    return amounts.exact(section, resource) > 0


def _is_guaranteed(resources: Mapping[str, Any]) -> bool:
    limits = resources.get("limits") or {}
    requests = {**limits, **(resources.get("requests") or {})}
    return all(
        _is_given(limits, resource) and amounts.exact(limits, resource) == amounts.exact(requests, resource)
        for resource in _COMPUTE
    )
