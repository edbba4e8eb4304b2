"""Documents of metrics.k8s.io: what nodes and pods use, as `kubectl top` reads it."""

from dataclasses import dataclass
from typing import Any

import msgspec

from kuberklone.apimachinery.document import Document
from kuberklone.clock import timestamp
from kuberklone.kinds import amounts
from kuberklone.kinds.header import Header
from kuberklone.kinds.node import Node
from kuberklone.kinds.pod import Pod

API_VERSION = "metrics.k8s.io/v1beta1"

_decode = msgspec.json.Decoder().decode
_KIBIBYTE = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What was used at a moment, as a mean over the time before it."""

    cpu_millis: int
    memory_bytes: int
    measured_ms: int
    """Cluster time."""
    window_s: float


def of_node(node: Node, usage: Usage) -> Document:
    return {**_head("NodeMetrics", node, usage), "usage": _amounts(usage.cpu_millis, usage.memory_bytes)}


def of_pod(pod: Pod, usage: Usage) -> Document:
    """A pod is measured as a whole; its containers have their shares of that by what they asked for."""
    containers: list[Document] = _decode(pod.spec).get("containers") or []
    cpu = shares(usage.cpu_millis, [_asked(each, "cpu") for each in containers])
    memory = shares(usage.memory_bytes, [_asked(each, "memory") for each in containers])
    shown = [
        {"name": each.get("name", ""), "usage": _amounts(*used)}
        for each, used in zip(containers, zip(cpu, memory, strict=True), strict=True)
    ]
    return {**_head("PodMetrics", pod, usage, namespace=pod.namespace), "containers": shown}


def shares(total: int, weights: list[int]) -> list[int]:
    """`total` in parts that are as large as the weights, equal ones where nobody weighs anything; they add up to it."""
    if not any(weights):
        weights = [1] * len(weights)
    taken, parts, whole = 0, [], sum(weights)
    weighed = 0
    for weight in weights:
        weighed += weight
        parts.append(total * weighed // whole - taken)
        taken += parts[-1]
    return parts


def _asked(container: Document, resource: str) -> int:
    resources: dict[str, Any] = container.get("resources") or {}
    return amounts.units(amounts.exact(resources.get("requests"), resource), resource)


def _amounts(cpu_millis: int, memory_bytes: int) -> Document:
    # In the units of metrics-server.
    return {"cpu": f"{cpu_millis}m", "memory": f"{memory_bytes // _KIBIBYTE}Ki"}


def _head(kind: str, record: Header, usage: Usage, *, namespace: str = "") -> Document:
    at = timestamp(usage.measured_ms)
    metadata: Document = {"name": record.name}
    if namespace:
        metadata["namespace"] = namespace
    metadata["creationTimestamp"] = at
    labels = _decode(record.labels)
    if labels:
        metadata["labels"] = labels
    return {
        "kind": kind,
        "apiVersion": API_VERSION,
        "metadata": metadata,
        "timestamp": at,
        "window": f"{usage.window_s:g}s",
    }
