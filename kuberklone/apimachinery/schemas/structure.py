"""How documents of a kind are merged: which fields there are, which lists have keys and what is replaced as a whole."""

import functools
from collections.abc import Mapping
from typing import Any, Literal

from kuberklone.apimachinery.document import Document
from kuberklone.apimachinery.schemas import definitions

Type = Literal["object", "array", "string", "integer", "number", "boolean", "any"]

# The one key of a list that may be left out, and what it then is (ports of containers, services and slices).
_KEY_DEFAULTS: Mapping[str, Any] = {"protocol": "TCP"}


class Schema:
    """One place of a kind's documents. Fields and items lead to further ones; a kind may contain itself."""

    __slots__ = (
        "_definition",
        "_fields",
        "is_atomic",
        "list_keys",
        "list_type",
        "merge_key",
        "patch_strategies",
        "properties",
        "type",
    )

    def __init__(self, node: Document) -> None:
        name = definitions.target(node)
        definition = definitions.all_definitions()[name] if name is not None else node
        # What the field says about itself counts before what its type says.
        said = {**definition, **node}
        self._definition = definition
        self._fields: dict[str, Schema] = {}
        self.type: Type = _type(definition)
        """What stands here besides null; `any` where several types may, or nothing is known."""
        self.properties: Mapping[str, Document] = definition.get("properties", {})
        """The fields of an object; none of a map, whose keys are free."""
        self.patch_strategies = frozenset((said.get("x-kubernetes-patch-strategy") or "").split(",")) - {""}
        """Of a strategic merge: `merge`, `replace`, `retainKeys`."""
        self.merge_key: str | None = said.get("x-kubernetes-patch-merge-key")
        """The field that tells the items of a list apart in a strategic merge."""
        self.list_type: str = said.get("x-kubernetes-list-type") or "atomic"
        """Of server-side apply: `atomic`, `set` or `map`."""
        self.list_keys: tuple[str, ...] = tuple(said.get("x-kubernetes-list-map-keys") or ())
        """The fields that tell the items of a list of type `map` apart."""
        self.is_atomic = _is_atomic(self, definition, said)
        """Whether server-side apply treats what stands here as one value."""

    @property
    def is_unknown(self) -> bool:
        """Whether nothing is said about what stands here."""
        return self.type == "any"

    def field(self, name: str) -> "Schema":
        """The schema of a field, or of a map's value; that of anything where it is not known."""
        found = self._fields.get(name)
        if found is not None:
            return found
        if name not in self.properties:
            # Names of a map's keys are not kept: anybody can make up new ones.
            return self._inside("", "additionalProperties")
        found = self._fields[name] = Schema(self.properties[name])
        return found

    @property
    def items(self) -> "Schema":
        """The schema of a list's items."""
        return self._inside("[]", "items")

    def _inside(self, name: str, key: str) -> "Schema":
        found = self._fields.get(name)
        if found is None:
            node = self._definition.get(key)
            found = self._fields[name] = Schema(node) if isinstance(node, dict) else ANY
        return found

    def key_default(self, key: str) -> Any:
        """What an item's key is when it is not given, or None."""
        return _KEY_DEFAULTS.get(key)


def _type(definition: Document) -> Type:
    type_ = definition.get("type", "any")
    if isinstance(type_, list):
        type_ = next(each for each in type_ if each != "null")
    known: Type = type_
    return known


def _is_atomic(schema: Schema, definition: Document, said: Document) -> bool:
    match schema.type:
        case "object":
            is_free = not schema.properties and "additionalProperties" not in definition
            return is_free or said.get("x-kubernetes-map-type") == "atomic"
        case "array":
            return schema.list_type == "atomic"
        case _:
            return True


ANY = Schema({})
"""Says nothing: merges go by the types of what they find."""


@functools.cache
def schema_of(api_version: str, kind: str) -> Schema:
    """The schema of a kind's documents; raises NotFound."""
    return Schema(definitions.all_definitions()[definitions.name_of(api_version, kind)])
