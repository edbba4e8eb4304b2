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

    __slots__ = ("_definition", "_fields", "_node")

    def __init__(self, node: Document) -> None:
        self._node = node
        name = definitions.target(node)
        self._definition = definitions.all_definitions()[name] if name is not None else node
        self._fields: dict[str, Schema] = {}

    @property
    def is_unknown(self) -> bool:
        """Whether nothing is said about what stands here."""
        return self.type == "any"

    @property
    def type(self) -> Type:
        """What stands here besides null; `any` where several types may, or nothing is known."""
        type_ = self._definition.get("type", "any")
        if isinstance(type_, list):
            type_ = next(each for each in type_ if each != "null")
        known: Type = type_
        return known

    @property
    def is_struct(self) -> bool:
        """Whether this is an object whose fields are known, unlike a map, whose keys are free."""
        return "properties" in self._definition

    @property
    def properties(self) -> Mapping[str, Document]:
        properties: Mapping[str, Document] = self._definition.get("properties", {})
        return properties

    def field(self, name: str) -> "Schema":
        """The schema of a field, or of a map's value; that of anything where it is not known."""
        found = self._fields.get(name)
        if found is None:
            node = self.properties.get(name) or self._definition.get("additionalProperties")
            found = Schema(node) if isinstance(node, dict) else ANY
            if name in self.properties:
                self._fields[name] = found
        return found

    @property
    def items(self) -> "Schema":
        """The schema of a list's items."""
        found = self._fields.get("[]")
        if found is None:
            node = self._definition.get("items")
            found = self._fields["[]"] = Schema(node) if isinstance(node, dict) else ANY
        return found

    def _said(self, key: str) -> Any:
        """What the field says about itself, else what its type says."""
        return self._node.get(key, self._definition.get(key))

    @property
    def patch_strategies(self) -> frozenset[str]:
        """Of a strategic merge: `merge`, `replace`, `retainKeys`."""
        return frozenset((self._said("x-kubernetes-patch-strategy") or "").split(",")) - {""}

    @property
    def merge_key(self) -> str | None:
        """The field that tells the items of a list apart in a strategic merge."""
        key: str | None = self._said("x-kubernetes-patch-merge-key")
        return key

    @property
    def list_type(self) -> str:
        """Of server-side apply: `atomic`, `set` or `map`."""
        return self._said("x-kubernetes-list-type") or "atomic"

    @property
    def list_keys(self) -> tuple[str, ...]:
        """The fields that tell the items of a list of type `map` apart."""
        return tuple(self._said("x-kubernetes-list-map-keys") or ())

    def key_default(self, key: str) -> Any:
        """What an item's key is when it is not given, or None."""
        return _KEY_DEFAULTS.get(key)

    @property
    def is_atomic(self) -> bool:
        """Whether server-side apply treats what stands here as one value."""
        match self.type:
            case "object":
                free = not self.properties and "additionalProperties" not in self._definition
                return free or self._said("x-kubernetes-map-type") == "atomic"
            case "array":
                return self.list_type == "atomic"
            case _:
                return False


ANY = Schema({})
"""Says nothing: merges go by the types of what they find."""


@functools.cache
def schema_of(api_version: str, kind: str) -> Schema:
    """The schema of a kind's documents; raises NotFound."""
    return Schema(definitions.all_definitions()[definitions.name_of(api_version, kind)])
