"""Reads what a client sends: bytes of JSON, YAML or protobuf become a document; size and depth are bounded."""

import json
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec

from kuberklone.apimachinery import plain_json, protobuf, yaml_text
from kuberklone.apimachinery.document import Document
from kuberklone.apimachinery.problem import Problem
from kuberklone.errors import Malformed, UnsupportedMediaType

JSON = "application/json"
YAML = "application/yaml"
PROTOBUF = "application/vnd.kubernetes.protobuf"

PatchType = Literal["json", "merge", "strategic", "apply"]
PATCH_TYPES: dict[str, PatchType] = {
    "application/json-patch+json": "json",
    "application/merge-patch+json": "merge",
    "application/strategic-merge-patch+json": "strategic",
    "application/apply-patch+yaml": "apply",
}

BYTES_MAX = 3 * 2**20  # what a Kubernetes API server takes of one body

_JSON_NAMES = frozenset({"", "*/*", JSON})
_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Body:
    """A document as it was sent."""

    document: Document
    media_type: str = JSON
    problems: list[Problem] = field(default_factory=list)
    """Fields that were given twice; the last one counts."""


@dataclass(frozen=True, slots=True)
class Patch:
    """A patch as it was sent."""

    type: PatchType
    content: Any
    """A list of operations for `json`, a document for the others."""
    problems: list[Problem] = field(default_factory=list)


def read(body: bytes, content_type: str | None, *, strict: bool = True, bytes_max: int = BYTES_MAX) -> Body:
    """The document of a create or an update. `strict` looks for fields that are given twice.

    Without a type it is JSON: official clients leave the header away. Raises Malformed and UnsupportedMediaType.
    """
    media_type = _media_type(content_type)
    _check_size(body, bytes_max)
    if media_type in _JSON_NAMES:
        document, problems = _json(body, strict=strict)
        return Body(_object(document), JSON, problems)
    if media_type == PROTOBUF:
        return Body(protobuf.decode(body), PROTOBUF)
    if media_type == YAML:
        document, problems = _yaml(body)
        return Body(_object(document), YAML, problems)
    readable = ", ".join((JSON, YAML, PROTOBUF))
    raise UnsupportedMediaType(f"the body is {media_type[:80]!r}; accepted media types include: {readable}")


def read_patch(body: bytes, content_type: str | None, *, strict: bool = True, bytes_max: int = BYTES_MAX) -> Patch:
    """The patch and its type, which only the header tells; raises Malformed and UnsupportedMediaType."""
    media_type = _media_type(content_type)
    type_ = PATCH_TYPES.get(media_type)
    if type_ is None:
        raise UnsupportedMediaType(
            f"a patch cannot be {media_type[:80]!r}; accepted media types include: {', '.join(PATCH_TYPES)}"
        )
    _check_size(body, bytes_max)
    if type_ == "apply":
        content, problems = _json_or_yaml(body, strict=strict)
    else:
        content, problems = _json(body, strict=strict)
    if type_ == "json":
        if not isinstance(content, list):
            raise Malformed("a JSON patch is a list of operations")
        return Patch(type_, content, problems)
    return Patch(type_, _object(content), problems)


def _media_type(content_type: str | None) -> str:
    """Without parameters such as charset: JSON and YAML are UTF-8 here in any case."""
    return (content_type or "").partition(";")[0].strip().lower()


def _check_size(body: bytes, bytes_max: int) -> None:
    if len(body) > bytes_max:
        raise Malformed(f"the body has {len(body)} bytes; at most {bytes_max} are read")


def _object(content: Any) -> Document:
    if not isinstance(content, dict):
        raise Malformed('the body must be an object, such as {"apiVersion": …, "kind": …}')
    return content


def _json_or_yaml(body: bytes, *, strict: bool) -> tuple[Any, list[Problem]]:
    """kubectl applies JSON, which is read much faster than as the YAML that it also is."""
    try:
        return _json(body, strict=strict)
    except Malformed:
        return _yaml(body)


def _yaml(body: bytes) -> tuple[Any, list[Problem]]:
    content, problems = yaml_text.read(body, depth_max=plain_json.DEPTH_MAX)
    plain_json.check_characters(content)
    return content, problems


def _json(body: bytes, *, strict: bool) -> tuple[Any, list[Problem]]:
    content = plain_json.read(body)
    return content, _duplicates(body, content) if strict else []


# ----------------------------------------------------------------------------------------------------- given twice


class _Twice(dict[str, Any]):
    """An object in which keys were given twice."""

    keys_given_twice: list[str]


def _duplicates(body: bytes, content: Any) -> list[Problem]:
    """The fields that were given twice.

    A text that is, but for white space, what its content is written as cannot name a field twice. That test costs a
    tenth of reading the pairs one by one, which only texts with unusual escapes or numbers need.
    """
    if _encode(content) == msgspec.json.format(body, indent=-1):
        return []
    marked: list[_Twice] = []

    def collect(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        members = dict(pairs)
        if len(members) == len(pairs):
            return members
        seen: set[str] = set()
        twice = _Twice(members)
        twice.keys_given_twice = [key for key, _ in pairs if key in seen or seen.add(key)]  # type: ignore[func-returns-value]
        marked.append(twice)
        return twice

    # Numbers are not looked at, and reading them may take long: their digits are kept as they are.
    outline = json.loads(body, object_pairs_hook=collect, parse_int=str, parse_float=str)
    return _located(outline) if marked else []


def _located(outline: Any) -> list[Problem]:
    problems: list[Problem] = []
    pending = [("", outline)]
    while pending:
        path, each = pending.pop()
        if isinstance(each, _Twice):
            places = (f"{path}.{key}" if path else key for key in dict.fromkeys(each.keys_given_twice))
            problems.extend(Problem(place, "given twice", "duplicate") for place in places)
        if isinstance(each, dict):
            pending.extend((f"{path}.{key}" if path else key, value) for key, value in reversed(each.items()))
        elif isinstance(each, list):
            pending.extend((f"{path}[{place}]", each[place]) for place in reversed(range(len(each))))
    return problems
