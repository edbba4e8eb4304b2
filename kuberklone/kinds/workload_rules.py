"""Rules of the kinds that make pods from a template: what selects them, and what may change."""

from typing import Any

from kuberklone.apimachinery.document import Document
from kuberklone.apimachinery.problem import Problem
from kuberklone.kinds import rules


def selector(document: Document, old: Document | None) -> list[Problem]:
    """A selector that selects the template's pods, for ever the same."""
    spec = document.get("spec") or {}
    found = spec.get("selector")
    if not found:
        return [rules.required("spec.selector")]
    problems = rules.label_selector("spec.selector", found)
    if not found.get("matchLabels") and not found.get("matchExpressions"):
        problems.append(rules.invalid("spec.selector", found, "empty selector is invalid for deployment"))
    labels = ((spec.get("template") or {}).get("metadata") or {}).get("labels") or {}
    if not problems and not rules.selects(found, labels):
        problems.append(
            rules.invalid("spec.template.metadata.labels", labels, "`selector` does not match template `labels`")
        )
    if old is not None:
        problems += rules.unchanged("spec.selector", found, (old.get("spec") or {}).get("selector"))
    return problems


def replicas(spec: Document, path: str = "spec.replicas") -> list[Problem]:
    return rules.not_negative(path, spec.get("replicas"))


def restarts_always(spec: Document) -> list[Problem]:
    """Pods that are kept running are started again whenever they end."""
    template: Any = (spec.get("template") or {}).get("spec") or {}
    policy = template.get("restartPolicy", "Always")
    if policy == "Always":
        return []
    return [rules.unsupported("spec.template.spec.restartPolicy", policy, ["Always"])]
