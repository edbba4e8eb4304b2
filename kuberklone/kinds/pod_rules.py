"""Rules of a pod's specification that no schema can say, for pods and for templates.

Source: `ValidatePodSpec`, `ValidatePodUpdate` and their neighbours in pkg/apis/core/validation of Kubernetes; those
about volumes, affinity and security that nothing here acts on are left to the schema.
"""

from typing import Any

from kuberklone.apimachinery import naming
from kuberklone.apimachinery.document import Document
from kuberklone.apimachinery.problem import Problem
from kuberklone.kinds import amounts, container_rules, rules
from kuberklone.kinds.taints import EFFECTS

_WORDS = {
    "restartPolicy": ("Always", "Never", "OnFailure"),
    "dnsPolicy": ("ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"),
    "preemptionPolicy": ("Never", "PreemptLowerPriority"),
}
_OPERATORS = ("Equal", "Exists")

# What an update may change besides metadata: the images, and the three of the specification itself.
_CHANGEABLE = ("activeDeadlineSeconds", "tolerations", "terminationGracePeriodSeconds")
_UPDATE = (
    "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,"
    "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),"
    "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"
)


def template(spec: Document, path: str = "spec.template") -> list[Problem]:
    """Problems of the template of a kind that makes pods."""
    found = spec.get("template")
    if not found:
        return [rules.required(path)]
    metadata = found.get("metadata") or {}
    return [
        *rules.labels(f"{path}.labels", metadata.get("labels") or {}),
        *pod_spec(found.get("spec") or {}, f"{path}.spec"),
    ]


def pod_spec(spec: Document, path: str = "spec") -> list[Problem]:
    """Problems of a pod's specification."""
    # A pod says little of all that it might, and this is asked for each new one: what is not there is not looked into.
    problems: list[Problem] = []
    volumes = spec.get("volumes") or []
    if volumes:
        problems += container_rules.volumes(volumes, f"{path}.volumes")
    if spec.get("resources"):
        problems += container_rules.resources(spec["resources"], f"{path}.resources")
    if spec.get("overhead"):
        problems += amounts.problems(f"{path}.overhead", spec["overhead"])
    problems += container_rules.containers(spec, path, volumes={volume.get("name") for volume in volumes})
    for member, words in _WORDS.items():
        if (word := spec.get(member)) and word not in words:
            problems.append(rules.unsupported(f"{path}.{member}", word, words))
    problems += rules.not_negative(f"{path}.terminationGracePeriodSeconds", spec.get("terminationGracePeriodSeconds"))
    if spec.get("nodeSelector"):
        problems += rules.labels(f"{path}.nodeSelector", spec["nodeSelector"])
    if spec.get("tolerations"):
        problems += tolerations(spec["tolerations"], f"{path}.tolerations")
    deadline = spec.get("activeDeadlineSeconds")
    if deadline is not None and not 1 <= deadline <= rules.INT32_MAX:
        detail = f"must be between 1 and {rules.INT32_MAX}, inclusive"
        problems.append(rules.invalid(f"{path}.activeDeadlineSeconds", deadline, detail))
    for member in ("nodeName", "serviceAccountName"):
        name = spec.get(member)
        if name and not naming.is_subdomain(name):
            problems.append(rules.invalid(f"{path}.{member}", name, rules.SUBDOMAIN))
    return problems


def tolerations(found: list[Document], path: str) -> list[Problem]:
    """Problems of tolerations; what the scheduler reads must be what it knows."""
    problems = []
    for place, toleration in enumerate(found):
        here = f"{path}[{place}]"
        key, operator = toleration.get("key") or "", toleration.get("operator") or "Equal"
        effect, value = toleration.get("effect") or "", toleration.get("value") or ""
        problems += rules.one_of(f"{here}.operator", operator, _OPERATORS)
        problems += rules.one_of(f"{here}.effect", effect, EFFECTS)
        if key and not naming.is_label_key(key):
            problems.append(rules.invalid(f"{here}.key", key, rules.NAME_OF_LABEL))
        if not key and operator != "Exists":
            detail = 'operator must be Exists when `key` is empty, which means "match all values and all keys"'
            problems.append(rules.invalid(f"{here}.operator", operator, detail))
        if operator == "Exists" and value:
            problems.append(rules.invalid(f"{here}.operator", value, "value must be empty when `operator` is 'Exists'"))
        if not naming.is_label_value(value):
            problems.append(rules.invalid(f"{here}.operator", value, rules.VALUE_OF_LABEL))
        if toleration.get("tolerationSeconds") is not None and effect != "NoExecute":
            detail = "effect must be 'NoExecute' when `tolerationSeconds` is set"
            problems.append(rules.invalid(f"{here}.effect", effect, detail))
    return problems


def update(new: Document, old: Document, path: str = "spec") -> list[Problem]:
    """What may not change between two specifications of one pod, both with their defaults."""
    before, after = old.get("tolerations") or [], new.get("tolerations") or []
    grace, was = new.get("terminationGracePeriodSeconds"), old.get("terminationGracePeriodSeconds")
    is_forbidden = (
        any(toleration not in after for toleration in before)
        or _fixed(new) != _fixed(old)
        or (grace != was and not (grace == 1 and was is not None and was < 0))
    )
    return [rules.forbidden(path, _UPDATE)] if is_forbidden else _deadline(new, old, f"{path}.activeDeadlineSeconds")


def _deadline(new: Document, old: Document, path: str) -> list[Problem]:
    """A deadline may only come nearer."""
    deadline, was = new.get("activeDeadlineSeconds"), old.get("activeDeadlineSeconds")
    if was is None:
        return []
    if deadline is None:
        return [rules.invalid(path, None, "must not update from a positive integer to nil value")]
    if deadline > was:
        return [rules.invalid(path, deadline, f"must be less than or equal to previous value: {was}")]
    return []


def _fixed(spec: Document) -> dict[str, Any]:
    """Of a specification what never changes."""
    fixed = {key: value for key, value in spec.items() if key not in _CHANGEABLE and value not in ([], {}, None)}
    for section in ("containers", "initContainers"):
        if section in fixed:
            fixed[section] = [{**container, "image": ""} for container in fixed[section]]
    return fixed
