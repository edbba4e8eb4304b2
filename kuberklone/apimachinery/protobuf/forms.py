"""Values with a form of their own in JSON: times, durations, quantities, numbers that may be texts, raw JSON."""

from datetime import UTC, datetime, timedelta
from typing import Any

from kuberklone.apimachinery import plain_json
from kuberklone.apimachinery.protobuf import wire

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_UNITS = ((3_600_000_000_000, "h"), (60_000_000_000, "m"))
_SMALL_UNITS = ((1_000_000_000, "s"), (1_000_000, "ms"), (1_000, "µs"))
# Keys of the fields: number · 8 + wire type.
_NUMBER_1, _NUMBER_2, _TEXT_1, _TEXT_3 = 8, 16, 10, 26


def text(data: bytes, begin: int, end: int) -> str:
    """A text in UTF-8."""
    try:
        found = data[begin:end].decode()
    except UnicodeDecodeError as error:
        raise wire.malformed("a text is not UTF-8") from error
    if "\0" in found:
        plain_json.check_characters(found)
    return found


def time(data: bytes, begin: int, end: int) -> str | None:
    """metav1.Time, which knows seconds; None for the zero time."""
    moment = _moment(data, begin, end)
    return None if moment is None else f"{moment:%Y-%m-%dT%H:%M:%SZ}".rjust(20, "0")


def micro_time(data: bytes, begin: int, end: int) -> str | None:
    """metav1.MicroTime; None for the zero time."""
    moment = _moment(data, begin, end)
    return None if moment is None else f"{moment:%Y-%m-%dT%H:%M:%S.%fZ}".rjust(27, "0")


def _moment(data: bytes, begin: int, end: int) -> datetime | None:
    if begin == end:
        return None
    seconds = nanos = 0
    for key, value, _ in wire.fields(data, begin, end):
        if key == _NUMBER_1:
            seconds = wire.signed(value)
        elif key == _NUMBER_2:
            nanos = wire.signed(value)
    try:
        return _EPOCH + timedelta(seconds=seconds, microseconds=nanos // 1_000)
    except OverflowError as error:
        raise wire.malformed("a time lies outside the years 1 to 9999") from error


def duration(data: bytes, begin: int, end: int) -> str:
    """metav1.Duration as Go writes it: 1h0m0.5s, 1.5ms."""
    nanos = next((wire.signed(value) for key, value, _ in wire.fields(data, begin, end) if key == _NUMBER_1), 0)
    sign, nanos = ("-", -nanos) if nanos < 0 else ("", nanos)
    if nanos == 0:
        return "0s"
    if nanos < _SMALL_UNITS[0][0]:
        unit, name = next(((unit, name) for unit, name in _SMALL_UNITS if nanos >= unit), (1, "ns"))
        return f"{sign}{_decimal(nanos, unit)}{name}"
    words = ""
    for unit, name in _UNITS:
        amount, nanos = divmod(nanos, unit)
        if amount or words:
            words += f"{amount}{name}"
    return f"{sign}{words}{_decimal(nanos, _SMALL_UNITS[0][0])}s"


def _decimal(amount: int, unit: int) -> str:
    whole, rest = divmod(amount, unit)
    digits = str(unit + rest)[1:].rstrip("0")
    return f"{whole}.{digits}" if digits else str(whole)


def quantity(data: bytes, begin: int, end: int) -> str:
    """resource.Quantity, which stands there as the text it is in JSON."""
    for key, first, last in wire.fields(data, begin, end):
        if key == _TEXT_1:
            return text(data, first, last)
    return "0"


def int_or_string(data: bytes, begin: int, end: int) -> int | str:
    """intstr.IntOrString: a type, a number and a text, of which one counts."""
    is_text, number, words = False, 0, ""
    for key, first, last in wire.fields(data, begin, end):
        if key == _NUMBER_1:
            is_text = first == 1
        elif key == _NUMBER_2:
            number = wire.signed(first)
        elif key == _TEXT_3:
            words = text(data, first, last)
    return words if is_text else number


def raw(data: bytes, begin: int, end: int) -> Any:
    """runtime.RawExtension and metav1.FieldsV1: JSON inside; None where there is none."""
    for key, first, last in wire.fields(data, begin, end):
        if key == _TEXT_1 and last > first:
            return plain_json.read(data[first:last], of="a raw field")
    return None


def texts(data: bytes, begin: int, end: int) -> list[str]:
    """A list of texts that is the value of a map, wrapped into a message of one field."""
    return [text(data, first, last) for key, first, last in wire.fields(data, begin, end) if key == _TEXT_1]
