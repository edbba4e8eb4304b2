"""ResourceQuota: how much a namespace may use."""

from collections.abc import Sequence

from kuberklone.apimachinery.document import Document
from kuberklone.apimachinery.problem import Problem
from kuberklone.kinds import amounts, columns
from kuberklone.kinds.kind import STATUS, Column
from kuberklone.kinds.stored_object import declare


def _used(document: Document, *, limits: bool) -> str:
    hard = columns.at(document, "status.hard") or {}
    used = columns.at(document, "status.used") or {}
    return ", ".join(
        f"{name}: {used.get(name, 0)}/{hard[name]}" for name in sorted(hard) if name.startswith("limits.") == limits
    )


def _requests(document: Document, now_ms: int) -> str:
    del now_ms
    return _used(document, limits=False)


def _limits(document: Document, now_ms: int) -> str:
    del now_ms
    return _used(document, limits=True)


def _validate(document: Document, old: Document | None) -> Sequence[Problem]:
    del old
    return amounts.problems("spec.hard", (document.get("spec") or {}).get("hard"))


KIND = declare(
    kind="ResourceQuota",
    resource="resourcequotas",
    short_names=("quota",),
    subresources=(STATUS,),
    counts_generation=False,
    columns=(
        columns.NAME,
        Column(name="Request", description="What is used of what may be requested.", value=_requests),
        Column(name="Limit", description="What is used of what limits may add up to.", value=_limits),
        columns.AGE,
    ),
    validate=_validate,
    delete_returns_object=True,
    acts="Kept. Nothing is counted against it.",
    warning="no admission acts on resource quotas yet: nothing is counted against this one",
)
