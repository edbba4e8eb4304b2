"""Who runs `up` on this data: a file that the supervisor keeps locked, and what it wrote there.

The lock is the kernel's and goes with the process, so a kill -9 leaves no stale lock; the text in the file may be
stale and is believed only while somebody holds the lock.
"""

import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from kuberklone import clock
from kuberklone.clock import Clock

LOCK_NAME = "up.lock"
# A command that looks who runs holds the lock for microseconds; whoever holds it this long runs.
BELIEVE_AFTER_S = 0.3


class Owner(msgspec.Struct, frozen=True, kw_only=True):
    """The `up` that holds the lock."""

    pid: int
    url: str


class AlreadyRunning(Exception):
    """Somebody holds the lock; the owner is None while it has not written its name yet."""

    def __init__(self, owner: Owner | None) -> None:
        super().__init__("already running")
        self.owner = owner


class Lock:
    """Held for the whole run of `up`, or for the moment in which `reset` removes the data."""

    def __init__(self, home: Path, *, process_clock: Clock = clock.SYSTEM) -> None:
        self._home = home
        self._clock = process_clock
        self.descriptor = -1
        self.left_behind = False
        """The last holder was killed: it never emptied the file, and its children may live for another moment."""

    def __enter__(self) -> Self:
        self._home.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.descriptor = os.open(self._home / LOCK_NAME, os.O_RDWR | os.O_CREAT, 0o600)
        deadline_s = self._clock.monotonic() + BELIEVE_AFTER_S
        while not self._try():
            if self._clock.monotonic() > deadline_s:
                owner = _read(self.descriptor)
                os.close(self.descriptor)
                raise AlreadyRunning(owner)
            clock.sleep(0.02)
        self.left_behind = os.fstat(self.descriptor).st_size > 0
        return self

    def _try(self) -> bool:
        try:
            fcntl.flock(self.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def write(self, owner: Owner) -> None:
        os.ftruncate(self.descriptor, 0)
        os.pwrite(self.descriptor, msgspec.json.encode(owner), 0)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.ftruncate(self.descriptor, 0)
        os.close(self.descriptor)


def find(home: Path) -> Owner | None:
    """The `up` that runs on this data now, if there is one and it has said who it is."""
    try:
        descriptor = os.open(home / LOCK_NAME, os.O_RDONLY)
    except OSError:
        return None
    try:
        # A shared lock, so that two commands that look at the same time do not take each other for a running `up`.
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _read(descriptor)
    finally:
        os.close(descriptor)
    return None


def _read(descriptor: int) -> Owner | None:
    try:
        return msgspec.json.decode(os.pread(descriptor, 4096, 0), type=Owner)
    except msgspec.DecodeError:
        return None
