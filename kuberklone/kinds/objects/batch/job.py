"""Job: pods that run until so many have succeeded."""

from collections.abc import Sequence

from kuberklone.apimachinery.document import Document
from kuberklone.apimachinery.problem import Problem
from kuberklone.kinds import columns, durations, job_spec, pod_rules, rules
from kuberklone.kinds.kind import STATUS, Column
from kuberklone.kinds.stored_object import declare

_FIXED = ("completionMode", "podFailurePolicy", "backoffLimitPerIndex", "managedBy", "successPolicy")
# In the order in which they apply.
_CONDITIONS = ("Complete", "Failed")
_LATER_CONDITIONS = ("Suspended", "FailureTarget", "SuccessCriteriaMet")


def _default(document: Document) -> None:
    job_spec.default(document.setdefault("spec", {}))


def _validate(document: Document, old: Document | None) -> Sequence[Problem]:
    spec = document.get("spec") or {}
    problems = [*job_spec.problems(spec, "spec"), *pod_rules.template(spec)]
    if old is None:
        return problems
    was = old.get("spec") or {}
    for field in _FIXED:
        problems += rules.unchanged(f"spec.{field}", spec.get(field), was.get(field))
    if not was.get("suspend"):
        # One that has not begun may still be told where its pods go.
        problems += rules.unchanged("spec.template", spec.get("template"), was.get("template"))
    if was.get("selector"):
        problems += rules.unchanged("spec.selector", spec.get("selector"), was["selector"])
    if spec.get("completionMode") != "Indexed":
        problems += rules.unchanged("spec.completions", spec.get("completions"), was.get("completions"))
    return problems


def _status(document: Document, now_ms: int) -> str:
    del now_ms
    conditions = columns.at(document, "status.conditions") or []
    held = {each.get("type") for each in conditions if each.get("status") == "True"}
    for word in _CONDITIONS:
        if word in held:
            return word
    if document["metadata"].get("deletionTimestamp"):
        return "Terminating"
    return next((word for word in _LATER_CONDITIONS if word in held), "Running")


def _completions(document: Document, now_ms: int) -> str:
    del now_ms
    succeeded = columns.at(document, "status.succeeded") or 0
    wanted, beside = columns.at(document, "spec.completions"), columns.at(document, "spec.parallelism") or 0
    if wanted is not None:
        return f"{succeeded}/{wanted}"
    return f"{succeeded}/1 of {beside}" if beside > 1 else f"{succeeded}/1"


def _duration(document: Document, now_ms: int) -> str:
    begun, ended = columns.at(document, "status.startTime"), columns.at(document, "status.completionTime")
    return durations.between(begun, ended) if ended else durations.since(begun, now_ms, unset="")


KIND = declare(
    kind="Job",
    resource="jobs",
    api_version="batch/v1",
    categories=("all",),
    subresources=(STATUS,),
    columns=(
        columns.NAME,
        Column(name="Status", description="How it goes.", value=_status),
        Column(name="Completions", description="Pods that succeeded, of those wanted.", value=_completions),
        Column(name="Duration", description="How long it took, or takes.", value=_duration),
        columns.AGE,
        *columns.containers(),
        columns.SELECTOR,
    ),
    selectable_paths=("status.successful",),
    default=_default,
    validate=_validate,
    acts="Kept. No pods follow.",
    warning="no controller acts on jobs yet: no pods follow",
)
