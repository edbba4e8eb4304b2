"""NetworkPolicy: who may speak with the pods of a selector."""

from collections.abc import Sequence

from kuberklone.apimachinery.document import Document
from kuberklone.apimachinery.problem import Problem
from kuberklone.kinds import columns, rules
from kuberklone.kinds.kind import Column
from kuberklone.kinds.stored_object import declare

_TYPES = ("Egress", "Ingress")


def _default(document: Document) -> None:
    spec = document.setdefault("spec", {})
    if not spec.get("policyTypes"):
        spec["policyTypes"] = ["Ingress", "Egress"] if spec.get("egress") else ["Ingress"]
    for rule in [*(spec.get("ingress") or []), *(spec.get("egress") or [])]:
        for port in rule.get("ports") or []:
            port["protocol"] = port.get("protocol") or "TCP"


def _validate(document: Document, old: Document | None) -> Sequence[Problem]:
    del old
    spec = document.get("spec") or {}
    problems = rules.label_selector("spec.podSelector", spec.get("podSelector") or {})
    for place, word in enumerate(spec.get("policyTypes") or []):
        problems += rules.one_of(f"spec.policyTypes[{place}]", word, _TYPES)
    return problems


KIND = declare(
    kind="NetworkPolicy",
    resource="networkpolicies",
    api_version="networking.k8s.io/v1",
    short_names=("netpol",),
    columns=(
        columns.NAME,
        Column(
            name="Pod-Selector",
            description="Labels of the pods it is about.",
            value=columns.label_selector("spec.podSelector"),
        ),
        columns.AGE,
    ),
    default=_default,
    validate=_validate,
    acts="Kept. No traffic is held up.",
    warning="nothing acts on network policies: no traffic is held up",
)
