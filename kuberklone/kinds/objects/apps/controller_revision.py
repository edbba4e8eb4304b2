"""ControllerRevision: a template as it once was, kept for a way back."""

from collections.abc import Sequence

from kuberklone.apimachinery.document import Document
from kuberklone.apimachinery.problem import Problem
from kuberklone.kinds import columns, rules
from kuberklone.kinds.kind import Column
from kuberklone.kinds.stored_object import declare


def _controller(document: Document, now_ms: int) -> str:
    del now_ms
    for owner in document["metadata"].get("ownerReferences") or []:
        if owner.get("controller"):
            group = owner["apiVersion"].rpartition("/")[0]
            kind = f"{owner['kind'].lower()}.{group}" if group else owner["kind"].lower()
            return f"{kind}/{owner['name']}"
    return columns.UNSET


def _validate(document: Document, old: Document | None) -> Sequence[Problem]:
    problems = rules.not_negative("revision", document.get("revision"))
    return problems if old is None else problems + rules.unchanged("data", document.get("data"), old.get("data"))


KIND = declare(
    kind="ControllerRevision",
    resource="controllerrevisions",
    api_version="apps/v1",
    counts_generation=False,
    columns=(
        columns.NAME,
        Column(name="Controller", description="Whose it is.", value=_controller),
        Column(name="Revision", type="integer", description="Its number.", value=columns.number("revision")),
        columns.AGE,
    ),
    validate=_validate,
    acts="Kept, as clients write it.",
)
