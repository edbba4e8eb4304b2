"""JSON merge patch (RFC 7386): what is null goes, objects are merged, everything else is replaced."""

from typing import Any

from kuberklone.apimachinery.document import Document


def apply(document: Document, patch: Document) -> Document:
    """The patched document; it may share parts with both, which stay as they are."""
    result = dict(document)
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = _value(result.get(key), value)
    return result


def _value(old: Any, new: Any) -> Any:
    if not isinstance(new, dict):
        return new
    return apply(old if isinstance(old, dict) else {}, new)
