"""A log line is one constant message and its keys."""

import io

import msgspec
import pytest
import structlog

from kuberklone import logs
from kuberklone.settings import LogLevel, Settings


@pytest.fixture(autouse=True)
def _defaults_afterwards() -> object:
    yield
    structlog.reset_defaults()


def written(settings: Settings) -> io.StringIO:
    stream = io.StringIO()
    logs.configure(settings, process="scheduler", stream=stream)
    return stream


def test_json_is_one_object_per_line() -> None:
    stream = written(Settings(log_format="json"))
    logs.get().warning("pass failed", took_ms=3, name="node-1")
    line = msgspec.json.decode(stream.getvalue())
    timestamp = line.pop("timestamp")
    assert line == {
        "event": "pass failed",
        "level": "warning",
        "name": "node-1",
        "process": "scheduler",
        "took_ms": 3,
    }
    assert timestamp.endswith("Z")


@pytest.mark.parametrize(("level", "lines"), [("error", 0), ("warning", 1), ("info", 2)])
def test_only_what_is_severe_enough_is_written(level: LogLevel, lines: int) -> None:
    stream = written(Settings(log_level=level))
    logs.get().info("pass done")
    logs.get().warning("pass failed")
    assert len(stream.getvalue().splitlines()) == lines


def test_an_exception_is_its_cause_in_one_line_for_people() -> None:
    stream = written(Settings())
    try:
        raise ValueError("no room")
    except ValueError:
        logs.get().exception("pass failed")
    assert "ValueError: no room" in stream.getvalue()
    assert "Traceback" not in stream.getvalue()


def test_an_exception_is_whole_for_programs_that_collect_logs() -> None:
    stream = written(Settings(log_format="json"))
    try:
        raise ValueError("no room")
    except ValueError:
        logs.get().exception("pass failed")
    assert "Traceback" in msgspec.json.decode(stream.getvalue())["exception"]


def test_a_logger_made_before_the_configuration_follows_it() -> None:
    early = logs.get()
    stream = written(Settings())
    early.warning("pass failed")
    assert "pass failed" in stream.getvalue()
