"""Pod: containers that run together on one node."""

import copy
from collections.abc import Sequence

import msgspec

from kuberklone.apimachinery.document import Document
from kuberklone.apimachinery.problem import Problem
from kuberklone.kinds import json_text, pod_columns, pod_defaults, pod_document, pod_reading, pod_rules, rules
from kuberklone.kinds.kind import STATUS, Kind, Subresource
from kuberklone.kinds.pod import Pod
from kuberklone.kinds.remembering import by_text


@by_text
def _problems(spec: str) -> Sequence[Problem]:
    return tuple(pod_rules.pod_spec(msgspec.json.decode(spec)))


def _validate(document: Document, old: Document | None) -> Sequence[Problem]:
    spec = document.get("spec") or {}
    problems = _problems(json_text.text(spec))
    if old is None or problems:
        return problems
    # Pods of the lab API were never written with their defaults, and an update comes with them.
    before = copy.deepcopy(old)
    pod_defaults.pod(before)
    if (spec.get("nodeName") or "") != (before["spec"].get("nodeName") or ""):
        return [rules.forbidden("spec.nodeName", "a pod is placed by its subresource binding")]
    return pod_rules.update(spec, before["spec"])


KIND = Kind(
    kind="Pod",
    resource="pods",
    record=Pod,
    table="pods",
    short_names=("po",),
    categories=("all",),
    subresources=(
        STATUS,
        Subresource(name="binding", kind="Binding", api_version="v1", verbs=("create",)),
        Subresource(name="eviction", kind="Eviction", api_version="policy/v1", verbs=("create",)),
        Subresource(name="log", verbs=("get",)),
        Subresource(name="exec", kind="PodExecOptions", verbs=("create", "get")),
        Subresource(name="attach", kind="PodAttachOptions", verbs=("create", "get")),
    ),
    document=pod_document.document,
    read=pod_reading.read,
    read_status=pod_reading.read_status,
    resets_status=True,
    # Columns whose change moves an object in or out of a field selector.
    selectable={"spec.nodeName": "node_name", "status.phase": "phase", "status.podIP": "pod_ip"},
    selectable_paths=(
        "spec.hostNetwork",
        "spec.restartPolicy",
        "spec.schedulerName",
        "spec.serviceAccountName",
        "status.nominatedNodeName",
    ),
    default=pod_defaults.pod,
    validate=_validate,
    grace=True,
    delete_returns_object=True,
    columns=pod_columns.COLUMNS,
    acts="`scheduler` places it by CPU, memory, number, node selector and taints; its node's agent runs it; "
    "`rescheduler` and `garbage` remove it from nodes that are lost. Affinity, spreading, gates, preemption and "
    "volumes are kept and not acted on.",
)
