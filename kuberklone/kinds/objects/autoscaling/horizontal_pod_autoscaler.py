"""HorizontalPodAutoscaler: how many pods a workload has, by what they use."""

from collections.abc import Sequence

from kuberklone.apimachinery.document import Document
from kuberklone.apimachinery.problem import Problem
from kuberklone.kinds import autoscaler_versions, columns, rules, workload_columns
from kuberklone.kinds.kind import STATUS, Column, Version
from kuberklone.kinds.stored_object import declare

_CPU_SHARE = 80  # per cent of what pods request, where nothing is said
_SHOWN_MAX = 2  # metrics in a line


def _default(document: Document) -> None:
    spec = document.setdefault("spec", {})
    if spec.get("minReplicas") is None:
        spec["minReplicas"] = 1
    if not spec.get("metrics"):
        target = {"type": "Utilization", "averageUtilization": _CPU_SHARE}
        spec["metrics"] = [{"type": "Resource", "resource": {"name": "cpu", "target": target}}]


def _validate(document: Document, old: Document | None) -> Sequence[Problem]:
    del old
    spec = document.get("spec") or {}
    least, most = spec.get("minReplicas") or 0, spec.get("maxReplicas") or 0
    problems = []
    if least < 1:
        problems.append(rules.invalid("spec.minReplicas", least, "must be greater than or equal to 1"))
    if most < 1:
        problems.append(rules.invalid("spec.maxReplicas", most, "must be greater than 0"))
    elif most < least:
        detail = "must be greater than or equal to `minReplicas`"
        problems.append(rules.invalid("spec.maxReplicas", most, detail))
    for member in ("kind", "name"):
        if not (spec.get("scaleTargetRef") or {}).get(member):
            problems.append(rules.required(f"spec.scaleTargetRef.{member}"))
    return problems


def _reference(document: Document, now_ms: int) -> str:
    del now_ms
    target = columns.at(document, "spec.scaleTargetRef") or {}
    return f"{target.get('kind', '')}/{target.get('name', '')}"


def _targets(document: Document, now_ms: int) -> str:
    del now_ms
    metrics = columns.at(document, "spec.metrics") or []
    current = columns.at(document, "status.currentMetrics") or []
    shown = [
        _target(metric, current[place] if place < len(current) else {})
        for place, metric in enumerate(metrics[:_SHOWN_MAX])
    ]
    more = f" + {len(metrics) - _SHOWN_MAX} more..." if len(metrics) > _SHOWN_MAX else ""
    return ", ".join(shown) + more or columns.UNSET


def _target(metric: Document, current: Document) -> str:
    """`cpu: 40%/80%`, with `<unknown>` where nobody has measured."""
    section = metric.get("type", "")
    member = section[:1].lower() + section[1:]
    wanted = (metric.get(member) or {}).get("target") or {}
    found = (current.get(member) or {}).get("current") or {}
    if wanted.get("averageUtilization") is not None:
        share = found.get("averageUtilization")
        text = f"{'<unknown>' if share is None else f'{share}%'}/{wanted['averageUtilization']}%"
    else:
        is_average = wanted.get("averageValue") is not None
        value = "averageValue" if is_average else "value"
        text = f"{found.get(value, '<unknown>')}/{wanted.get(value, '<auto>')}{' (avg)' if is_average else ''}"
    name = (metric.get(member) or {}).get("name")
    return f"{name}: {text}" if name and section in ("Resource", "ContainerResource") else text


KIND = declare(
    kind="HorizontalPodAutoscaler",
    resource="horizontalpodautoscalers",
    api_version="autoscaling/v2",
    versions=(
        Version(
            api_version=autoscaler_versions.API_VERSION,
            to_stored=autoscaler_versions.to_v2,
            from_stored=autoscaler_versions.from_v2,
        ),
    ),
    short_names=("hpa",),
    categories=("all",),
    subresources=(STATUS,),
    counts_generation=False,
    columns=(
        columns.NAME,
        Column(name="Reference", description="What it scales.", value=_reference),
        Column(name="Targets", description="What is used, of what shall be.", value=_targets),
        Column(name="MinPods", description="The fewest.", value=columns.text("spec.minReplicas", "<unset>")),
        workload_columns.count("MaxPods", "spec.maxReplicas", "The most."),
        workload_columns.count("Replicas", "status.currentReplicas", "Pods there are."),
        columns.AGE,
    ),
    first_status={"currentReplicas": 0, "desiredReplicas": 0},
    default=_default,
    validate=_validate,
    acts="Kept. Nothing is scaled.",
    warning="no controller acts on autoscalers yet: nothing is scaled",
)
