"""Which fields a document has, and which of them differ between two documents."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from kuberklone.apimachinery.document import Document, same
from kuberklone.apimachinery.managed_fields import elements, sets
from kuberklone.apimachinery.managed_fields.sets import MEMBER, FieldSet
from kuberklone.apimachinery.schemas import Schema

_ABSENT: Any = object()


@dataclass(frozen=True, slots=True)
class Comparison:
    """What happened to a document."""

    removed: FieldSet
    modified: FieldSet
    added: FieldSet

    @property
    def written(self) -> FieldSet:
        return sets.union(self.modified, self.added)


# ------------------------------------------------------------------------------------------------- fields of a document


def fields_of(document: Document, schema: Schema) -> FieldSet:
    """The fields that a document sets: plain and atomic values, items of lists, and empty objects."""
    return _fields(document, schema) or {}


def _fields(value: Any, schema: Schema) -> FieldSet | None:
    """The node of a value; None when neither it nor anything inside is set."""
    if schema.is_atomic:
        return {}
    if isinstance(value, dict):
        return _fields_of_object(value, schema)
    if isinstance(value, list):
        return _fields_of_list(value, schema)
    return None


def _fields_of_object(value: Document, schema: Schema) -> FieldSet | None:
    result = {}
    for name, inner in value.items():
        below = _fields(inner, schema.field(name))
        # Fields of a type are there in any case; keys of a map, and what is there to be empty, are somebody's doing.
        if name not in schema.properties or inner is None or inner == {}:
            below = _with_itself(below)
        if below is not None:
            result[elements.field(name)] = below
    return result or None


def _fields_of_list(value: list[Any], schema: Schema) -> FieldSet | None:
    result = {}
    for name, items in _by_name(value, schema).items():
        result[name] = _with_itself(_fields(items[0], schema.items)) if len(items) == 1 else {}
    return result or None


def _with_itself(below: FieldSet | None) -> FieldSet:
    return {} if not below else below if MEMBER in below else {MEMBER: {}, **below}


def _by_name(items: Iterable[Any], schema: Schema) -> Mapping[str, list[Any]]:
    """The items of a list by their names; more than one of a name is a mistake that may have been stored."""
    found: dict[str, list[Any]] = {}
    for item in items:
        found.setdefault(elements.item(item, schema), []).append(item)
    return found


# ---------------------------------------------------------------------------------------------------- two documents


def compare(old: Document, new: Document, schema: Schema) -> Comparison:
    """What has to be removed from, modified in and added to the old document to make the new one."""
    walk = _Walk()
    changes = walk.place(old, new, schema)
    return Comparison(*(part or {} for part in changes))


_Nodes = tuple[FieldSet | None, FieldSet | None, FieldSet | None]
"""Removed, modified, added."""
_SAME: _Nodes = (None, None, None)


class _Walk:
    """Goes through both documents at once."""

    def place(self, old: Any, new: Any, schema: Schema) -> _Nodes:
        if old is new or (type(old) is type(new) and same(old, new)):
            return _SAME
        if old is _ABSENT:
            return None, None, _whole(new, schema)
        if new is _ABSENT:
            return _whole(old, schema), None, None
        if schema.is_atomic:
            return None, {}, None
        kind: type[Any] = dict if schema.type == "object" else list
        here = old if isinstance(old, kind) else kind()
        there = new if isinstance(new, kind) else kind()
        if not here and not there:
            return None, {}, None  # nothing became empty, or the other way round
        visit = self.objects if schema.type == "object" else self.lists
        removed, modified, added = visit(here, there, schema)
        return removed or None, modified or None, added or None

    def objects(self, old: Document, new: Document, schema: Schema) -> tuple[FieldSet, FieldSet, FieldSet]:
        found: tuple[FieldSet, FieldSet, FieldSet] = ({}, {}, {})
        for name in old | new:
            nodes = self.place(old.get(name, _ABSENT), new.get(name, _ABSENT), schema.field(name))
            _collect(found, elements.field(name), nodes)
        return found

    def lists(self, old: list[Any], new: list[Any], schema: Schema) -> tuple[FieldSet, FieldSet, FieldSet]:
        found: tuple[FieldSet, FieldSet, FieldSet] = ({}, {}, {})
        before, after = _by_name(old, schema), _by_name(new, schema)
        for name in {**before, **after}:
            _collect(found, name, self.items(before.get(name, []), after.get(name, []), schema.items))
        return found

    def items(self, old: list[Any], new: list[Any], schema: Schema) -> _Nodes:
        """Items of one name. Several of them count as one value."""
        if len(old) > 1 and len(new) > 1:
            return _SAME if same(old, new) else (None, {}, None)
        if len(old) > 1:
            _, modified, added = self.place(_ABSENT, new[0], schema) if new else _SAME
            return {}, modified, added
        if len(new) > 1:
            removed, modified, _ = self.place(old[0], _ABSENT, schema) if old else _SAME
            return removed, modified, {}
        return self.place(old[0] if old else _ABSENT, new[0] if new else _ABSENT, schema)


def _collect(found: tuple[FieldSet, FieldSet, FieldSet], name: str, nodes: _Nodes) -> None:
    for part, node in zip(found, nodes, strict=True):
        if node is not None:
            part[name] = node


def _whole(value: Any, schema: Schema) -> FieldSet:
    """The node of a value that came or went as a whole, with all that is inside."""
    if schema.is_atomic or not value:
        return {}
    if isinstance(value, dict):
        inside = {elements.field(name): _whole(inner, schema.field(name)) for name, inner in value.items()}
    elif isinstance(value, list):
        named = _by_name(value, schema).items()
        inside = {name: _whole(items[0], schema.items) if len(items) == 1 else {} for name, items in named}
    else:
        return {}
    return {MEMBER: {}, **inside}
