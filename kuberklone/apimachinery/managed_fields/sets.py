"""Sets of fields, in the form that documents hold them in (FieldsV1), so that nothing has to be translated.

    {"f:spec": {"f:replicas": {}, "f:template": {".": {}, "f:metadata": {}}}}

A node names a field (`f:name`), an item of a list by its keys (`k:{"name":"a"}`) or by its value (`v:"a"`). A node
without children is a member; one with children is a member too when it holds `.`. No function changes what it is given.
"""

from collections.abc import Iterator
from typing import Any

FieldSet = dict[str, Any]
Path = tuple[str, ...]

MEMBER = "."


def is_member(node: FieldSet) -> bool:
    """Whether the set holds the node itself, not only something below it."""
    return not node or MEMBER in node


def node(member: bool, children: FieldSet) -> FieldSet | None:
    """A node of these parts; None when nothing is in it."""
    if not children:
        return {} if member else None
    return {MEMBER: {}, **children} if member else children


def union(one: FieldSet, other: FieldSet) -> FieldSet:
    """What is in either."""
    if not one or not other:
        return one or other
    result = dict(one)
    for name, there in other.items():
        here = result.get(name)
        result[name] = there if here is None else _both(here, there)
    return result


def _both(one: FieldSet, other: FieldSet) -> FieldSet:
    if not one or not other:
        longer = one or other
        return longer if is_member(longer) else {MEMBER: {}, **longer}
    return union(one, other)


def intersection(one: FieldSet, other: FieldSet) -> FieldSet:
    """What is in both."""
    result = {}
    for name, here in one.items():
        there = other.get(name)
        if name != MEMBER and there is not None:
            left = node(is_member(here) and is_member(there), intersection(here, there))
            if left is not None:
                result[name] = left
    return result


def difference(one: FieldSet, other: FieldSet) -> FieldSet:
    """What is in the first only. A node that goes leaves what is below it, unless that goes as well."""
    result = {}
    for name, here in one.items():
        there = other.get(name)
        if there is None:
            if name != MEMBER:
                result[name] = here
        elif name != MEMBER:
            left = node(is_member(here) and not is_member(there), difference(here, there))
            if left is not None:
                result[name] = left
    return result


def without_below(fields: FieldSet, names: tuple[str, ...]) -> FieldSet:
    """The set without these top-level fields and all that is below them."""
    away = {f"f:{name}" for name in names}
    return {name: below for name, below in fields.items() if name not in away}


def paths(fields: FieldSet, before: Path = ()) -> Iterator[Path]:
    """All members: those of one level before those below it, each in the order of their names."""
    names = sorted(name for name in fields if name != MEMBER)
    yield from ((*before, name) for name in names if is_member(fields[name]))
    for name in names:
        yield from paths(fields[name], (*before, name))


def of_paths(*members: Path) -> FieldSet:
    """The set of these paths."""
    result: FieldSet = {}
    for path in members:
        single: FieldSet = {}
        for name in reversed(path):
            single = {name: single}
        result = union(result, single)
    return result
