"""The schemas of one group version as `components.schemas` of an OpenAPI v3 document."""

import functools
from typing import Any

from kuberklone.apimachinery.document import Document
from kuberklone.apimachinery.schemas import definitions

_PREFIX = "#/components/schemas/"
# The published schemas call these nothing but texts or numbers; clients know them by their formats.
_SPECIAL: dict[str, Document] = {
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString": {
        "format": "int-or-string",
        "oneOf": [{"type": "integer"}, {"type": "string"}],
    },
    "io.k8s.apimachinery.pkg.api.resource.Quantity": {"oneOf": [{"type": "string"}, {"type": "number"}]},
}


def components(api_version: str) -> dict[str, Any]:
    """Every definition that the kinds of the group version use; none for one that is not there. Do not change it."""
    # What clients make up is not kept.
    return _components(api_version) if definitions.kinds_of(api_version) else {}


@functools.cache
def _components(api_version: str) -> dict[str, Any]:
    names = sorted(definitions.reachable(definitions.kinds_of(api_version)))
    return {name: _definition(name) for name in names}


def _definition(name: str) -> Document:
    special = _SPECIAL.get(name)
    if special is not None:
        return special
    converted: Document = _schema(definitions.all_definitions()[name])
    for field in ("apiVersion", "kind"):
        converted.get("properties", {}).get(field, {}).pop("enum", None)
    return converted


def _schema(node: Document) -> Document:
    """One JSON Schema in the words of OpenAPI 3.0: no null among types, no words beside a reference."""
    converted: Document = {}
    for key, value in node.items():
        match key:
            case "type" if isinstance(value, list):
                converted["type"] = next(each for each in value if each != "null")
            case "properties":
                converted["properties"] = {field: _schema(inner) for field, inner in value.items()}
            case "items" | "additionalProperties" if isinstance(value, dict):
                converted[key] = _schema(value)
            case "$ref":
                reference = {"$ref": _PREFIX + (definitions.target(node) or "")}
                # Fields repeat what their type means in words of their own; a bare reference says it all.
                if len(node) == 1:
                    return reference
                converted["allOf"] = [reference]
            case _:
                converted[key] = value
    return converted
