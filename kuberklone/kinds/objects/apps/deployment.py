"""Deployment: pods of a template, replaced step by step when the template changes."""

from collections.abc import Sequence
from typing import Any

from kuberklone.apimachinery.document import Document
from kuberklone.apimachinery.problem import Problem
from kuberklone.kinds import columns, pod_defaults, pod_rules, rules, workload_columns, workload_rules
from kuberklone.kinds.kind import SCALE, STATUS, Column
from kuberklone.kinds.stored_object import declare

_DEFAULTS = {"replicas": 1, "revisionHistoryLimit": 10, "progressDeadlineSeconds": 600}
_SHARE = "25%"  # how much of a deployment may be missing, and how much too many, while it rolls


def _default(document: Document) -> None:
    spec = document.setdefault("spec", {})
    for field, value in _DEFAULTS.items():
        if spec.get(field) is None:
            spec[field] = value
    strategy = spec["strategy"] = spec.get("strategy") or {}
    strategy["type"] = strategy.get("type") or "RollingUpdate"
    if strategy["type"] == "RollingUpdate":
        rolling = strategy["rollingUpdate"] = strategy.get("rollingUpdate") or {}
        for field in ("maxUnavailable", "maxSurge"):
            if rolling.get(field) is None:
                rolling[field] = _SHARE
    pod_defaults.template(spec)


def _validate(document: Document, old: Document | None) -> Sequence[Problem]:
    spec = document.get("spec") or {}
    return [
        *workload_rules.replicas(spec),
        *workload_rules.selector(document, old),
        *_strategy(spec.get("strategy") or {}),
        *rules.not_negative("spec.minReadySeconds", spec.get("minReadySeconds")),
        *rules.not_negative("spec.revisionHistoryLimit", spec.get("revisionHistoryLimit")),
        *_deadline(spec),
        *pod_rules.template(spec),
        *workload_rules.restarts_always(spec),
    ]


def _strategy(strategy: Document) -> list[Problem]:
    kind = strategy.get("type")
    rolling = strategy.get("rollingUpdate")
    if kind == "Recreate":
        if rolling is None:
            return []
        detail = "may not be specified when strategy `type` is 'Recreate'"
        return [rules.forbidden("spec.strategy.rollingUpdate", detail)]
    if kind != "RollingUpdate":
        return [rules.unsupported("spec.strategy.type", kind, ["Recreate", "RollingUpdate"])]
    path = "spec.strategy.rollingUpdate"
    surge, unavailable = (rolling or {}).get("maxSurge"), (rolling or {}).get("maxUnavailable")
    problems = [
        *rules.count_or_share(f"{path}.maxSurge", surge, most=None),
        *rules.count_or_share(f"{path}.maxUnavailable", unavailable, most=100),
    ]
    if not problems and _is_zero(surge) and _is_zero(unavailable):
        # Nothing could ever be replaced.
        problems.append(rules.invalid(f"{path}.maxUnavailable", unavailable, "may not be 0 when `maxSurge` is 0"))
    return problems


def _is_zero(value: Any) -> bool:
    return value in (0, "0%", None)


def _deadline(spec: Document) -> list[Problem]:
    deadline, ready = spec.get("progressDeadlineSeconds"), spec.get("minReadySeconds") or 0
    if isinstance(deadline, int) and deadline <= ready:
        return [rules.invalid("spec.progressDeadlineSeconds", deadline, "must be greater than minReadySeconds")]
    return []


KIND = declare(
    kind="Deployment",
    resource="deployments",
    api_version="apps/v1",
    short_names=("deploy",),
    categories=("all",),
    subresources=(STATUS, SCALE),
    columns=(
        columns.NAME,
        Column(
            name="Ready", description="Pods that are ready, of those wanted.", value=workload_columns.ready_of_wanted
        ),
        workload_columns.count("Up-to-date", "status.updatedReplicas", "Pods of the newest template."),
        workload_columns.count(
            "Available", "status.availableReplicas", "Pods ready for as long as minReadySeconds says."
        ),
        columns.AGE,
        *columns.containers(),
        columns.SELECTOR,
    ),
    first_status={},
    default=_default,
    validate=_validate,
    acts="`deployment` makes a ReplicaSet for each template and rolls from the old one to the new one.",
)
