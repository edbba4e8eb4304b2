"""What a document is: the JSON object of one Kubernetes resource, decoded."""

from typing import Any, TypeVar

import msgspec

Document = dict[str, Any]
"""Only what JSON knows: dict with str keys, list, str, int, float, bool and None. Functions of this package never
change one they were given, unless their name says so."""

T = TypeVar("T")

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


def clone(content: T) -> T:
    """A copy that shares nothing with what it is made from; going by text is five times as fast as copy.deepcopy."""
    copied: T = _decode(_encode(content))
    return copied


def same(one: Any, other: Any) -> bool:
    """Whether two contents are equal as JSON, where true is not 1."""
    if isinstance(one, dict):
        return (
            isinstance(other, dict)
            and one.keys() == other.keys()
            and all(same(value, other[key]) for key, value in one.items())
        )
    if isinstance(one, list):
        return isinstance(other, list) and len(one) == len(other) and all(map(same, one, other))
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)
