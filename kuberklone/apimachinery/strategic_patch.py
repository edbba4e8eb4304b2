"""Strategic merge patch: a merge in which the schema says which lists are merged, and directives say the rest.

$patch: delete | replace             in an object, or in an item of a list that is merged
$setElementOrder/LIST: [...]         how the items of a merged list are ordered
$deleteFromPrimitiveList/LIST: [...] which plain values leave a merged list
$retainKeys: [...]                   which fields of an object may stay
"""

from typing import Any

from kuberklone.apimachinery import strategic_lists
from kuberklone.apimachinery.document import Document
from kuberklone.apimachinery.schemas import Schema
from kuberklone.errors import Malformed

PATCH = "$patch"
RETAIN_KEYS = "$retainKeys"
SET_ORDER = "$setElementOrder/"
DELETE_FROM = "$deleteFromPrimitiveList/"

_MISSING: Any = object()


def apply(document: Document, patch: Document, schema: Schema) -> Document:
    """The patched document; it may share parts with both, which stay as they are. Raises Malformed."""
    return _merged(document, patch, schema)


def _merged(original: Document, patch: Document, schema: Schema) -> Document:
    match patch.get(PATCH):
        case None:
            pass
        case "replace":
            return {key: value for key, value in patch.items() if key != PATCH}
        case "delete":
            return {}
        case other:
            raise Malformed(f"{PATCH} of an object must be replace or delete; got {str(other)[:80]!r}")
    result = _retained(original, patch)
    ordered = {key.removeprefix(SET_ORDER): order for key, order in patch.items() if key.startswith(SET_ORDER)}
    for name, order in ordered.items():
        _put(result, name, _ordered(result.get(name), patch.get(name), schema.field(name), _list(order, name)))
    for key, value in patch.items():
        if key.startswith(DELETE_FROM):
            name = key.removeprefix(DELETE_FROM)
            if isinstance(result.get(name), list):
                result[name] = strategic_lists.without(result[name], _list(value, name))
        elif key not in ordered and key != RETAIN_KEYS and not key.startswith(SET_ORDER):
            _put(result, key, _value(result.get(key, _MISSING), value, schema.field(key)))
    return result


def _put(result: Document, key: str, value: Any) -> None:
    if value is None:
        result.pop(key, None)
    else:
        result[key] = value


def _value(original: Any, patch: Any, schema: Schema) -> Any:
    """The new value of a field; None when it goes."""
    if isinstance(patch, dict):
        if isinstance(original, dict):
            return patch if "replace" in schema.patch_strategies else _merged(original, patch, schema)
        return plain(patch)
    if isinstance(patch, list):
        if not isinstance(original, list):
            return plain(patch)
        return _merged_list(original, patch, schema) if "merge" in schema.patch_strategies else patch
    return patch


def _merged_list(original: list[Any], patch: list[Any], schema: Schema) -> list[Any]:
    if strategic_lists.holds_objects(original, patch):
        items = schema.items

        def merge_items(old: Document, new: Document) -> Document:
            return _merged(old, new, items)

        return strategic_lists.merged_objects(original, patch, _merge_key(schema), merge_items, plain)
    return strategic_lists.merged_values(original, patch)


def _ordered(original: Any, patch: Any, schema: Schema, order: list[Any]) -> list[Any] | None:
    """What becomes of a list whose order the patch sets; None when there is none."""
    if not isinstance(original, list) and not isinstance(patch, list):
        return original if patch is None else None
    patch = patch if isinstance(patch, list) else []
    if isinstance(original, list):
        merged = _merged_list(original, patch, schema) if patch else original
    else:
        original, merged = [], plain(patch)
    key = _merge_key(schema) if strategic_lists.holds_objects(original, patch, order) else None
    strategic_lists.check_order(patch, order, key)
    return strategic_lists.in_order(merged, order, strategic_lists.standing(original, patch, key), key)


def _merge_key(schema: Schema) -> str:
    if schema.merge_key is None:
        raise Malformed("the patch merges a list of objects that has no merge key; replace the list as a whole")
    return schema.merge_key


def _list(value: Any, name: str) -> list[Any]:
    if not isinstance(value, list):
        raise Malformed(f"a directive for {name[:80]!r} must be a list; got {str(value)[:80]!r}")
    return value


def _retained(original: Document, patch: Document) -> Document:
    """A copy of the original, without what `$retainKeys` does not name."""
    keep = patch.get(RETAIN_KEYS)
    if keep is None:
        return dict(original)
    keep = _list(keep, RETAIN_KEYS)
    strange = [key for key in patch if not _is_directive(key) and key not in keep]
    if strange:
        raise Malformed(f"{RETAIN_KEYS} must name every field of the patch; it does not name {strange[0][:80]!r}")
    return {key: value for key, value in original.items() if key in keep}


def _is_directive(key: str) -> bool:
    """Other keys may begin with a dollar, too: `$ref` is a field of schemas."""
    return key in {PATCH, RETAIN_KEYS} or key.startswith((SET_ORDER, DELETE_FROM))


def plain(patch: Any) -> Any:
    """What a part of a patch leaves where there was nothing: without nulls, directives, and objects that hold one.

    None when nothing is left of it.
    """
    if isinstance(patch, dict):
        if PATCH in patch:
            return None
        members = ((key, plain(value)) for key, value in patch.items() if not _is_directive(key))
        return {key: value for key, value in members if value is not None}
    if isinstance(patch, list):
        return [plain(item) for item in patch if not (isinstance(item, dict) and PATCH in item)]
    return patch
