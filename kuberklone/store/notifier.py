"""Sends the nudge on Postgres: one NOTIFY for all commits since the last one, on a connection of its own."""

import threading
from contextlib import suppress

import psycopg

# What listeners LISTEN to.
CHANNEL = "kuberklone"
# After the connection broke: readers poll meanwhile, so there is no hurry.
RECONNECT_S = 1.0
_CONNECT_TIMEOUT_S = 5
# A NOTIFY takes a millisecond; a database that hangs must not hold up the end of a process.
_CLOSE_LIMIT_S = 2.0


class Notifier:
    """Its thread begins with the first nudge and ends with `close`."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._wanted = threading.Event()
        self._closed = threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def send(self) -> None:
        """Never blocks and never fails."""
        self._wanted.set()
        with self._lock:
            if self._thread is None and not self._closed.is_set():
                self._thread = threading.Thread(target=self._run, name="nudge-notifier", daemon=True)
                self._thread.start()

    def close(self) -> None:
        self._closed.set()
        self._wanted.set()
        with self._lock:
            thread = self._thread
        if thread is not None:
            thread.join(_CLOSE_LIMIT_S)

    def _run(self) -> None:
        while not self._closed.is_set():
            with suppress(psycopg.Error):
                self._notify()
            self._closed.wait(RECONNECT_S)

    def _notify(self) -> None:
        with psycopg.connect(self._url, autocommit=True, connect_timeout=_CONNECT_TIMEOUT_S) as connection:
            while True:
                self._wanted.wait()
                self._wanted.clear()
                # Also when closed: the last commit's nudge may be the one that somebody waits for.
                connection.execute(f"NOTIFY {CHANNEL}")
                if self._closed.is_set():
                    return
