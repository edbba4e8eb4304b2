"""What a write says beside its body: dryRun, fieldManager, fieldValidation and force."""

from dataclasses import dataclass
from typing import Literal

from kuberklone.api.kubernetes.request import Query, Request
from kuberklone.apimachinery import managed_fields
from kuberklone.apimachinery.problem import Problem, invalid
from kuberklone.kinds import rules

Validation = Literal["Strict", "Warn", "Ignore"]
_VALIDATIONS: dict[str, Validation] = {"Strict": "Strict", "Warn": "Warn", "Ignore": "Ignore"}
_MANAGER_LENGTH_MAX = 128  # as in Kubernetes


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteOptions:
    dry_run: bool
    manager: str
    """Who is recorded in managedFields."""
    manager_given: bool
    """Whether the client said it, which an apply must."""
    validation: Validation
    force: bool


def read(request: Request, kind: str = "UpdateOptions") -> WriteOptions:
    """The options of a write; raises Invalid that names the parameter."""
    query = request.query
    problems: list[Problem] = [*dry_run_problems(query.texts("dryRun"))]
    validation = query.text("fieldValidation") or "Warn"
    if validation not in _VALIDATIONS:
        problems.append(rules.unsupported("fieldValidation", validation, _VALIDATIONS))
    manager = query.text("fieldManager")
    if len(manager) > _MANAGER_LENGTH_MAX:
        message = f"Too long: may not be more than {_MANAGER_LENGTH_MAX} bytes"
        problems.append(Problem("fieldManager", message, "too_long"))
    elif not manager.isprintable():
        problems.append(rules.invalid("fieldManager", manager, "should only contain printable characters"))
    if problems:
        raise invalid(kind, "", problems)
    return WriteOptions(
        dry_run=is_dry_run(query),
        manager=managed_fields.manager_of(manager or None, request.header(b"user-agent") or None),
        manager_given=bool(manager),
        validation=_VALIDATIONS[validation],
        force=query.flag("force"),
    )


def dry_run_problems(values: list[str]) -> list[Problem]:
    """A dry run is for all stages or none."""
    return [rules.unsupported("dryRun", value, ["All"]) for value in values if value not in ("All", "")]


def is_dry_run(query: Query) -> bool:
    return "All" in query.texts("dryRun")
