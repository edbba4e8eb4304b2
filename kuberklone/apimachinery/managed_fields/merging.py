"""Lays an applied document over the live one, and takes away fields that nobody wants any more."""

from collections import deque
from typing import Any

from kuberklone.apimachinery.document import Document
from kuberklone.apimachinery.managed_fields import elements, sets
from kuberklone.apimachinery.managed_fields.sets import FieldSet
from kuberklone.apimachinery.schemas import Schema
from kuberklone.errors import Malformed

_ABSENT: Any = object()


def merge(live: Document, applied: Document, schema: Schema) -> Document:
    """The live document with everything that the applied one says; raises Malformed for items given twice."""
    merged: Document = _merge(live, applied, schema)
    return merged


def _merge(live: Any, applied: Any, schema: Schema) -> Any:
    if live and live is not _ABSENT and not schema.is_atomic:
        if isinstance(live, dict) and isinstance(applied, dict):
            return _merge_objects(live, applied, schema)
        if isinstance(live, list) and isinstance(applied, list):
            return _merge_lists(live, applied, schema)
    return _checked(applied, schema)


def _checked(applied: Any, schema: Schema) -> Any:
    """What is applied where nothing is: the same, unless a list in it names an item twice."""
    if isinstance(applied, dict) and not schema.is_atomic:
        return {name: _checked(inner, schema.field(name)) for name, inner in applied.items()}
    if isinstance(applied, list) and not schema.is_atomic:
        return [_checked(item, schema.items) for item in _named(applied, schema).values()]
    return applied


def _merge_objects(live: Document, applied: Document, schema: Schema) -> Document:
    result = dict(live)
    for name, inner in applied.items():
        result[name] = _merge(live.get(name, _ABSENT), inner, schema.field(name))
    return result


def _named(items: list[Any], schema: Schema) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for item in items:
        name = elements.item(item, schema)
        if name in found:
            raise Malformed(f"the list holds two items {elements.spelled((name,))}; apply one")
        found[name] = item
    return found


def _merge_lists(live: list[Any], applied: list[Any], schema: Schema) -> list[Any]:
    new = _named(applied, schema)
    old_names = [elements.item(item, schema) for item in live]
    old: dict[str, Any] = {}
    for name, item in zip(old_names, live, strict=True):
        # Where the live list holds an item twice, the applied one takes the place of both.
        old[name] = _ABSENT if name in old else item
    order = _interleaved(old_names, list(new))
    return [
        live[place] if place is not None else _merge(old.get(name, _ABSENT), new[name], schema.items)
        for name, place in order
    ]


def _interleaved(old: list[str], new: list[str]) -> list[tuple[str, int | None]]:
    """Names in an order that keeps that of the applied items, and that of the others as far as it goes.

    With each name that is the live document's alone comes its place there.
    """
    ours = set(new)
    theirs = set(old)
    shared = deque(name for name in new if name in theirs)
    done: set[str] = set()
    order: list[tuple[str, int | None]] = []
    left = right = 0
    while left < len(old) or right < len(new):
        name = old[left] if left < len(old) else None
        if name is not None and name not in ours:
            order.append((name, left))
            left += 1
            continue
        if name is not None and right < len(new) and name != new[right] and shared and shared[0] != name:
            left += 1  # it comes when the applied list names it
            continue
        if name is not None and (name in done or (right < len(new) and name == new[right])):
            left += 1
        if right < len(new):
            name = new[right]
            right += 1
            done.add(name)
            order.append((name, None))
            if shared and shared[0] == name:
                shared.popleft()
    return order


def remove(document: Document, fields: FieldSet, schema: Schema) -> Document:
    """The document without the members of the set. What becomes empty by it is null: still there, and nothing."""
    left: Document | None = _remove(document, fields, schema)
    return left or {}


def _remove(value: Any, fields: FieldSet, schema: Schema) -> Any:
    if schema.is_atomic:
        return None if isinstance(value, dict | list) else value
    if isinstance(value, dict):
        members = ((name, inner, fields.get(elements.field(name))) for name, inner in value.items())
        left = {
            name: inner if below is None else _remove(inner, below, schema.field(name))
            for name, inner, below in members
            if below is None or not sets.is_member(below)
        }
        return left or None
    if isinstance(value, list):
        items = ((item, fields.get(elements.item(item, schema))) for item in value)
        return [
            item if below is None else _remove(item, below, schema.items)
            for item, below in items
            if below is None or not sets.is_member(below)
        ] or None
    return value


def without_nulls(value: Any, schema: Schema) -> Any:
    """The value as an object that is read into its types has it: null is no value of a field."""
    if schema.is_atomic:
        return value
    if isinstance(value, dict):
        return {name: without_nulls(inner, schema.field(name)) for name, inner in value.items() if inner is not None}
    if isinstance(value, list):
        return [without_nulls(item, schema.items) for item in value]
    return value
