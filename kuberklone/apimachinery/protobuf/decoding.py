"""Turns a body of protobuf into the document that the same client would have sent as JSON."""

import functools
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from kuberklone.apimachinery.document import Document
from kuberklone.apimachinery.protobuf import forms, wire
from kuberklone.apimachinery.protobuf.table import Field, table
from kuberklone.errors import Malformed

# What every body begins with, before a runtime.Unknown that says what the rest is.
_MAGIC = b"k8s\0"

Read = Callable[[bytes, int, int], Any]
"""A value from data between its begin and its end. Of a VARINT the begin is the value."""

_VARINT_READERS: Mapping[str, Read] = {
    "int": lambda _data, value, _end: wire.signed(value),
    "bool": lambda _data, value, _end: value != 0,
}
_READERS: Mapping[str, Read] = {
    "string": forms.text,
    "bytes": lambda data, begin, end: b64encode(data[begin:end]).decode(),
    "Time": forms.time,
    "MicroTime": forms.micro_time,
    "Duration": forms.duration,
    "Quantity": forms.quantity,
    "IntOrString": forms.int_or_string,
    "Raw": forms.raw,
    "Items": forms.texts,
}
_ZEROS: Mapping[str, Any] = {"int": 0, "bool": False, "string": "", "bytes": ""}


def decode(body: bytes) -> Document:
    """The document in the body; raises Malformed. Fields that are zero are left out where Go's JSON leaves them out."""
    api_version, kind, begin, end = _envelope(body)
    message = table().message_of(api_version, kind)
    if message is None:
        raise Malformed(f'no kind "{kind[:80]}" of version "{api_version[:80]}" is read from protobuf; send JSON')
    try:
        members = _message(message, body, begin, end)
    except IndexError:
        raise wire.too_long() from None
    return {"apiVersion": api_version, "kind": kind, **members}


def _envelope(body: bytes) -> tuple[str, str, int, int]:
    """apiVersion, kind, and where the object itself begins and ends."""
    if not body.startswith(_MAGIC):
        raise wire.malformed("it does not begin with k8s and a zero")
    api_version = kind = ""
    object_begin = object_end = 0
    for key, begin, end in wire.fields(body, len(_MAGIC), len(body)):
        if key == 10:  # typeMeta
            for inner, first, last in wire.fields(body, begin, end):
                if inner == 10:
                    api_version = forms.text(body, first, last)
                elif inner == 18:
                    kind = forms.text(body, first, last)
        elif key == 18:  # raw
            object_begin, object_end = begin, end
        elif key == 26 and end > begin:  # contentEncoding
            raise wire.malformed("the object inside is compressed")
    return api_version, kind, object_begin, object_end


@dataclass(frozen=True, slots=True)
class _Reader:
    """How one field of a message is read."""

    name: str
    read: Read
    is_list: bool
    is_map: bool
    zero: Any
    """The value that is left out; None leaves out nothing, as None itself always is."""


@functools.cache
def _readers(message: str) -> Mapping[int, _Reader]:
    """The readers of a message's fields by key, which is number · 8 + wire type."""
    found = {}
    for field in table().messages[message]:
        bare = field.type.removeprefix("[]").removeprefix("{}")
        found[field.number * 8 + _wire_type(field.type, bare)] = _reader(field, bare)
    return found


def _wire_type(type_: str, bare: str) -> int:
    return wire.VARINT if bare in _VARINT_READERS and not type_.startswith("{}") else wire.BYTES


def _reader(field: Field, bare: str) -> _Reader:
    is_map = field.type.startswith("{}")
    zero = _ZEROS.get(bare) if field.mark == "" else {} if field.mark == "?" else None
    read = _entry(bare) if is_map else _read(bare)
    return _Reader(field.name, read, field.type.startswith("[]"), is_map, zero)


def _read(type_: str) -> Read:
    return _READERS.get(type_) or _VARINT_READERS.get(type_) or functools.partial(_message, type_)


def _entry(type_: str) -> Read:
    """Reads a key and a value of a map; what is left out of an entry is zero."""
    read = _read(type_)
    value_key = 16 + _wire_type(type_, type_)

    def entry(data: bytes, begin: int, end: int) -> tuple[str, Any]:
        name = ""
        value = _MISSING
        for key, first, last in wire.fields(data, begin, end):
            if key == 10:
                name = forms.text(data, first, last)
            elif key == value_key:
                value = read(data, first, last)
        return name, _zero(type_, read) if value is _MISSING else value

    return entry


_MISSING: Any = object()


def _zero(type_: str, read: Read) -> Any:
    return _ZEROS[type_] if type_ in _ZEROS else read(b"", 0, 0)


def _message(message: str, data: bytes, begin: int, end: int) -> Document:
    """The object between begin and end. Fields that nobody knows are passed over, as Go does.

    No message of the table contains itself, so no body nests deeper than the table does.
    """
    readers = _readers(message)
    result: Document = {}
    # What wire.fields does, written out: nearly all keys and lengths are one byte, and every create pays for each.
    place = begin
    while place < end:
        key = data[place]
        place += 1
        if key >= 0x80:
            key, place = wire.varint(data, place - 1, end)
        kind = key & 7
        if kind == wire.BYTES:
            first = place + 1
            place = first + data[place]
            if place - first >= 0x80:
                first, place = wire.stretch(data, first - 1, end)
            elif place > end:
                raise wire.too_long()
        elif kind == wire.VARINT:
            first, place = wire.varint(data, place, end)
        else:
            first, place = wire.fixed(kind, place, end)
        reader = readers.get(key)
        if reader is None:
            _check_unknown(readers, key, message)
        else:
            _put(result, reader, reader.read(data, first, place))
    return result


def _put(result: Document, reader: _Reader, value: Any) -> None:
    if reader.is_list:
        result.setdefault(reader.name, []).append(value)
    elif reader.is_map:
        result.setdefault(reader.name, {})[value[0]] = value[1]
    elif reader.name == "+":
        result |= value
    elif value is not None and value != reader.zero:
        result[reader.name] = value


def _check_unknown(readers: Mapping[int, _Reader], key: int, message: str) -> None:
    number = key >> 3
    for kind in (wire.VARINT, wire.FIXED64, wire.BYTES, wire.FIXED32):
        if number * 8 + kind in readers:
            raise wire.malformed(f"field {number} of {message.rpartition('.')[2]} is of another type")
