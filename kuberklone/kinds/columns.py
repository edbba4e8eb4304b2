"""Cells that many kinds have: name, age, counts, and the containers of a template."""

from collections.abc import Callable, Mapping
from typing import Any

from kuberklone.apimachinery.document import Document
from kuberklone.kinds import durations
from kuberklone.kinds.kind import Column

Cell = Callable[[Document, int], Any]

UNSET = "<none>"


def at(document: Document, path: str) -> Any:
    """The value at a path such as `status.phase`, or None."""
    value: Any = document
    for part in path.split("."):
        if not isinstance(value, Mapping):
            return None
        value = value.get(part)
    return value


def text(path: str, unset: str = "") -> Cell:
    """The value at a path as text."""

    def cell(document: Document, now_ms: int) -> str:
        del now_ms
        value = at(document, path)
        return unset if value is None or value == "" else str(value)

    return cell


def number(path: str, unset: int = 0) -> Cell:
    """The whole number at a path."""

    def cell(document: Document, now_ms: int) -> int:
        del now_ms
        value = at(document, path)
        return value if isinstance(value, int) else unset

    return cell


def since(path: str, unset: str = "<unknown>") -> Cell:
    """How long ago the time at a path was: `5m12s`."""

    def cell(document: Document, now_ms: int) -> str:
        return durations.since(at(document, path), now_ms, unset=unset)

    return cell


def label_selector(path: str) -> Cell:
    """A selector as `-l` takes it."""

    def cell(document: Document, now_ms: int) -> str:
        del now_ms
        return selector_text(at(document, path))

    return cell


def selector_text(selector: Mapping[str, Any] | None) -> str:
    """`a=b,c in (d,e)`; a plain mapping is a selector by equality."""
    if not selector:
        return UNSET
    if "matchLabels" not in selector and "matchExpressions" not in selector:
        return ",".join(f"{key}={value}" for key, value in sorted(selector.items()))
    parts = [f"{key}={value}" for key, value in sorted((selector.get("matchLabels") or {}).items())]
    for expression in selector.get("matchExpressions") or []:
        key, values = expression.get("key", ""), ",".join(sorted(expression.get("values") or []))
        match expression.get("operator"):
            case "In":
                parts.append(f"{key} in ({values})")
            case "NotIn":
                parts.append(f"{key} notin ({values})")
            case "Exists":
                parts.append(key)
            case _:
                parts.append(f"!{key}")
    return ",".join(parts) or UNSET


def containers(path: str = "spec.template.spec") -> tuple[Column, Column]:
    """The wide columns with the names and images of a template's containers."""

    def names(document: Document, now_ms: int) -> str:
        del now_ms
        return ",".join(each.get("name", "") for each in at(document, f"{path}.containers") or [])

    def images(document: Document, now_ms: int) -> str:
        del now_ms
        return ",".join(each.get("image", "") for each in at(document, f"{path}.containers") or [])

    return (
        Column(name="Containers", priority=1, description="Names of the template's containers.", value=names),
        Column(name="Images", priority=1, description="Images of the template's containers.", value=images),
    )


NAME = Column(name="Name", format="name", description="Unique within its namespace.", value=text("metadata.name"))
AGE = Column(name="Age", description="Time since it was created.", value=since("metadata.creationTimestamp"))
CREATED = Column(
    name="Created At", type="date", description="When it was created.", value=text("metadata.creationTimestamp")
)
SELECTOR = Column(
    name="Selector", priority=1, description="Labels of the pods it is about.", value=label_selector("spec.selector")
)
