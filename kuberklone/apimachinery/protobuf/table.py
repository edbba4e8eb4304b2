"""The table of messages and their fields: `fields/*.txt`, one file for each group version, read at first use.

    Container              a message
      1 name string!       number, name in JSON, type

A type is a plain one, one with a form of its own in JSON (`Time`), or a message; `[]` makes it a list and `{}` the
values of a map. A name of `+` means that the fields stand among those of the object around them. Marks say what Go
writes for a zero value, which protobuf always holds:

    *  a pointer: whatever is there was put there
    !  the zero value is written, too
    ?  an empty object is left out
"""

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import resources

_MARKS = "*!?"


@dataclass(frozen=True, slots=True)
class Field:
    """One line of the table."""

    number: int
    name: str
    type: str
    mark: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """All messages, and where to find the one of a kind."""

    messages: Mapping[str, tuple[Field, ...]]
    """By names such as `core.v1.Pod`."""
    packages: Mapping[str, str]
    """`rbac.v1` for `rbac.authorization.k8s.io/v1`."""

    def message_of(self, api_version: str, kind: str) -> str | None:
        """The message of a kind. Options of a request name the group they are sent to, not their own."""
        package = self.packages.get(api_version)
        for name in (f"{package}.{kind}", f"meta.v1.{kind}"):
            if name in self.messages:
                return name
        return None


@functools.cache
def table() -> Table:
    """The table of all group versions."""
    messages: dict[str, tuple[Field, ...]] = {}
    packages: dict[str, str] = {}
    for file in (resources.files(__package__) / "fields").iterdir():
        package = file.name.removesuffix(".txt")
        head, *paragraphs = file.read_text().split("\n\n")
        packages[head.removeprefix("apiVersion ")] = package
        messages |= {f"{package}.{name}": fields for name, fields in map(_message, paragraphs)}
    return Table(messages, packages)


def _message(paragraph: str) -> tuple[str, tuple[Field, ...]]:
    name, *lines = paragraph.strip().split("\n")
    return name, tuple(_fields(lines))


def _fields(lines: list[str]) -> Iterator[Field]:
    for line in lines:
        number, name, marked = line.split()
        type_ = marked.rstrip(_MARKS)
        yield Field(int(number), name, type_, marked[len(type_) :])
