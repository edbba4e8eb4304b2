"""ReplicationController: what ReplicaSet was before selectors had words."""

from collections.abc import Sequence

from kuberklone.apimachinery.document import Document
from kuberklone.apimachinery.problem import Problem
from kuberklone.kinds import columns, pod_defaults, pod_rules, rules, workload_columns, workload_rules
from kuberklone.kinds.kind import SCALE, STATUS
from kuberklone.kinds.stored_object import declare


def _default(document: Document) -> None:
    spec = document.setdefault("spec", {})
    if spec.get("replicas") is None:
        spec["replicas"] = 1
    labels = columns.at(spec, "template.metadata.labels")
    if labels:
        spec["selector"] = spec.get("selector") or dict(labels)
        metadata = document.setdefault("metadata", {})
        metadata["labels"] = metadata.get("labels") or dict(labels)
    pod_defaults.template(spec)


def _validate(document: Document, old: Document | None) -> Sequence[Problem]:
    del old
    spec = document.get("spec") or {}
    selector = spec.get("selector") or {}
    labels = columns.at(spec, "template.metadata.labels") or {}
    problems = [*workload_rules.replicas(spec), *rules.labels("spec.selector", selector), *pod_rules.template(spec)]
    if not selector:
        problems.append(rules.required("spec.selector"))
    elif any(labels.get(key) != value for key, value in selector.items()):
        detail = "`selector` does not match template `labels`"
        problems.append(rules.invalid("spec.template.metadata.labels", labels, detail))
    return [*problems, *workload_rules.restarts_always(spec)]


KIND = declare(
    kind="ReplicationController",
    resource="replicationcontrollers",
    short_names=("rc",),
    categories=("all",),
    subresources=(STATUS, SCALE),
    columns=workload_columns.REPLICAS,
    selectable_paths=("status.replicas",),
    first_status={"replicas": 0},
    default=_default,
    validate=_validate,
    acts="`replicaset` makes and removes pods until there are as many as it says.",
)
