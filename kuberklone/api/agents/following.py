"""Tells waiting agents that something of their node changed: one thread follows the feed for all of them.

An agent waits in a request of its own, so hundreds of them wait at once. None asks the database while it waits: the
thread reads the changes of pods, finds out whose they are, and wakes those.
"""

import asyncio
import threading
from collections import defaultdict
from collections.abc import Iterable
from contextlib import closing, suppress

from kuberklone import logs
from kuberklone.errors import StoreError
from kuberklone.kinds import pod
from kuberklone.store import agents, feed, nudge
from kuberklone.store.database import Snapshot, Store
from kuberklone.store.feed import Change, Reader

# What a lost nudge costs. Longer than a controller's: that is for one that never gets a nudge.
_POLL_S = 0.25
# While the database is away.
_RETRY_S = 1.0

_log = logs.get()


class Follower:
    def __init__(self, store: Store) -> None:
        self._store = store
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._wanted = threading.Event()
        self._stopped = threading.Event()
        # All below belongs to the loop's thread.
        self._waiters: dict[str, set[asyncio.Future[None]]] = defaultdict(set)
        self._changed: dict[str, int] = {}
        self._since: int | None = None

    def start(self) -> None:
        """Called on the loop that the requests run on; the thread begins with the first agent that waits."""
        self._loop = asyncio.get_running_loop()

    async def stop(self) -> None:
        """Answer all that wait, and end."""
        self._stopped.set()
        self._wanted.set()
        self.wake(list(self._waiters))
        if self._thread is not None:
            await asyncio.to_thread(self._thread.join)

    def is_stopping(self) -> bool:
        return self._stopped.is_set()

    async def changed(self, node_name: str, after: int, *, wait_s: float) -> None:
        """Returns when something of the node changed after the revision, may have, or when the wait is over."""
        self._begin()
        since = self._since
        # Changes before `since` were not followed, so whoever comes from there cannot be told that there were none.
        if after < (since if since is not None else after) or self._changed.get(node_name, 0) > after:
            return
        assert self._loop is not None, "start() comes first"
        waiter: asyncio.Future[None] = self._loop.create_future()
        self._waiters[node_name].add(waiter)
        self._wanted.set()
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(0 if self.is_stopping() else wait_s):
                    await waiter
        finally:
            waiting = self._waiters[node_name]
            waiting.discard(waiter)
            if not waiting:
                del self._waiters[node_name]
            if not self._waiters and not self.is_stopping():
                self._wanted.clear()

    def wake(self, node_names: Iterable[str]) -> None:
        """Let the agents of these nodes look; called on the loop's thread."""
        for name in node_names:
            for waiter in self._waiters.get(name, ()):
                if not waiter.done():
                    waiter.set_result(None)

    def _begin(self) -> None:
        if self._thread is None and not self.is_stopping():
            self._thread = threading.Thread(target=self._run, name="agents-follower", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        reader = Reader((pod.RESOURCE,))
        with closing(nudge.Listener(self._store)) as listener:
            while not self._stopped.is_set():
                self._wanted.wait()
                try:
                    self._look(reader)
                except StoreError as error:
                    _log.warning("agents are not woken while the store is away", error=str(error))
                    self._stopped.wait(_RETRY_S)
                    continue
                listener.wait(_POLL_S)

    def _look(self, reader: Reader) -> None:
        with self._store.snapshot() as connection:
            if reader.cursor == feed.head(connection):
                return
            changes = reader.read(connection)
            touched = None if changes is None else _touched(connection, changes)
        assert reader.cursor is not None, "it has just read"
        if touched is None or touched:
            assert self._loop is not None, "start() comes first"
            with suppress(RuntimeError):  # the loop was closed by an abrupt end: nobody waits any more
                self._loop.call_soon_threadsafe(self._note, touched, reader.cursor)

    def _note(self, touched: dict[str, int] | None, upto: int) -> None:
        if touched is None:
            # Nobody knows what changed: everybody looks, and from here on all is known.
            self._since = upto
            self._changed.clear()
            self.wake(list(self._waiters))
            return
        self._changed.update(touched)
        self.wake(touched)


def _touched(connection: Snapshot, changes: list[Change]) -> dict[str, int]:
    """The newest revision of a change of a pod of each node that has an agent of ours."""
    revisions = {change.uid: change.revision for change in changes}
    touched: dict[str, int] = {}
    for uid, node_name in agents.nodes_of_pods(connection, revisions):
        touched[node_name] = max(touched.get(node_name, 0), revisions[uid])
    return touched
