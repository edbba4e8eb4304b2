"""Checks documents against the schema of their kind, with a compiled validator for each."""

import functools
from collections.abc import Iterator, Sequence

import jsonschema_rs
import msgspec

from kuberklone.apimachinery.document import Document
from kuberklone.apimachinery.problem import Problem, path
from kuberklone.apimachinery.schemas import definitions

_RANGES = {"int32": (-(2**31), 2**31 - 1), "int64": (-(2**63), 2**63 - 1)}
# As Go's base64 reads bytes: padded, and line ends do not count.
_DIGIT = r"[A-Za-z0-9+/][\r\n]*"
_END = r"=[\r\n]*"
_BASE64 = rf"^[\r\n]*(?:(?:{_DIGIT}){{4}})*(?:(?:{_DIGIT}){{2}}{_END}{_END}|(?:{_DIGIT}){{3}}{_END})?$"
_QUANTITY = r"^[+-]?(?:[0-9]+|[0-9]+\.[0-9]*|\.[0-9]+)(?:[KMGTPE]i|[numkMGTPE]|[eE][+-]?[0-9]+)?$"
# Narrower than RFC 3339, which also knows small letters and leap seconds: a Go client that cannot read one time in a
# list cannot read the list.
_TIME = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-5][0-9](?:\.[0-9]+)?(?:Z|[+-][0-9]{2}:[0-9]{2})$"
_HINTS = {
    _BASE64: "expected base64",
    _QUANTITY: r"quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
    _TIME: "expected a time such as 2006-01-02T15:04:05Z",
}
_GIVEN = ["array", "boolean", "number", "object", "string"]

_SPECIAL: dict[str, Document] = {
    "io.k8s.apimachinery.pkg.api.resource.Quantity": {"type": ["string", "number", "null"], "pattern": _QUANTITY},
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString": {
        "type": ["string", "integer", "null"],
        "minimum": _RANGES["int32"][0],
        "maximum": _RANGES["int32"][1],
    },
}
# A document may be wrong in as many places as it has; nobody reads more.
_PROBLEMS_MAX = 200
_encode = msgspec.json.Encoder().encode


def validate(api_version: str, kind: str, document: Document) -> list[Problem]:
    """What the schema has against the document, as it is after defaulting; raises NotFound where there is no such kind.

    Null means unset, as Go clients send it.
    """
    validator = _validator(api_version, kind)
    if validator.is_valid(document):
        return []
    # A text may fail both as it is written and by what it says; once is enough.
    found: dict[Problem, None] = {}
    for error in validator.iter_errors(document):
        found.update(dict.fromkeys(_problems(error)))
        if len(found) >= _PROBLEMS_MAX:
            break
    return list(found)


@functools.cache
def _validator(api_version: str, kind: str) -> jsonschema_rs.Draft4Validator:
    """Compiled at first use, in some 10 ms. Draft 4 is the one in which 1.0 is no integer, as in Go."""
    root = definitions.name_of(api_version, kind)
    names = sorted(definitions.reachable([root]))
    schema = {
        "$ref": f"#/definitions/{root}",
        "definitions": {name: _definition(name) for name in names},
    }
    return jsonschema_rs.Draft4Validator(schema, validate_formats=True)


def _definition(name: str) -> Document:
    special = _SPECIAL.get(name)
    if special is not None:
        return special
    definition = definitions.all_definitions()[name]
    schema = _schema(definition)
    if "properties" in schema:
        for field in ("apiVersion", "kind"):
            # Whether they are those of the path is asked at the door, which says it better.
            if field in schema["properties"]:
                schema["properties"][field] = {"type": ["string", "null"]}
        schema["additionalProperties"] = False
    return schema


def _schema(node: Document) -> Document:
    """What of a published schema a server checks."""
    name = definitions.target(node)
    if name is not None:
        return {"$ref": f"#/definitions/{name}"}
    schema: Document = {}
    if "type" in node:
        type_ = node["type"] if isinstance(node["type"], list) else [node["type"]]
        schema["type"] = [*dict.fromkeys([*type_, "null"])]
    match node.get("format"):
        case "int32" | "int64" as width:
            schema["minimum"], schema["maximum"] = _RANGES[width]
        case "byte":
            schema["pattern"] = _BASE64
        case "date-time":
            # The pattern says how it is written, the format that there is such a day.
            schema["pattern"] = _TIME
            schema["format"] = "date-time"
    if "properties" in node:
        schema["properties"] = {field: _schema(inner) for field, inner in node["properties"].items()}
    for key in ("items", "additionalProperties"):
        if isinstance(node.get(key), dict):
            schema[key] = _schema(node[key])
    for field in node.get("required", ()):
        # Null is no value, save for lists: Go writes an empty one so.
        if schema["properties"][field].get("type") != ["array", "null"]:
            schema["properties"][field] = {"allOf": [{"type": _GIVEN}, schema["properties"][field]]}
        schema.setdefault("required", []).append(field)
    return schema


def _problems(error: jsonschema_rs.ValidationError) -> Iterator[Problem]:
    place = error.instance_path
    kind = error.kind.name
    if kind == "additionalProperties":
        for field in error.kind.as_dict()["unexpected"]:
            yield Problem(path([*place, field]), "unknown field", "unknown")
    elif kind == "required":
        yield from _missing([*place, error.kind.as_dict()["property"]])
    elif kind == "type" and error.instance is None:
        yield from _missing(place)
    else:
        yield Problem(path(place), _mismatch(error), "type")


def _missing(place: Sequence[str | int]) -> Iterator[Problem]:
    # What a status lacks is no matter of the server's: whoever reports it may know it in parts.
    if place[0] != "status":
        yield Problem(path(place), "Required value", "required")


def _mismatch(error: jsonschema_rs.ValidationError) -> str:
    details = error.kind.as_dict()
    got = f"got {_encode(error.instance).decode():.80}"
    match error.kind.name:
        case "type":
            types = [each for each in details.get("types", [details.get("type")]) if each != "null"]
            return f"expected {' or '.join(types)}, {got}"
        case "pattern":
            return f"{_HINTS[details['pattern']]}, {got}"
        case "format":
            return f"{_HINTS[_TIME]}, {got}"
        case _:
            return f"expected an integer in range, {got}"
