"""IngressClass: who acts on ingresses."""

from collections.abc import Sequence

from kuberklone.apimachinery.document import Document
from kuberklone.apimachinery.problem import Problem
from kuberklone.kinds import columns, rules
from kuberklone.kinds.kind import Column
from kuberklone.kinds.stored_object import declare


def _parameters(document: Document, now_ms: int) -> str:
    del now_ms
    found = columns.at(document, "spec.parameters")
    if not found:
        return columns.UNSET
    group = f".{found['apiGroup']}" if found.get("apiGroup") else ""
    return f"{found.get('kind', '')}{group}/{found.get('name', '')}"


def _validate(document: Document, old: Document | None) -> Sequence[Problem]:
    controller = columns.at(document, "spec.controller")
    was = columns.at(old or {}, "spec.controller")
    return rules.unchanged("spec.controller", controller, was) if was else []


KIND = declare(
    kind="IngressClass",
    resource="ingressclasses",
    api_version="networking.k8s.io/v1",
    namespaced=False,
    columns=(
        columns.NAME,
        Column(name="Controller", description="Who acts.", value=columns.text("spec.controller")),
        Column(name="Parameters", description="What it is told.", value=_parameters),
        columns.AGE,
    ),
    validate=_validate,
    acts="Kept, as clients write it.",
)
