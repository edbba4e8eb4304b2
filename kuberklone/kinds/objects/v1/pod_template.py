"""PodTemplate: a template by itself."""

from collections.abc import Sequence

from kuberklone.apimachinery.document import Document
from kuberklone.apimachinery.problem import Problem
from kuberklone.kinds import columns, pod_defaults, pod_rules
from kuberklone.kinds.kind import Column
from kuberklone.kinds.stored_object import declare


def _labels(document: Document, now_ms: int) -> str:
    del now_ms
    return columns.selector_text(columns.at(document, "template.metadata.labels"))


def _validate(document: Document, old: Document | None) -> Sequence[Problem]:
    del old
    return pod_rules.template(document, "template")


_CONTAINERS = columns.containers("template.spec")

KIND = declare(
    kind="PodTemplate",
    resource="podtemplates",
    counts_generation=True,
    columns=(
        columns.NAME,
        *[Column(name=column.name, description=column.description, value=column.value) for column in _CONTAINERS],
        Column(name="Pod Labels", description="Labels of its pods.", value=_labels),
    ),
    default=pod_defaults.template,
    validate=_validate,
    delete_returns_object=True,
    acts="Kept. In Kubernetes, too, nothing acts on it by itself.",
)
