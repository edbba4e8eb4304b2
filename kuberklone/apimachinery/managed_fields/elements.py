"""Names of fields and items in a set of fields, and how people read them."""

from typing import Any

import msgspec

from kuberklone.apimachinery.managed_fields.sets import Path
from kuberklone.apimachinery.schemas import Schema

_encode = msgspec.json.Encoder().encode
# Go's encoder writes these as escapes; equal names must be equal texts.
_GO_ESCAPES = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"})


def field(name: str) -> str:
    return f"f:{name}"


def item(value: Any, schema: Schema) -> str:
    """The name of an item of a list that is a set or has keys; `schema` is the list's.

    An item without a key has the key's zero, as Go reads it. One that is of no use for its list is named by its value:
    whether it may be there is not asked here.
    """
    if schema.list_type == "set" or not isinstance(value, dict):
        return f"v:{_json(value)}"
    return f"k:{_json({key: _key(value, key, schema) for key in sorted(schema.list_keys)})}"


def _key(value: dict[str, Any], key: str, schema: Schema) -> Any:
    given = value.get(key)
    if given is None:
        given = schema.key_default(key)
    if given is None:
        given = 0 if schema.items.field(key).type == "integer" else ""
    return given


def _json(value: Any) -> str:
    return _encode(value).decode().translate(_GO_ESCAPES)


def spelled(path: Path) -> str:
    """`.spec.containers[name="a"].image`."""
    return "".join(_spelled(name) for name in path)


def _spelled(name: str) -> str:
    kind, _, rest = name.partition(":")
    match kind:
        case "k":
            keys: dict[str, Any] = msgspec.json.decode(rest)
            return f"[{','.join(f'{key}={_json(value)}' for key, value in keys.items())}]"
        case "v":
            return f"[={rest}]"
        case "i":
            return f"[{rest}]"
        case _:
            return f".{rest}"
