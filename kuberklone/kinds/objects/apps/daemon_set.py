"""DaemonSet: one pod of a template on each node."""

from collections.abc import Sequence

from kuberklone.apimachinery.document import Document
from kuberklone.apimachinery.problem import Problem
from kuberklone.kinds import columns, pod_defaults, pod_rules, rules, workload_columns, workload_rules
from kuberklone.kinds.kind import STATUS, Column
from kuberklone.kinds.stored_object import declare

_STRATEGIES = ("OnDelete", "RollingUpdate")


def _default(document: Document) -> None:
    spec = document.setdefault("spec", {})
    if spec.get("revisionHistoryLimit") is None:
        spec["revisionHistoryLimit"] = 10
    strategy = spec["updateStrategy"] = spec.get("updateStrategy") or {}
    strategy["type"] = strategy.get("type") or "RollingUpdate"
    if strategy["type"] == "RollingUpdate":
        rolling = strategy["rollingUpdate"] = strategy.get("rollingUpdate") or {}
        for field, value in (("maxUnavailable", 1), ("maxSurge", 0)):
            if rolling.get(field) is None:
                rolling[field] = value
    pod_defaults.template(spec)


def _validate(document: Document, old: Document | None) -> Sequence[Problem]:
    spec = document.get("spec") or {}
    return [
        *workload_rules.selector(document, old),
        *rules.one_of("spec.updateStrategy.type", columns.at(spec, "updateStrategy.type"), _STRATEGIES),
        *pod_rules.template(spec),
        *workload_rules.restarts_always(spec),
    ]


KIND = declare(
    kind="DaemonSet",
    resource="daemonsets",
    api_version="apps/v1",
    short_names=("ds",),
    categories=("all",),
    subresources=(STATUS,),
    columns=(
        columns.NAME,
        workload_columns.count("Desired", "status.desiredNumberScheduled", "Nodes that shall have one."),
        workload_columns.count("Current", "status.currentNumberScheduled", "Nodes that have one."),
        workload_columns.count("Ready", "status.numberReady", "Pods that are ready."),
        workload_columns.count("Up-to-date", "status.updatedNumberScheduled", "Pods of the newest template."),
        workload_columns.count("Available", "status.numberAvailable", "Pods ready for as long as it says."),
        Column(
            name="Node Selector",
            description="Labels of the nodes that shall have one.",
            value=columns.label_selector("spec.template.spec.nodeSelector"),
        ),
        columns.AGE,
        *columns.containers(),
        columns.SELECTOR,
    ),
    first_status={"currentNumberScheduled": 0, "numberMisscheduled": 0, "desiredNumberScheduled": 0, "numberReady": 0},
    default=_default,
    validate=_validate,
    acts="Kept. No pods follow.",
    warning="no controller acts on daemon sets yet: no pods follow",
)
