"""The one place where a test waits: for a named condition, with a deadline, never for a number of seconds."""

import threading
import time
from collections.abc import Callable
from typing import TypeVar

Answer = TypeVar("Answer")

# Short enough that nobody notices, long enough to leave the processor to what is waited for.
_POLL_S = 0.01


class NeverHappenedError(AssertionError):
    """The condition did not become true before the deadline."""


def until(condition: Callable[[], Answer | None], *, within_s: float, what: str) -> Answer:
    """Ask again until the answer is true, and return it; what was waited for is named when it never comes."""
    deadline = time.monotonic() + within_s
    pause = threading.Event()
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() >= deadline:
            raise NeverHappenedError(f"did not happen within {within_s:g} s: {what} (last answer: {answer!r})")
        pause.wait(_POLL_S)
