"""The hub: one reader of the change log per process, however many watch, and a bounded queue for each of them.

Everything but the database is touched on the event loop only, so there are no locks between threads. Registering waits
for a read that is under way: from then on every read is meant for the new watcher, too, and what came before it takes
from the log by itself. Nobody waits for a watcher: one that does not take what it asked for is cut off, and asks again
from where it was.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeVar

from kuberklone import logs
from kuberklone.api.kubernetes.shared_change import Form, SharedChange, event_type
from kuberklone.api.kubernetes.watcher import Cut, Watcher
from kuberklone.apimachinery.selectors import EVERY_FIELD, EVERYTHING, FieldSelector, LabelSelector
from kuberklone.errors import CursorExpired, StoreError
from kuberklone.kinds import event as event_kind
from kuberklone.kinds.catalogue import Served
from kuberklone.store import feed, moment, watch_feed
from kuberklone.store.database import Store
from kuberklone.store.nudge import Listener
from kuberklone.store.watch_feed import Batch

# A lost nudge costs a watcher so much. Reading the head of the log takes a tenth of a millisecond.
POLL_S = 0.1
# So many changes are handed out without a pause in which others get their turn on the loop: about 5 ms.
BATCH_MAX = 200
# A database that is away is asked again about as often as people look.
RETRY_S = 1.0
# What all queues together may hold. Bytes that several wait for count for each of them, so it is less in truth.
QUEUED_BYTES_MAX = 256 * 2**20
_EVENTS = ("", event_kind.RESOURCE)
_NAMESPACE, _NAME = "metadata.namespace", "metadata.name"

_Answer = TypeVar("_Answer")

_log = logs.get()


@dataclass(frozen=True, slots=True, kw_only=True)
class Interest:
    """What a watcher wants to see, and how. Equal interests are looked at once."""

    served: Served = field(compare=False)
    form: Form
    """Tells the version as well: interests of equal forms have the same kind in the same version."""
    namespace: str = ""
    """Empty: all of them."""
    labels: LabelSelector = EVERYTHING
    fields: FieldSelector = EVERY_FIELD

    @property
    def key(self) -> tuple[str, str]:
        """Group and resource as they stand in the change log."""
        return self.served.kind.group, self.served.kind.resource

    @property
    def is_of_events(self) -> bool:
        """Whether the scheduler's decisions belong to it."""
        return self.key == _EVENTS

    @property
    def handle(self) -> tuple[str, str]:
        """A field and the value without which nothing of this interest is touched; both empty when there is none.

        Names before anything else: a thousand watches of one object each must not cost a thousand looks at each change.
        """
        wanted = {each.path: each.value for each in self.fields.requirements if each.operator == "="}
        if _NAME in wanted:
            return _NAME, wanted[_NAME]
        for path, value in wanted.items():
            return path, value
        return (_NAMESPACE, self.namespace) if self.namespace else ("", "")


@dataclass(slots=True)
class _Channel:
    """The watchers of one resource, by the value that a change must have for them."""

    by_value: dict[str, dict[str, dict[Interest, dict[Watcher, None]]]] = field(default_factory=dict)

    def add(self, interest: Interest, watcher: Watcher) -> None:
        path, value = interest.handle
        self.by_value.setdefault(path, {}).setdefault(value, {}).setdefault(interest, {})[watcher] = None

    def remove(self, interest: Interest, watcher: Watcher) -> None:
        path, value = interest.handle
        watchers = self.by_value[path][value][interest]
        watchers.pop(watcher, None)
        if not watchers:
            del self.by_value[path][value][interest]
        if not self.by_value[path][value]:
            del self.by_value[path][value]
        if not self.by_value[path]:
            del self.by_value[path]

    def touched(self, change: SharedChange) -> Iterator[tuple[Interest, Mapping[Watcher, None]]]:
        """Interests that the change may concern."""
        for path, by_value in self.by_value.items():
            if not path:
                yield from by_value[""].items()
            elif path == _NAMESPACE:
                yield from by_value.get(change.row.namespace, {}).items()
            elif path == _NAME:
                yield from by_value.get(change.row.name, {}).items()
            else:
                yield from self._by_field(path, by_value, change)

    def _by_field(
        self, path: str, by_value: Mapping[str, dict[Interest, dict[Watcher, None]]], change: SharedChange
    ) -> Iterator[tuple[Interest, Mapping[Watcher, None]]]:
        # Where several versions of a kind have a field of this path, they have the same there.
        served = next(interest.served for interests in by_value.values() for interest in interests)
        for value in {change.field(path, served), change.field_before(path, served)}:
            yield from by_value.get(value, {}).items()


class Hub:
    def __init__(self, store: Store) -> None:
        self._store = store
        self._channels: dict[tuple[str, str], _Channel] = {}
        self._watchers: dict[Watcher, Interest] = {}
        self._cursor: int | None = None
        """Up to where everything was handed out; None while nobody watches."""
        self._reading = asyncio.Lock()
        # One thread waits for nudges, the other reads; the handlers' threads may all be busy with lists.
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="watch-hub")
        self._task: asyncio.Task[None] | None = None
        self._closed = False

    # ------------------------------------------------------------------------------------------------ for who watches

    def start(self) -> None:
        """Called on the loop that the requests run on."""
        self._task = asyncio.create_task(self._run(), name="watch-hub")

    def close(self) -> None:
        """End all watches in good order, so that their requests end; those who come later end at once."""
        self._closed = True
        self._cut_all(Cut.CLOSING)

    async def stop(self) -> None:
        self.close()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await asyncio.to_thread(self._threads.shutdown)

    def watching(self) -> int:
        """How many watches are open."""
        return len(self._watchers)

    async def head(self) -> int:
        """The newest revision that there is now. Raises StoreUnavailable."""
        return await self._in_thread(_head, self._store)

    async def register(self, interest: Interest) -> tuple[Watcher, int]:
        """A watcher that gets all changes after the revision that is returned with it. `release` it at the end.

        Raises StoreUnavailable.
        """
        async with self._reading:
            if self._cursor is None:
                self._cursor = await self.head()
            watcher = Watcher(self._cursor)
            self._watchers[watcher] = interest
            self._channels.setdefault(interest.key, _Channel()).add(interest, watcher)
            if self._closed:
                watcher.cut(Cut.CLOSING)
            return watcher, self._cursor

    def release(self, watcher: Watcher) -> None:
        interest = self._watchers.pop(watcher, None)
        if interest is not None:
            self._channels[interest.key].remove(interest, watcher)

    # ----------------------------------------------------------------------------------------------------- the reader

    async def _run(self) -> None:
        listener = Listener(self._store)
        try:
            while True:
                await self._in_thread(listener.wait, POLL_S)
                try:
                    while await self._read_once():
                        pass
                except StoreError as error:
                    _log.warning("watches wait for the database", error=str(error))
                    await asyncio.sleep(RETRY_S)
                except Exception as error:  # noqa: BLE001 - the loop's outermost boundary: nobody may watch in vain
                    _log.error("watches failed", exc_info=error)
                    self._cut_all(Cut.FAILED)
                    await asyncio.sleep(RETRY_S)
        finally:
            listener.close()

    async def _read_once(self) -> bool:
        """Hand out the next batch; says whether there may be more."""
        async with self._reading:
            if not self._watchers:
                self._cursor = None
            if self._cursor is None:
                return False
            try:
                batch, now_ms = await self._in_thread(self._batch, self._cursor, _EVENTS in self._channels)
            except CursorExpired:
                # Compacted away before we came to it, or another database was put in its place.
                self._cut_all(Cut.EXPIRED)
                return False
            self._hand_out(batch, now_ms)
            self._cursor = batch.upto
            return len(batch.changes) >= BATCH_MAX

    def _hand_out(self, batch: Batch, now_ms: int) -> None:
        for row in batch.changes:
            channel = self._channels.get((row.group, row.resource))
            if channel is None or not channel.by_value:
                continue
            change = SharedChange(row, now_ms)
            for interest, watchers in channel.touched(change):
                if interest.namespace and interest.namespace != row.namespace:
                    continue
                type = event_type(change, interest.served, interest.labels, interest.fields)
                if type is None:
                    continue
                for watcher in watchers:
                    watcher.put(row.revision, change.encoded(interest.form, type, first=watcher.is_first))
        for watcher in self._watchers:
            watcher.upto = batch.upto
        self._keep_within_bounds()

    def _cut_all(self, cause: Cut) -> None:
        self._cursor = None
        for watcher in self._watchers:
            watcher.cut(cause)

    def _keep_within_bounds(self) -> None:
        queued = sum(watcher.queued_bytes for watcher in self._watchers)
        while queued > QUEUED_BYTES_MAX:
            slowest = max(self._watchers, key=lambda watcher: watcher.queued_bytes)
            queued -= slowest.queued_bytes
            slowest.cut(Cut.SLOW)

    def _batch(self, cursor: int, decisions: bool) -> tuple[Batch, int]:
        with moment.now(self._store) as at:
            return watch_feed.read(at.connection, cursor, limit=BATCH_MAX, decisions=decisions), at.now_ms

    async def _in_thread(self, call: Callable[..., _Answer], *arguments: object) -> _Answer:
        return await asyncio.get_running_loop().run_in_executor(self._threads, call, *arguments)


def _head(store: Store) -> int:
    with store.snapshot() as connection:
        return feed.head(connection)
