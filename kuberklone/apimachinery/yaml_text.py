"""YAML as the Kubernetes API reads it: plain data only, scalars by the rules of go-yaml, duplicates reported.

Built from libyaml's events and without recursion, since a loader that composes nodes lets a short text use up the stack
(nesting) or the memory (aliases).
"""

import re
from collections.abc import Iterator
from typing import Any

import msgspec
import yaml

from kuberklone.apimachinery.problem import Problem
from kuberklone.errors import Malformed

_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_TRUE = frozenset({"true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON", "y", "Y"})
_FALSE = frozenset({"false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF", "n", "N"})
_NUMBER = re.compile(r"[-+]?(0[xX][0-9a-fA-F]+|0[oO][0-7]+|0[bB][01]+|[0-9][0-9_]*)")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9][0-9_]*(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_TEXT_TAGS = frozenset({"!", "tag:yaml.org,2002:str"})
_PLAIN_TAGS = frozenset(f"tag:yaml.org,2002:{name}" for name in ("int", "float", "bool", "null"))
# Longer ones are no numbers that JSON could carry; Python needs quadratic time to read them.
_DIGITS_MAX = 40


class _Open:
    """A collection whose end has not come yet."""

    __slots__ = ("content", "key", "path")

    def __init__(self, content: dict[str, Any] | list[Any], path: str) -> None:
        self.content = content
        self.path = path
        self.key: str | None = None

    def inside(self) -> str:
        """The path of what comes next."""
        if isinstance(self.content, list):
            return f"{self.path}[{len(self.content)}]"
        return f"{self.path}.{self.key}" if self.path else str(self.key)


def read(text: bytes, *, depth_max: int) -> tuple[Any, list[Problem]]:
    """The one document of the text, and the keys that were given twice; raises Malformed."""
    try:
        return _Builder(depth_max).build(yaml.parse(text, Loader=yaml.CSafeLoader))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        said = str(getattr(error, "problem", None) or error).partition("\n")[0]
        mark = getattr(error, "problem_mark", None)
        place = f" in line {mark.line + 1}" if mark is not None else ""
        raise Malformed(f"the body is not YAML: {said:.200}{place}") from error


class _Builder:
    def __init__(self, depth_max: int) -> None:
        self._depth_max = depth_max
        self._open: list[_Open] = []
        self._problems: list[Problem] = []
        self._root: Any = None
        self._documents = 0

    def build(self, events: Iterator[yaml.Event]) -> tuple[Any, list[Problem]]:
        for event in events:
            self._take(event)
        return self._root, self._problems

    def _take(self, event: yaml.Event) -> None:
        match event:
            case yaml.DocumentStartEvent():
                self._documents += 1
                if self._documents > 1:
                    raise Malformed("the body holds several YAML documents; send one")
            case yaml.AliasEvent():
                raise Malformed(f"the body holds the YAML alias *{event.anchor}; write out what it stands for")
            case yaml.ScalarEvent():
                self._scalar(event)
            case yaml.MappingStartEvent():
                self._begin({})
            case yaml.SequenceStartEvent():
                self._begin([])
            case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                self._open.pop()

    def _begin(self, content: dict[str, Any] | list[Any]) -> None:
        if self._awaits_key():
            raise Malformed(f"the body is not YAML for an object: a key below {self._open[-1].path!r} is no text")
        if len(self._open) == self._depth_max:
            raise Malformed(f"the body nests deeper than {self._depth_max} levels")
        path = self._open[-1].inside() if self._open else ""
        self._put(content)
        self._open.append(_Open(content, path))

    def _awaits_key(self) -> bool:
        return bool(self._open) and isinstance(self._open[-1].content, dict) and self._open[-1].key is None

    def _scalar(self, event: yaml.ScalarEvent) -> None:
        value = _value(event)
        if not self._awaits_key():
            self._put(value)
            return
        around = self._open[-1]
        if value is None:
            raise Malformed(f"the body is not YAML for an object: a key below {around.path!r} is null")
        # Keys of JSON are texts: `1: a` and `yes: a` become "1" and "true".
        around.key = value if isinstance(value, str) else msgspec.json.encode(value).decode()
        if around.key in around.content:
            self._problems.append(Problem(around.inside(), "given twice", "duplicate"))

    def _put(self, value: Any) -> None:
        if not self._open:
            self._root = value
            return
        around = self._open[-1]
        if isinstance(around.content, list):
            around.content.append(value)
        elif around.key is not None:
            around.content[around.key] = value
            around.key = None


def _value(event: yaml.ScalarEvent) -> Any:
    text: str = event.value
    if (event.tag is None and event.style) or event.tag in _TEXT_TAGS:
        return text
    if event.tag is not None and event.tag not in _PLAIN_TAGS:
        raise Malformed(f"the body holds the YAML tag {event.tag[:80]!r}; send plain data")
    if text in _NULLS:
        return None
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    if len(text) <= _DIGITS_MAX:
        if _NUMBER.fullmatch(text):
            return _integer(text)
        if _FLOAT.fullmatch(text):
            number = float(text.replace("_", ""))
            return number if abs(number) != float("inf") else text
    return text


def _integer(text: str) -> int:
    digits = text.replace("_", "")
    bare = digits.lstrip("+-")
    # A leading zero means octal in YAML 1.1, as file modes are written: 0644.
    if len(bare) > 1 and bare.isdigit() and bare[0] == "0":
        return int(digits, 8) if set(bare) <= set("01234567") else int(digits)
    return int(digits, 0)
