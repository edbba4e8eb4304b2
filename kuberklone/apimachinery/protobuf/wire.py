"""The wire format: fields with a number and a type, one after another, each length checked against what is there."""

from collections.abc import Iterator

from kuberklone.errors import Malformed

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
_FIXED = {FIXED64: 8, FIXED32: 4}
_VARINT_BITS_MAX = 70  # ten bytes hold 64 bits


def malformed(said: str) -> Malformed:
    return Malformed(f"the body is not protobuf: {said}")


def too_long() -> Malformed:
    return malformed("a field is longer than what it stands in")


def varint(data: bytes, place: int, end: int) -> tuple[int, int]:
    """A number and the place behind it."""
    value = shift = 0
    while place < end:
        byte = data[place]
        place += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & 0xFFFF_FFFF_FFFF_FFFF, place
        shift += 7
        if shift >= _VARINT_BITS_MAX:
            raise malformed("a number has more than 64 bits")
    raise malformed("it ends inside a number")


def signed(value: int) -> int:
    """The number as Go's int64 reads it."""
    return value - 2**64 if value >= 2**63 else value


def stretch(data: bytes, place: int, end: int) -> tuple[int, int]:
    """Where a field of bytes begins and ends."""
    length, place = varint(data, place, end)
    if length > end - place:
        raise too_long()
    return place, place + length


def fixed(kind: int, place: int, end: int) -> tuple[int, int]:
    """Where a number of fixed length begins and ends."""
    length = _FIXED.get(kind)
    if length is None:
        raise malformed(f"there is no wire type {kind}")
    if length > end - place:
        raise too_long()
    return place, place + length


def fields(data: bytes, place: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Key, begin and end of each field; the number of a VARINT field stands where it begins."""
    while place < end:
        key, place = varint(data, place, end)
        if key & 7 == VARINT:
            value, place = varint(data, place, end)
            yield key, value, place
        elif key & 7 == BYTES:
            begin, place = stretch(data, place, end)
            yield key, begin, place
        else:
            begin, place = fixed(key & 7, place, end)
            yield key, begin, place
