"""One look at the database for all controllers of a process: whether anything has happened at all.

A controller without work asks twenty times a second, and reading the answer is nearly all that it costs. Five in one
process have the same question, so one asks and the others take its answer. Whatever may call for a pass is looked at by
the controller itself; this only says when there is nothing to look at.
"""

import threading
from typing import NamedTuple

from kuberklone.store import cluster_time, feed
from kuberklone.store.database import Store


class Seen(NamedTuple):
    now_ms: int
    """Cluster time when it was read."""
    head: int
    """The newest revision then."""
    at_s: float
    """Process time just before it was read."""


class Glance:
    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._seen: Seen | None = None

    def look(self, *, since_s: float) -> Seen:
        """What was read at `since_s` of process time or later, by whichever thread."""
        with self._lock:
            if self._seen is None or self._seen.at_s < since_s:
                at_s = self._store.clock.monotonic()
                with self._store.snapshot() as connection:
                    now_ms = cluster_time.now_ms(connection, wall_ms=self._store.clock.wall_ms())
                    self._seen = Seen(now_ms, feed.head(connection), at_s)
            return self._seen

    def close(self) -> None:
        self._store.close()
