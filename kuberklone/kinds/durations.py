"""Spans of time in the short form that people know from kubectl: `45s`, `3m20s`, `5h`, `12d`, `2y30d`."""

from datetime import datetime
from typing import Any

_MINUTE, _HOUR, _DAY = 60, 3600, 86_400
_YEAR = 365 * _DAY
# The years 1 to 9999: a zone or a rounded fraction leads beyond them, and nothing could write such a time.
_FIRST_MS, _LAST_MS = -62_135_596_800_000, 253_402_300_799_999


def short(seconds: int) -> str:
    """The span with at most two units, fewer the longer it is (`HumanDuration` of k8s.io/apimachinery)."""
    if seconds < -1:
        return "<invalid>"
    if seconds < 0:
        return "0s"
    if seconds < 2 * _MINUTE:
        return f"{seconds}s"
    if seconds < 10 * _MINUTE:
        return _two(seconds, _MINUTE, "m", 1, "s")
    if seconds < 3 * _HOUR:
        return f"{seconds // _MINUTE}m"
    if seconds < 8 * _HOUR:
        return _two(seconds, _HOUR, "h", _MINUTE, "m")
    if seconds < 2 * _DAY:
        return f"{seconds // _HOUR}h"
    if seconds < 8 * _DAY:
        return _two(seconds, _DAY, "d", _HOUR, "h")
    if seconds < 2 * _YEAR:
        return f"{seconds // _DAY}d"
    if seconds < 8 * _YEAR:
        return _two(seconds, _YEAR, "y", _DAY, "d")
    return f"{seconds // _YEAR}y"


def _two(seconds: int, large: int, large_unit: str, small: int, small_unit: str) -> str:
    rest = seconds % large // small
    return f"{seconds // large}{large_unit}{rest}{small_unit}" if rest else f"{seconds // large}{large_unit}"


def moment_ms(text: Any) -> int | None:
    """Milliseconds since 1970 of an RFC 3339 time such as 2026-11-23T09:53:47Z; None where there is no such time."""
    if not isinstance(text, str) or not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        return None
    return min(max(round(moment.timestamp() * 1000), _FIRST_MS), _LAST_MS)


def since(text: Any, now_ms: int, *, unset: str = "<unknown>") -> str:
    """How long ago a time was."""
    moment = moment_ms(text)
    return unset if moment is None else short((now_ms - moment) // 1000)


def between(first: Any, last: Any, *, unset: str = "") -> str:
    """How long it was from one time to another."""
    begin, end = moment_ms(first), moment_ms(last)
    return unset if begin is None or end is None else short((end - begin) // 1000)
