"""Rules of nodes that no schema can say, and what Kubernetes' kubelet would fill in."""

from collections.abc import Sequence

import msgspec

from kuberklone.apimachinery import naming
from kuberklone.apimachinery.document import Document
from kuberklone.apimachinery.problem import Problem
from kuberklone.kinds import amounts, json_text, rules
from kuberklone.kinds.node import Node
from kuberklone.kinds.taints import EFFECTS

_COUNTED = ("cpu", "memory", "pods")
_HOSTNAME = "kubernetes.io/hostname"
_SYSTEM = {"kubernetes.io/arch": "amd64", "kubernetes.io/os": "linux"}


def default(document: Document) -> None:
    """Labels that every kubelet gives its node, so that the usual node selectors find it."""
    metadata = document.setdefault("metadata", {})
    if metadata.get("name"):
        metadata["labels"] = _labels(metadata["name"], metadata.get("labels") or {})


def labelled(node: Node) -> Node:
    """The same for a record that came in another way than as a document, such as by the lab API."""
    given = msgspec.json.decode(node.labels, type=dict[str, str])
    return msgspec.structs.replace(node, labels=json_text.text(_labels(node.name, given)))


def _labels(name: str, given: dict[str, str]) -> dict[str, str]:
    return {_HOSTNAME: name, **_SYSTEM, **given}


def validate(document: Document, old: Document | None) -> Sequence[Problem]:
    """Problems of a node."""
    spec = document.get("spec") or {}
    problems = [*_taints(spec.get("taints") or []), *of_status(document.get("status") or {})]
    was = ((old or {}).get("spec") or {}).get("providerID")
    if was and spec.get("providerID") and spec["providerID"] != was:
        detail = 'node updates may not change providerID except from "" to valid'
        problems.append(rules.forbidden("spec.providerID", detail))
    return problems


def of_status(status: Document) -> list[Problem]:
    """Problems of what a node says that it has."""
    problems: list[Problem] = []
    for section in ("capacity", "allocatable"):
        problems += amounts.problems(f"status.{section}", status.get(section))
        for resource in _COUNTED:
            value = (status.get(section) or {}).get(resource)
            if not problems and value is not None and amounts.exact({resource: value}, resource) == 0:
                problems.append(rules.invalid(f"status.{section}.{resource}", str(value), "must be greater than 0"))
    return problems


def _taints(found: list[Document]) -> list[Problem]:
    problems = []
    seen: set[tuple[str, str]] = set()
    for place, taint in enumerate(found):
        here = f"metadata.taints[{place}]"
        key, value, effect = taint.get("key") or "", taint.get("value") or "", taint.get("effect") or ""
        if not naming.is_label_key(key):
            problems.append(rules.invalid(f"{here}.key", key, rules.NAME_OF_LABEL))
        if not naming.is_label_value(value):
            problems.append(rules.invalid(f"{here}.value", value, rules.VALUE_OF_LABEL))
        if not effect:
            problems.append(rules.required(f"{here}.effect"))
        problems += rules.one_of(f"{here}.effect", effect, EFFECTS)
        if (key, effect) in seen:
            detail = {"key": key, "effect": effect}
            problems.append(
                Problem(here, f"Duplicate value: {detail}: taints must be unique by key and effect", "taken")
            )
        seen.add((key, effect))
    return problems
