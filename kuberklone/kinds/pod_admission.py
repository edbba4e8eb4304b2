"""What the cluster adds to a new pod, whoever made it: an account, a priority, tolerations of a dead node.

Source: the admission plugins ServiceAccount, Priority and DefaultTolerationSeconds of Kubernetes. No token is mounted:
no kubelet here would fill the volume, so a pod shows what there is.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kuberklone.apimachinery.document import Document
from kuberklone.errors import Forbidden
from kuberklone.kinds.taints import NOT_READY, UNREACHABLE

_ACCOUNT = "default"
_PREEMPTION = "PreemptLowerPriority"


@dataclass(frozen=True, slots=True, kw_only=True)
class PriorityClass:
    """What a PriorityClass says."""

    name: str
    value: int
    preemption_policy: str = _PREEMPTION
    is_default: bool = False


# Kubernetes makes these two when it starts; here they are always there.
SYSTEM_CLASSES = {
    "system-cluster-critical": PriorityClass(name="system-cluster-critical", value=2_000_000_000),
    "system-node-critical": PriorityClass(name="system-node-critical", value=2_000_001_000),
}


def admit(document: Document, *, toleration_s: float, classes: Mapping[str, PriorityClass]) -> None:
    """Fill in what the cluster decides; changes the document. Raises Forbidden, for a class that is not there."""
    spec = document["spec"]
    if not spec.get("serviceAccountName"):
        spec["serviceAccountName"] = spec["serviceAccount"] = _ACCOUNT
    _prioritize(document, spec, classes)
    spec["tolerations"] = tolerations(spec.get("tolerations") or [], toleration_s=toleration_s)


def admit_changed(document: Document, before: Document, *, toleration_s: float) -> None:
    """What the cluster has decided of a pod stays, where an update leaves it out; changes the document."""
    spec, old = document["spec"], before["spec"]
    if spec.get("priorityClassName") == old.get("priorityClassName"):
        for field in ("priority", "preemptionPolicy"):
            if spec.get(field) is None and old.get(field) is not None:
                spec[field] = old[field]
    if old.get("tolerations"):
        spec["tolerations"] = tolerations(spec.get("tolerations") or [], toleration_s=toleration_s)


def tolerations(given: list[Document], *, toleration_s: float) -> list[Document]:
    """Those given, and tolerations of a dead node for a time where nothing is said about it."""
    # Kubernetes counts whole seconds; a person who sets half a second means that the pod waits a little.
    seconds = math.ceil(toleration_s)
    added = [
        {"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": seconds}
        for key in (NOT_READY, UNREACHABLE)
        if not any(
            (each.get("effect") or "") in ("", "NoExecute") and (each.get("key") or "") in ("", key) for each in given
        )
    ]
    return [*given, *added]


def _prioritize(document: Document, spec: Document, classes: Mapping[str, PriorityClass]) -> None:
    name = spec.get("priorityClassName") or ""
    if name:
        found = classes.get(name) or SYSTEM_CLASSES.get(name)
        if found is None:
            raise _forbidden(document, f"no PriorityClass with name {name} was found")
    else:
        # Several defaults can only come from clients that raced: then the smallest, as in Kubernetes.
        found = min((each for each in classes.values() if each.is_default), key=_value, default=None)
        if found is not None:
            spec["priorityClassName"] = found.name
    value = 0 if found is None else found.value
    _agree(document, spec, "priority", value, "integer value of priority")
    policy = _PREEMPTION if found is None else found.preemption_policy
    _agree(document, spec, "preemptionPolicy", policy, "string value of PreemptionPolicy")


def _value(found: PriorityClass) -> int:
    return found.value


def _agree(document: Document, spec: Document, field: str, value: Any, what: str) -> None:
    """Only a class gives priority: whoever may make pods must not choose it."""
    given = spec.get(field)
    if given is not None and given != value:
        raise _forbidden(
            document,
            f"the {what} ({given}) must not be provided in pod spec; priority admission controller computed {value} "
            "from the given PriorityClass name",
        )
    spec[field] = value


def _forbidden(document: Document, why: str) -> Forbidden:
    metadata = document.get("metadata") or {}
    name = metadata.get("name") or metadata.get("generateName") or ""
    return Forbidden(f'pods "{name}" is forbidden: {why}')
