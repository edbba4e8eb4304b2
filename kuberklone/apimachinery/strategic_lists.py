"""Merges lists in a strategic merge patch, and puts what comes out into the order that Kubernetes gives it."""

from collections.abc import Callable, Iterable
from typing import Any

from kuberklone.apimachinery.document import Document
from kuberklone.errors import Malformed

Merge = Callable[[Document, Document], Document]
Key = str | int | float | None


def holds_objects(*lists: list[Any]) -> bool:
    """Whether the items are objects; raises Malformed when some are and some are not, or any is a list."""
    kinds = {isinstance(item, dict) for items in lists for item in items}
    if len(kinds) > 1 or any(isinstance(item, list) for items in lists for item in items):
        raise Malformed("the patch merges lists of different things; send items of the kind that is there")
    return True in kinds


def merged_values(original: list[Any], patch: list[Any]) -> list[Any]:
    """Plain values: each once."""
    return in_order(list(dict.fromkeys([*original, *patch])), patch, original, None)


def without(original: list[Any], gone: list[Any]) -> list[Any]:
    """The values that stay, in order."""
    if holds_objects(original, gone):
        raise Malformed("only plain values can be deleted from a list by $deleteFromPrimitiveList")
    away = set(gone)
    return [value for value in dict.fromkeys(original) if value not in away]


def merged_objects(
    original: list[Document], patch: list[Document], key: str, merge: Merge, plain: Callable[[Any], Any]
) -> list[Document]:
    """Objects that are told apart by a key; those with a directive replace the whole list or delete their like."""
    gone: set[Key] = set()
    replaces = False
    changes: list[Document] = []
    for item in patch:
        match item.get("$patch"):
            case None:
                changes.append(item)
            case "delete":
                gone.add(_key(item, key))
            case "replace":
                replaces = True
            case other:
                raise Malformed(f"$patch of an item must be replace or delete; got {str(other)[:80]!r}")
    if replaces:
        return in_order(changes, [], changes, key)
    left = [item for item in original if _key(item, key) not in gone]
    return in_order(_merged(left, changes, key, merge, plain), changes, left, key)


def _merged(
    original: list[Document], changes: list[Document], key: str, merge: Merge, plain: Callable[[Any], Any]
) -> list[Document]:
    result = list(original)
    places: dict[Key, int] = {}
    for place, item in enumerate(result):
        places.setdefault(_key(item, key), place)
    for change in changes:
        place = places.setdefault(_key(change, key), len(result))
        if place < len(result):
            result[place] = merge(result[place], change)
        else:
            result.append(plain(change))
    return result


def in_order(merged: list[Any], patch_order: list[Any], server_order: list[Any], key: str | None) -> list[Any]:
    """Items that the patch names in its order, the others in theirs, the two woven together.

    An item of the server alone goes before one of the patch only where it stood before it.
    """
    wanted = _places(patch_order, key)
    stood = _places(server_order, key)
    named = [item for item in merged if _key(item, key) in wanted]
    named.sort(key=lambda item: wanted[_key(item, key)])
    others = [item for item in merged if _key(item, key) not in wanted]
    others.sort(key=lambda item: stood.get(_key(item, key), -1))
    woven = []
    rest = iter(named)
    ahead = next(rest, None)
    for other in others:
        place = stood.get(_key(other, key))
        while ahead is not None and not _stood_before(place, stood.get(_key(ahead, key))):
            woven.append(ahead)
            ahead = next(rest, None)
        woven.append(other)
    return woven if ahead is None else [*woven, ahead, *rest]


def _stood_before(place: int | None, other: int | None) -> bool:
    return place is not None and other is not None and place < other


def standing(original: list[Any], patch: list[Any], key: str | None) -> list[Any]:
    """The order of the server's items. New ones take the places of those that the patch deletes, as in Kubernetes."""
    gone = {_key(item, key) for item in patch if isinstance(item, dict) and item.get("$patch") == "delete"}
    if not gone:
        return original
    left = [item for item in original if _key(item, key) not in gone]
    known = _places(left, key)
    new = [item for item in patch if "$patch" not in item and _key(item, key) not in known]
    return [*left, *new][: len(original)]


def check_order(patch: list[Any], order: list[Any], key: str | None) -> None:
    """Raises Malformed unless the items of the patch stand in the order that it sets. A key may occur twice."""
    rest = iter([_key(item, key) for item in order])
    for item in patch:
        # `in` takes from the rest what comes before the item.
        if not (isinstance(item, dict) and "$patch" in item) and _key(item, key) not in rest:
            raise Malformed("the items of the patch do not stand in the order of its $setElementOrder")


def _places(items: Iterable[Any], key: str | None) -> dict[Key, int]:
    places: dict[Key, int] = {}
    for place, item in enumerate(items):
        places.setdefault(_key(item, key), place)
    return places


def _key(item: Any, key: str | None) -> Key:
    """What tells the item apart: itself, or the value of its key."""
    if key is not None:
        if key not in item:
            raise Malformed(f"an item of the patch has no {key!r}, by which items of the list are told apart")
        item = item[key]
    if isinstance(item, dict | list):
        raise Malformed(f"{key or 'an item'} must be a text or a number")
    found: Key = item
    return found
