"""PodDisruptionBudget: how many pods of a selector may be taken away on purpose at one time."""

from collections.abc import Sequence

from kuberklone.apimachinery.document import Document
from kuberklone.apimachinery.problem import Problem
from kuberklone.kinds import columns, rules, workload_columns
from kuberklone.kinds.kind import STATUS, Column
from kuberklone.kinds.stored_object import declare

_POLICIES = ("AlwaysAllow", "IfHealthyBudget")


def _validate(document: Document, old: Document | None) -> Sequence[Problem]:
    del old
    spec = document.get("spec") or {}
    least, most = spec.get("minAvailable"), spec.get("maxUnavailable")
    problems = [
        *rules.count_or_share("spec.minAvailable", least, most=100),
        *rules.count_or_share("spec.maxUnavailable", most, most=100),
        *rules.label_selector("spec.selector", spec.get("selector") or {}),
        *rules.one_of("spec.unhealthyPodEvictionPolicy", spec.get("unhealthyPodEvictionPolicy"), _POLICIES),
    ]
    if least is not None and most is not None:
        problems.append(rules.invalid("spec", spec, "minAvailable and maxUnavailable cannot be both set"))
    return problems


KIND = declare(
    kind="PodDisruptionBudget",
    resource="poddisruptionbudgets",
    api_version="policy/v1",
    short_names=("pdb",),
    subresources=(STATUS,),
    columns=(
        columns.NAME,
        Column(name="Min Available", description="Pods that stay.", value=columns.text("spec.minAvailable", "N/A")),
        Column(
            name="Max Unavailable",
            description="Pods that may be missing.",
            value=columns.text("spec.maxUnavailable", "N/A"),
        ),
        workload_columns.count("Allowed Disruptions", "status.disruptionsAllowed", "Pods that may go now."),
        columns.AGE,
    ),
    first_status={"currentHealthy": 0, "desiredHealthy": 0, "disruptionsAllowed": 0, "expectedPods": 0},
    validate=_validate,
    acts="`disruption` counts what may go; an eviction that would take more is refused.",
)
