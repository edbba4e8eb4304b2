"""HorizontalPodAutoscaler in its two versions: v2, in which it is kept, and v1, which knows nothing but CPU.

Source: the conversion functions in pkg/apis/autoscaling/v1 of Kubernetes. What v1 has no words for goes into the
annotations that it has for that, so that nothing is lost on the way there and back.
"""

import json
from typing import Any

from kuberklone.apimachinery.document import Document
from kuberklone.kinds import json_text

API_VERSION = "autoscaling/v1"
_PREFIX = "autoscaling.alpha.kubernetes.io"
_METRICS, _BEHAVIOR = f"{_PREFIX}/metrics", f"{_PREFIX}/behavior"
_CURRENT, _CONDITIONS = f"{_PREFIX}/current-metrics", f"{_PREFIX}/conditions"
_COPIED = ("scaleTargetRef", "minReplicas", "maxReplicas")
_STATUS_COPIED = ("observedGeneration", "lastScaleTime", "currentReplicas", "desiredReplicas")


def from_v2(document: Document) -> Document:
    """A kept autoscaler as v1 says it."""
    spec, status = document.get("spec") or {}, document.get("status") or {}
    written: dict[str, Any] = {}
    shown: Document = {member: spec[member] for member in _COPIED if member in spec}
    metrics = spec.get("metrics") or []
    place = next((number for number, metric in enumerate(metrics) if _is_cpu_share(metric, "target")), None)
    if place is not None:
        shown["targetCPUUtilizationPercentage"] = metrics[place]["resource"]["target"]["averageUtilization"]
    written[_METRICS] = [metric for number, metric in enumerate(metrics) if number != place]
    written[_BEHAVIOR] = spec.get("behavior")
    told: Document = {member: status[member] for member in _STATUS_COPIED if member in status}
    current = status.get("currentMetrics") or []
    place = next((number for number, metric in enumerate(current) if _is_cpu_share(metric, "current")), None)
    if place is not None:
        told["currentCPUUtilizationPercentage"] = current[place]["resource"]["current"]["averageUtilization"]
    written[_CURRENT] = [metric for number, metric in enumerate(current) if number != place]
    written[_CONDITIONS] = status.get("conditions")
    metadata = dict(document["metadata"])
    added = {key: json_text.text(value) for key, value in written.items() if value}
    if added:
        metadata["annotations"] = {**(metadata.get("annotations") or {}), **added}
    found = {**document, "metadata": metadata, "spec": shown}
    return {**found, "status": told} if "status" in document else found


def to_v2(document: Document) -> Document:
    """An autoscaler of v1 as it is kept."""
    spec, status = document.get("spec") or {}, document.get("status") or {}
    metadata = dict(document.get("metadata") or {})
    annotations = dict(metadata.get("annotations") or {})
    metrics = _taken(annotations, _METRICS, [])
    behavior = _taken(annotations, _BEHAVIOR, {})
    current, conditions = _taken(annotations, _CURRENT, []), _taken(annotations, _CONDITIONS, [])
    if annotations:
        metadata["annotations"] = annotations
    else:
        metadata.pop("annotations", None)
    kept: Document = {member: spec[member] for member in _COPIED if member in spec}
    share = spec.get("targetCPUUtilizationPercentage")
    if share is not None:
        metrics = [_cpu("target", {"type": "Utilization", "averageUtilization": share}), *metrics]
    kept |= {"metrics": metrics} if metrics else {}
    kept |= {"behavior": behavior} if behavior else {}
    told: Document = {member: status[member] for member in _STATUS_COPIED if member in status}
    share = status.get("currentCPUUtilizationPercentage")
    if share is not None:
        current = [_cpu("current", {"averageUtilization": share}), *current]
    told |= {"currentMetrics": current} if current else {}
    told |= {"conditions": conditions} if conditions else {}
    found = {**document, "metadata": metadata, "spec": kept}
    return {**found, "status": told} if "status" in document else found


def _is_cpu_share(metric: Document, side: str) -> bool:
    resource = metric.get("resource") or {}
    return resource.get("name") == "cpu" and (resource.get(side) or {}).get("averageUtilization") is not None


def _cpu(side: str, value: Document) -> Document:
    return {"type": "Resource", "resource": {"name": "cpu", side: value}}


def _taken(annotations: dict[str, str], key: str, unset: Any) -> Any:
    """What an annotation holds, taken away from the annotations; nothing where a person has broken it."""
    text = annotations.pop(key, None)
    if text is None:
        return unset
    try:
        value = json.loads(text)
    except ValueError:
        return unset
    return value if isinstance(value, type(unset)) else unset
