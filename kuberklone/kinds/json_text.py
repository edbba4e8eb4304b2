"""Raw JSON sections: how documents are put together from columns without decoding what nobody reads."""

from typing import Any

import msgspec

_encoder = msgspec.json.Encoder()

EMPTY = "{}"


def text(value: Any) -> str:
    """Compact JSON text of plain data."""
    return _encoder.encode(value).decode()


def quoted(value: str) -> str:
    """A JSON string literal."""
    return _encoder.encode(value).decode()


def joined(*members: str) -> str:
    """An object made of `"key":value` members and of the bare members of raw objects; empty ones are left out."""
    return "{" + ",".join(member for member in members if member) + "}"


def members(raw_object: str) -> str:
    """What stands between the braces of a raw object, to be spliced into another one."""
    return raw_object[1:-1]
