"""Named places where a test may end the process as abruptly as `kill -9` would.

`KUBERKLONE_CRASH_AT=scheduler.bound` ends the process with `os._exit` when it reaches that place;
`scheduler.bound:3` at the third time. The environment is read once per process. Without it, reaching a place costs one
comparison. `tests/faults` finds all names in the code and fails when one is never hit.
"""

import os

EXIT_CODE = 86
"""Tells a crash that a test asked for from any other end of the process."""

_VARIABLE = "KUBERKLONE_CRASH_AT"


class _Plan:
    def __init__(self, wanted: str) -> None:
        name, _, count = wanted.partition(":")
        self.name = name
        self.remaining = int(count or "1")

    def reach(self, name: str) -> None:
        if name != self.name:
            return
        self.remaining -= 1
        if self.remaining <= 0:
            os._exit(EXIT_CODE)


_plan = _Plan(os.environ.get(_VARIABLE, ""))


def reach(name: str) -> None:
    """End the process here if that was asked for."""
    if _plan.name:
        _plan.reach(name)
