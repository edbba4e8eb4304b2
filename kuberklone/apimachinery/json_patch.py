"""JSON patch (RFC 6902): a list of operations on places, all of them or none."""

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from kuberklone.apimachinery import plain_json
from kuberklone.apimachinery.document import Document, clone, same
from kuberklone.errors import Cause, Invalid, Malformed

OPERATIONS_MAX = 10_000  # what a Kubernetes API server takes; each costs time in proportion to the document
# Copies double a document with each operation; together they may be as large as a body.
COPIED_BYTES_MAX = 3 * 2**20

_INDEX = re.compile(r"0|[1-9][0-9]{0,8}")
_STRAY_TILDE = re.compile(r"~(?![01])")
_encode = msgspec.json.Encoder().encode


def apply(document: Document, patch: list[Any]) -> Document:
    """The patched document, which shares nothing with the given one.

    Raises Malformed for a patch that is none, and Invalid where an operation does not fit the document.
    """
    if len(patch) > OPERATIONS_MAX:
        raise Malformed(f"the patch has {len(patch)} operations; at most {OPERATIONS_MAX} are done at once")
    target = _Target(clone(document))
    try:
        for place, operation in enumerate(patch):
            target.do(_Operation(operation, place))
    except RecursionError:
        raise plain_json.too_deep("the patched document") from None
    if not isinstance(target.root, dict):
        raise Invalid("the patch leaves no object", causes=(Cause("", "FieldValueInvalid", "must be an object"),))
    plain_json.check_depth(target.root, of="the patched document")
    return target.root


class _Operation:
    """One entry of a patch, checked for its shape."""

    def __init__(self, entry: Any, place: int) -> None:
        self._place = place
        if not isinstance(entry, Mapping):
            raise self.malformed("must be an object with op and path")
        self._entry = entry
        self.name = entry.get("op")
        self.path = self._pointer("path")

    @property
    def value(self) -> Any:
        if "value" not in self._entry:
            raise self.malformed(f"op {self.name!r} needs a value")
        # A copy: what later operations do inside it must not be in the patch when it is tried a second time.
        return clone(self._entry["value"])

    @property
    def source(self) -> list[str]:
        return self._pointer("from")

    def _pointer(self, member: str) -> list[str]:
        text = self._entry.get(member)
        if not isinstance(text, str) or (text and not text.startswith("/")) or _STRAY_TILDE.search(text):
            raise self.malformed(f"{member} must be a JSON pointer such as /metadata/labels/a~1b")
        return [step.replace("~1", "/").replace("~0", "~") for step in text.split("/")[1:]]

    def malformed(self, said: str) -> Malformed:
        return Malformed(f"patch[{self._place}]: {said}")

    def misfit(self, said: str) -> Invalid:
        field = f"patch[{self._place}]"
        text = f"{said}: /{'/'.join(self.path)[:200]}"
        return Invalid(f"{field}: {text}", causes=(Cause(field, "FieldValueInvalid", text),))


class _Target:
    """The document while it is being patched."""

    def __init__(self, root: Any) -> None:
        self.root = root
        self._copied_bytes = 0

    def do(self, operation: _Operation) -> None:
        path = operation.path
        match operation.name:
            case "add":
                self._add(path, operation.value, operation)
            case "remove":
                self._take(path, operation)
            case "replace":
                self._replace(path, operation.value, operation)
            case "test":
                if not same(self._get(path, operation, absent=None), operation.value):
                    raise operation.misfit("the value is not the one that is tested for")
            case "move":
                source = operation.source
                if path[: len(source)] == source and path != source:
                    raise operation.misfit("a value cannot be moved into itself")
                self._add(path, self._take(source, operation), operation)
            case "copy":
                self._add(path, self._copy(operation), operation)
            case name:
                raise operation.malformed(f"op {str(name)[:20]!r} is not one of add, remove, replace, move, copy, test")

    def _copy(self, operation: _Operation) -> Any:
        text = _encode(self._get(operation.source, operation))
        self._copied_bytes += len(text)
        if self._copied_bytes > COPIED_BYTES_MAX:
            raise operation.malformed(f"the patch copies more than {COPIED_BYTES_MAX} bytes")
        return msgspec.json.decode(text)

    def _around(self, path: list[str], operation: _Operation) -> Any:
        """The object or list that the last step leads out of."""
        place = self.root
        for step in path[:-1]:
            place = self._step(place, step, operation)
        return place

    def _step(self, place: Any, step: str, operation: _Operation) -> Any:
        if isinstance(place, dict) and step in place:
            return place[step]
        if isinstance(place, list):
            return place[self._index(place, step, operation)]
        raise operation.misfit("there is nothing at the path")

    def _index(self, items: list[Any], step: str, operation: _Operation, *, end: int = 0) -> int:
        if not _INDEX.fullmatch(step) or int(step) >= len(items) + end:
            raise operation.misfit(f"a list of {len(items)} has no item {step[:20]!r}")
        return int(step)

    def _get(self, path: list[str], operation: _Operation, **default: Any) -> Any:
        if not path:
            return self.root
        around = self._around(path, operation)
        if default and isinstance(around, dict):
            return around.get(path[-1], default["absent"])
        return self._step(around, path[-1], operation)

    def _add(self, path: list[str], value: Any, operation: _Operation) -> None:
        if not path:
            self.root = value
            return
        around, last = self._around(path, operation), path[-1]
        if isinstance(around, dict):
            around[last] = value
        elif isinstance(around, list):
            around.insert(len(around) if last == "-" else self._index(around, last, operation, end=1), value)
        else:
            raise operation.misfit("there is no object or list to add to")

    def _replace(self, path: list[str], value: Any, operation: _Operation) -> None:
        if not path:
            self.root = value
            return
        around, last = self._around(path, operation), path[-1]
        self._step(around, last, operation)
        around[int(last) if isinstance(around, list) else last] = value

    def _take(self, path: list[str], operation: _Operation) -> Any:
        if not path:
            raise operation.misfit("the whole document cannot be taken away")
        around, last = self._around(path, operation), path[-1]
        value = self._step(around, last, operation)
        del around[int(last) if isinstance(around, list) else last]
        return value
