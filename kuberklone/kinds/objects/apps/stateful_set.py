"""StatefulSet: pods with names and storage of their own."""

from collections.abc import Sequence

from kuberklone.apimachinery.document import Document
from kuberklone.apimachinery.problem import Problem
from kuberklone.kinds import columns, pod_defaults, pod_rules, rules, workload_columns, workload_rules
from kuberklone.kinds.kind import SCALE, STATUS, Column
from kuberklone.kinds.objects.v1 import persistent_volume_claim
from kuberklone.kinds.stored_object import declare

_MANAGEMENT = ("OrderedReady", "Parallel")
_STRATEGIES = ("OnDelete", "RollingUpdate")
_CHANGEABLE = (
    "replicas",
    "ordinals",
    "template",
    "updateStrategy",
    "revisionHistoryLimit",
    "persistentVolumeClaimRetentionPolicy",
    "minReadySeconds",
)
_UPDATE = (
    "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', "
    "'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden"
)


def _default(document: Document) -> None:
    spec = document.setdefault("spec", {})
    if spec.get("replicas") is None:
        spec["replicas"] = 1
    if spec.get("revisionHistoryLimit") is None:
        spec["revisionHistoryLimit"] = 10
    spec["podManagementPolicy"] = spec.get("podManagementPolicy") or "OrderedReady"
    strategy = spec["updateStrategy"] = spec.get("updateStrategy") or {}
    strategy["type"] = strategy.get("type") or "RollingUpdate"
    if strategy["type"] == "RollingUpdate":
        rolling = strategy["rollingUpdate"] = strategy.get("rollingUpdate") or {}
        rolling.setdefault("partition", 0)
    retention = spec["persistentVolumeClaimRetentionPolicy"] = spec.get("persistentVolumeClaimRetentionPolicy") or {}
    for when in ("whenDeleted", "whenScaled"):
        retention[when] = retention.get(when) or "Retain"
    for claim in spec.get("volumeClaimTemplates") or []:
        claim.update(apiVersion="v1", kind="PersistentVolumeClaim")
        persistent_volume_claim.default_spec(claim.setdefault("spec", {}))
    pod_defaults.template(spec)


def _validate(document: Document, old: Document | None) -> Sequence[Problem]:
    spec = document.get("spec") or {}
    problems = [
        *workload_rules.replicas(spec),
        *workload_rules.selector(document, old),
        *rules.one_of("spec.podManagementPolicy", spec.get("podManagementPolicy"), _MANAGEMENT),
        *rules.one_of("spec.updateStrategy.type", columns.at(spec, "updateStrategy.type"), _STRATEGIES),
        *pod_rules.template(spec),
        *workload_rules.restarts_always(spec),
    ]
    if old is not None:
        kept = [{key: value for key, value in each.items() if key not in _CHANGEABLE} for each in (spec, old["spec"])]
        if kept[0] != kept[1]:
            problems.append(rules.forbidden("spec", _UPDATE))
    return problems


KIND = declare(
    kind="StatefulSet",
    resource="statefulsets",
    api_version="apps/v1",
    short_names=("sts",),
    categories=("all",),
    subresources=(STATUS, SCALE),
    columns=(
        columns.NAME,
        Column(
            name="Ready", description="Pods that are ready, of those wanted.", value=workload_columns.ready_of_wanted
        ),
        columns.AGE,
        *columns.containers(),
    ),
    first_status={"replicas": 0},
    default=_default,
    validate=_validate,
    acts="Kept. No pods follow.",
    warning="no controller acts on stateful sets yet: no pods follow",
)
