"""Rules of a pod's specification that no schema can say, for pods and for templates."""

from kuberklone.apimachinery.document import Document
from kuberklone.apimachinery.problem import Problem
from kuberklone.kinds import rules


def template(spec: Document) -> list[Problem]:
    """Problems of `spec.template` of a kind that makes pods."""
    found = spec.get("template")
    if not found:
        return [rules.required("spec.template")]
    metadata = found.get("metadata") or {}
    return [
        *rules.labels("spec.template.labels", metadata.get("labels") or {}),
        *pod_spec(found.get("spec") or {}, "spec.template.spec"),
    ]


def pod_spec(spec: Document, path: str = "spec") -> list[Problem]:
    """Problems of a pod's specification."""
    if not spec.get("containers"):
        return [rules.required(f"{path}.containers")]
    return []
