"""RuntimeClass: how a node runs the containers of a pod."""

from collections.abc import Sequence

from kuberklone.apimachinery.document import Document
from kuberklone.apimachinery.problem import Problem
from kuberklone.kinds import columns, rules
from kuberklone.kinds.kind import Column
from kuberklone.kinds.stored_object import declare


def _validate(document: Document, old: Document | None) -> Sequence[Problem]:
    handler = document.get("handler") or ""
    problems = rules.dns_label("handler", handler)
    return problems if old is None else problems + rules.unchanged("handler", handler, old.get("handler"))


KIND = declare(
    kind="RuntimeClass",
    resource="runtimeclasses",
    api_version="node.k8s.io/v1",
    namespaced=False,
    counts_generation=False,
    columns=(
        columns.NAME,
        Column(name="Handler", description="What runs the containers.", value=columns.text("handler")),
        columns.AGE,
    ),
    validate=_validate,
    acts="Kept. Pods that name it are run like all others.",
)
