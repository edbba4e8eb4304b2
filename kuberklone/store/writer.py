"""Group commit: one thread writes what all requests of the API ask for, many of them in one transaction.

A commit costs a sync of the disk and the `cluster` row's lock; sharing it among the requests that are waiting anyway
is what makes thousands of acknowledged writes per second possible. The queue is bounded: when the disk cannot keep up,
requests are refused at once instead of piling up.
"""

import queue
import threading
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from sqlalchemy.exc import DBAPIError

from kuberklone import logs
from kuberklone.errors import KuberkloneError, Overloaded, StoreError, StoreUnavailable
from kuberklone.store import crashpoints, operations
from kuberklone.store.database import Store
from kuberklone.store.operations import Applier, Operation, Outcome
from kuberklone.store.transaction import ROWS_MAX, write

Ticket = TypeVar("Ticket")
# About a second's worth of writes: whoever would wait longer is better told to come back.
QUEUE_MAX = 4_096

_log = logs.get()


class GroupWriter(Generic[Ticket]):
    """Takes operations from any thread and delivers their outcomes in batches.

    `deliver` is called on the writer's thread with `(ticket, outcome)` pairs, after the commit that made them durable.
    """

    def __init__(self, store: Store, deliver: Callable[[Sequence[tuple[Ticket, Outcome]]], None]) -> None:
        self._store = store
        self._deliver = deliver
        self._queue: queue.Queue[tuple[Ticket, Operation] | None] = queue.Queue(maxsize=QUEUE_MAX)
        self._applier = Applier()
        self._thread = threading.Thread(target=self._run, name="group-writer", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Write what is queued, then end."""
        self._queue.put(None)
        self._thread.join()

    def submit(self, ticket: Ticket, operation: Operation) -> None:
        """Queue an operation; raises Overloaded when the queue is full."""
        try:
            self._queue.put_nowait((ticket, operation))
        except queue.Full:
            raise Overloaded from None

    def is_alive(self) -> bool:
        """Whether the writer's thread runs."""
        return self._thread.is_alive()

    def waiting(self) -> int:
        """How many operations are queued."""
        return self._queue.qsize()

    def _run(self) -> None:
        while (first := self._queue.get()) is not None:
            batch = [first]
            rows = operations.weight(first[1])
            ending = False
            while rows < ROWS_MAX:
                try:
                    following = self._queue.get_nowait()
                except queue.Empty:
                    break
                if following is None:
                    ending = True
                    break
                batch.append(following)
                rows += operations.weight(following[1])
            self._write(batch)
            if ending:
                return

    def _write(self, batch: Sequence[tuple[Ticket, Operation]]) -> None:
        try:
            outcomes = self._commit([operation for _, operation in batch])
        except StoreError as error:
            # The database is away or full: the same for each, and trying them singly would only take longer.
            self._deliver([(ticket, error) for ticket, _ in batch])
        except Exception as error:  # noqa: BLE001 - the thread's outermost boundary: nobody may wait for ever
            # One of them did something unforeseen. Savepoints around each would find it at half the speed, always;
            # writing them singly finds it now.
            if len(batch) > 1:
                for entry in batch:
                    self._write([entry])
            else:
                self._deliver([(batch[0][0], _unforeseen(error))])
        else:
            crashpoints.reach("api.committed")
            self._deliver([(ticket, outcome) for (ticket, _), outcome in zip(batch, outcomes, strict=True)])
            crashpoints.reach("api.delivered")

    def _commit(self, batch: Sequence[Operation]) -> list[Outcome]:
        crashpoints.reach("api.queued")
        with write(self._store, reserve=sum(map(operations.revisions, batch))) as transaction:
            return self._applier.apply(transaction, batch)


def _unforeseen(error: Exception) -> KuberkloneError:
    if isinstance(error, KuberkloneError):
        return error
    _log.error("write failed in a way nobody foresaw", exc_info=error)
    failure = StoreUnavailable("the database refused the write") if isinstance(error, DBAPIError) else KuberkloneError()
    failure.__cause__ = error
    return failure
