"""ReplicaSet: a number of pods of one template."""

from collections.abc import Sequence

from kuberklone.apimachinery.document import Document
from kuberklone.apimachinery.problem import Problem
from kuberklone.kinds import pod_defaults, pod_rules, workload_columns, workload_rules
from kuberklone.kinds.kind import SCALE, STATUS
from kuberklone.kinds.stored_object import declare


def _default(document: Document) -> None:
    spec = document.setdefault("spec", {})
    if spec.get("replicas") is None:
        spec["replicas"] = 1
    pod_defaults.template(spec)


def _validate(document: Document, old: Document | None) -> Sequence[Problem]:
    spec = document.get("spec") or {}
    return [
        *workload_rules.replicas(spec),
        *workload_rules.selector(document, old),
        *pod_rules.template(spec),
        *workload_rules.restarts_always(spec),
    ]


KIND = declare(
    kind="ReplicaSet",
    resource="replicasets",
    api_version="apps/v1",
    short_names=("rs",),
    categories=("all",),
    subresources=(STATUS, SCALE),
    columns=workload_columns.REPLICAS,
    selectable_paths=("status.replicas",),
    first_status={"replicas": 0},
    default=_default,
    validate=_validate,
    acts="`replicaset` makes and removes pods until there are as many as it says.",
)
