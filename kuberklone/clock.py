"""The only module that reads a clock or sleeps; everything else is handed the time.

Two kinds of time exist and are never mixed. *Process time* is monotonic seconds of this process: leadership,
time-outs, polls. *Wall time* is the machine's clock in milliseconds since 1970: it is only ever used to advance
*cluster time* (see `kuberklone.store.cluster_time`), on which every deadline kept in a row is counted.
"""

import time
from datetime import UTC, datetime
from functools import lru_cache
from typing import Protocol


class Clock(Protocol):
    def monotonic(self) -> float:
        """Seconds of process time."""
        ...

    def wall_ms(self) -> int:
        """Milliseconds since 1970 by the machine's clock."""
        ...


class SystemClock:
    """The machine's own clocks."""

    def monotonic(self) -> float:
        return time.monotonic()

    def wall_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def steady_ms(self) -> int:
        """Milliseconds that neither jump nor stop while the machine sleeps: what a promise to others is counted by."""
        return time.clock_gettime_ns(_STEADY) // 1_000_000


# Linux alone stops its monotonic clock in sleep, and has another one.
_STEADY = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
SYSTEM = SystemClock()


def sleep(seconds: float) -> None:
    """Block this thread; for back-off and pacing where nothing can be waited for."""
    time.sleep(seconds)


def timestamp(moment_ms: int) -> str:
    """RFC 3339 with seconds, as Kubernetes writes times: `2026-11-23T09:53:47Z`."""
    return _second(moment_ms // 1000)


# Records written together carry the same few seconds; writing it is the dearest part of putting a document together.
@lru_cache(maxsize=4096)
def _second(moment_s: int) -> str:
    # Not strftime, whose years before 1000 have too few digits: Go's zero time is in the year 0001.
    return datetime.fromtimestamp(moment_s, UTC).replace(tzinfo=None).isoformat() + "Z"


def file_stamp(moment_ms: int) -> str:
    """A moment as part of a file's name: `20261123-095347`."""
    return datetime.fromtimestamp(moment_ms // 1000, UTC).strftime("%Y%m%d-%H%M%S")
