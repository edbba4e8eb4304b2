"""What is wrong with a document: a place, a reason and a sentence, and the errors that are made of them."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from kuberklone.errors import Cause, Invalid, Malformed

Reason = Literal["unknown", "duplicate", "type", "required", "enum", "invalid", "forbidden", "taken", "too_long"]

# What the client is told as `details.causes[].reason` (metav1.CauseType).
_CAUSES: dict[Reason, str] = {
    "unknown": "FieldValueInvalid",
    "duplicate": "FieldValueInvalid",
    "type": "FieldValueTypeInvalid",
    "required": "FieldValueRequired",
    "enum": "FieldValueNotSupported",
    "invalid": "FieldValueInvalid",
    "forbidden": "FieldValueForbidden",
    "taken": "FieldValueDuplicate",
    "too_long": "FieldValueTooLong",
}
# A document has as many problems as somebody cares to put into it; a person reads the first few.
_SHOWN_MAX = 100

_PLAIN_KEY = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong."""

    path: str
    """Such as `spec.containers[0].image`."""
    message: str
    """The words after the path, as the Kubernetes API puts them: `Required value`, `Invalid value: 3: must be …`."""
    reason: Reason = "invalid"

    @property
    def is_strict(self) -> bool:
        """Whether it matters under fieldValidation Strict and Warn only: a field that is unknown or given twice."""
        return self.reason in {"unknown", "duplicate"}


def path(parts: Iterable[str | int]) -> str:
    """`spec.containers[0].name`; a key that is no plain word stands in brackets: `metadata.labels[a.b/c]`."""
    text = ""
    for part in parts:
        if isinstance(part, int) or not _PLAIN_KEY.fullmatch(part):
            text += f"[{part}]"
        else:
            text += f".{part}" if text else part
    return text


def warnings(problems: Iterable[Problem]) -> list[str]:
    """The strict problems as sentences for `Warning:` headers: `unknown field "spec.foo"`."""
    strict = [problem for problem in problems if problem.is_strict]
    return [f'{problem.reason} field "{problem.path}"' for problem in strict[:_SHOWN_MAX]]


def strict_error(problems: Iterable[Problem]) -> Malformed | None:
    """The error of fieldValidation=Strict in the words that kubectl knows, or None when nothing is wrong."""
    said = warnings(problems)
    return Malformed(f"strict decoding error: {', '.join(said)}") if said else None


def refusal(api_version: str, kind: str, name: str, problems: Iterable[Problem]) -> Malformed | Invalid | None:
    """The error for problems that no fieldValidation forgives, or None when there is none of them.

    A value of the wrong type cannot be read at all (400); everything else is a readable document that may not be (422).
    """
    fatal = [problem for problem in problems if not problem.is_strict][:_SHOWN_MAX]
    mistyped = [problem for problem in fatal if problem.reason == "type"]
    version = api_version.rpartition("/")[2]
    if mistyped:
        said = "; ".join(f"{problem.path}: {problem.message}" for problem in mistyped)
        return Malformed(f'{kind} in version "{version}" cannot be handled as a {kind}: {said}')
    return invalid(kind, name, fatal) if fatal else None


def invalid(kind: str, name: str, problems: Iterable[Problem]) -> Invalid:
    """`Pod "web" is invalid: spec.containers: Required value`, with one cause for each problem."""
    shown = list(problems)[:_SHOWN_MAX]
    said = [f"{problem.path}: {problem.message}" for problem in shown]
    listed = said[0] if len(said) == 1 else f"[{', '.join(said)}]"
    causes = tuple(
        Cause(field=problem.path, reason=_CAUSES[problem.reason], message=problem.message) for problem in shown
    )
    return Invalid(f'{kind} "{name}" is invalid: {listed}', causes=causes, kind=kind, name=name)
