"""Spans of time as kubectl writes them."""

import pytest

from kuberklone.clock import timestamp
from kuberklone.kinds import durations

MINUTE, HOUR, DAY = 60, 3600, 86_400


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "<invalid>"),
        (-1, "0s"),
        (0, "0s"),
        (119, "119s"),
        (120, "2m"),
        (125, "2m5s"),
        (10 * MINUTE, "10m"),
        (3 * HOUR - 1, "179m"),
        (3 * HOUR, "3h"),
        (3 * HOUR + 20 * MINUTE, "3h20m"),
        (8 * HOUR, "8h"),
        (47 * HOUR, "47h"),
        (2 * DAY + 5 * HOUR, "2d5h"),
        (8 * DAY, "8d"),
        (729 * DAY, "729d"),
        (2 * 365 * DAY + 30 * DAY, "2y30d"),
        (9 * 365 * DAY, "9y"),
    ],
)
def test_a_span_is_short(seconds: int, text: str) -> None:
    assert durations.short(seconds) == text


@pytest.mark.parametrize(
    ("text", "moment_ms"),
    [
        ("1970-01-01T00:00:01Z", 1000),
        ("1970-01-01T01:00:01+01:00", 1000),
        ("1970-01-01T00:00:01.250000Z", 1250),
        ("", None),
        (None, None),
        ("yesterday", None),
        ("1970-01-01T00:00:01", None),
    ],
)
def test_a_time_is_read_however_clients_write_it(text: str | None, moment_ms: int | None) -> None:
    assert durations.moment_ms(text) == moment_ms


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
        ("0001-01-01T00:00:00+23:59", "0001-01-01T00:00:00Z"),
        ("9999-12-31T23:59:59.999999999Z", "9999-12-31T23:59:59Z"),
        ("9999-12-31T23:59:59-23:59", "9999-12-31T23:59:59Z"),
        ("2026-11-23T09:53:47.25Z", "2026-11-23T09:53:47Z"),
    ],
)
def test_any_time_that_is_read_can_be_written(text: str, shown: str) -> None:
    moment_ms = durations.moment_ms(text)
    assert moment_ms is not None
    assert timestamp(moment_ms) == shown


def test_an_unknown_time_is_said_to_be_unknown() -> None:
    assert durations.since(None, 1000) == "<unknown>"
    assert durations.between("1970-01-01T00:00:01Z", None) == ""
    assert durations.between("1970-01-01T00:00:01Z", "1970-01-01T00:00:06Z") == "5s"
