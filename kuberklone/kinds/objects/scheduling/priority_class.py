"""PriorityClass: a name for a priority of pods."""

from collections.abc import Sequence

from kuberklone.apimachinery.document import Document
from kuberklone.apimachinery.problem import Problem
from kuberklone.kinds import columns, rules
from kuberklone.kinds.kind import Column
from kuberklone.kinds.pod import PRIORITY_MAX
from kuberklone.kinds.stored_object import declare

_POLICIES = ("Never", "PreemptLowerPriority")
_SYSTEM = "system-"


def _default(document: Document) -> None:
    document["preemptionPolicy"] = document.get("preemptionPolicy") or "PreemptLowerPriority"
    if document.get("globalDefault") is False:
        # Go programs send it for nothing said.
        del document["globalDefault"]
    document.setdefault("value", 0)


def _validate(document: Document, old: Document | None) -> Sequence[Problem]:
    name, value = document["metadata"].get("name") or "", document.get("value") or 0
    problems = rules.one_of("preemptionPolicy", document.get("preemptionPolicy"), _POLICIES)
    if name.startswith(_SYSTEM):
        detail = "priority class names with 'system-' prefix are reserved for system use only"
        problems.append(rules.forbidden("metadata.name", detail))
    if value > PRIORITY_MAX:
        detail = f"maximum allowed value of a user defined priority is {PRIORITY_MAX}"
        problems.append(rules.forbidden("value", detail))
    if old is not None:
        if value != (old.get("value") or 0):
            problems.append(rules.forbidden("value", "may not be changed in an update."))
        if document.get("preemptionPolicy") != old.get("preemptionPolicy"):
            problems.append(rules.forbidden("preemptionPolicy", "may not be changed in an update."))
    return problems


def _is_default(document: Document, now_ms: int) -> bool:
    del now_ms
    return bool(document.get("globalDefault"))


KIND = declare(
    kind="PriorityClass",
    resource="priorityclasses",
    api_version="scheduling.k8s.io/v1",
    namespaced=False,
    short_names=("pc",),
    columns=(
        columns.NAME,
        Column(name="Value", type="integer", description="Higher ones come first.", value=columns.number("value")),
        Column(
            name="Global-Default", type="boolean", description="Whether pods that name none get it.", value=_is_default
        ),
        columns.AGE,
        Column(
            name="PreemptionPolicy",
            description="Whether its pods may take the place of others.",
            value=columns.text("preemptionPolicy"),
        ),
    ),
    default=_default,
    validate=_validate,
    acts="Pods that name it get its priority, by which `scheduler` orders them. There is no preemption.",
)
