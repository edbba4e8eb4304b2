"""Reading single records: all that is asked for while a thread reads goes into the next snapshot together.

A snapshot and a change of threads cost ten times what one row costs; sharing them among the requests that wait anyway
is what makes thousands of reads per second possible, as the group commit does for writes.
"""

import asyncio
from collections import defaultdict
from typing import Any

from kuberklone.kinds.header import Header
from kuberklone.kinds.kind import Kind
from kuberklone.store import node_leases, scheduler_events
from kuberklone.store.database import Store
from kuberklone.store.records import table_of

# Two at a time: while one waits for the database, the other one is made ready.
_READERS = 2

_Key = tuple[str, str]
# Some of them are decisions of the scheduler, which are rows elsewhere.
_EVENTS: _Key = ("", "events")
_Asked = tuple[Kind[Any], _Key, "asyncio.Future[Header | None]"]


class Reads:
    def __init__(self, store: Store) -> None:
        self._store = store
        self._asked: list[_Asked] = []
        self._readers = 0
        self._tasks: set[asyncio.Task[None]] = set()

    async def record(self, kind: Kind[Any], namespace: str, name: str) -> Any:
        """The record of a key, None if there is none, read after this was called; raises StoreUnavailable."""
        future: asyncio.Future[Header | None] = asyncio.get_running_loop().create_future()
        self._asked.append((kind, (namespace, name), future))
        if self._readers < _READERS:
            self._readers += 1
            task = asyncio.create_task(self._answer())
            # The loop itself keeps no task alive.
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return await future

    async def _answer(self) -> None:
        while self._asked:
            asked, self._asked = self._asked, []
            try:
                found = await asyncio.to_thread(self._read, asked)
            except Exception as error:  # noqa: BLE001 - told to each who asked
                for _, _, future in asked:
                    if not future.done():
                        future.set_exception(error)
                continue
            for (_, _, future), record in zip(asked, found, strict=True):
                if not future.done():  # whoever asked may have hung up
                    future.set_result(record)
        # In the same step as the last look, so that nobody asks in between and is not heard.
        self._readers -= 1

    def _read(self, asked: list[_Asked]) -> list[Header | None]:
        keys: dict[tuple[str, str], set[_Key]] = defaultdict(set)
        kinds: dict[tuple[str, str], Kind[Any]] = {}
        for kind, key, _ in asked:
            kinds[kind.group, kind.resource] = kind
            keys[kind.group, kind.resource].add(key)
        with self._store.snapshot() as connection:
            found: dict[_Key, dict[_Key, Any]] = {
                place: table_of(kind).named(connection, keys[place]) for place, kind in kinds.items()
            }
            for namespace, name in keys.get(_EVENTS, set()) - found.get(_EVENTS, {}).keys():
                found[_EVENTS][namespace, name] = scheduler_events.named(connection, namespace, name)
            leases = keys.get(node_leases.KEY, set()) - found.get(node_leases.KEY, {}).keys()
            names = {name for namespace, name in leases if namespace == node_leases.NAMESPACE}
            for each in node_leases.every(connection, names=names) if names else ():
                found[node_leases.KEY][each.namespace, each.name] = each
        return [found[kind.group, kind.resource].get(key) for kind, key, _ in asked]
