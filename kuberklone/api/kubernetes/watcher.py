"""One open watch's queue: what was handed out and not yet sent, within bounds."""

import asyncio
from collections import deque
from enum import Enum

from kuberklone.api.kubernetes.sending import Patience

# What may wait for one client: two bursts of some thousand pods. A client that reads at all takes that in a second.
QUEUED_BYTES_MAX = 16 * 2**20


class Cut(Enum):
    """Why a watch ends from our side."""

    SLOW = "it did not take what it was sent"
    EXPIRED = "the change log no longer reaches back to where it was"
    FAILED = "the server failed; its log says how"
    CLOSING = "the server stops"


class Watcher:
    """The queue of one watch. Everything here happens on the event loop."""

    __slots__ = ("_begun", "_queue", "_waker", "after", "cut_by", "is_first", "patience", "queued_bytes", "upto")

    def __init__(self, upto: int) -> None:
        self.after = 0
        """Changes up to here are passed over."""
        self.upto = upto
        """Up to where the queue is complete."""
        self.cut_by: Cut | None = None
        self.is_first = True
        """Whether the next event is the first that the client gets."""
        self.queued_bytes = 0
        self.patience = Patience()
        self._begun = False
        self._queue: deque[tuple[int, bytes]] = deque()
        self._waker: asyncio.Future[None] | None = None

    def put(self, revision: int, event: bytes) -> None:
        """Called by the hub; cuts the watch off when its queue is full."""
        if self.cut_by is not None or revision <= self.after:
            return
        # What is queued before `begin` may be passed over yet, and the next would then be the first.
        self.is_first = self.is_first and not self._begun
        self._queue.append((revision, event))
        self.queued_bytes += len(event)
        if self.queued_bytes > QUEUED_BYTES_MAX:
            self.cut(Cut.SLOW)
        else:
            self._wake()

    def cut(self, cause: Cut) -> None:
        """End the watch; what is queued is dropped, since whoever takes it up again says from where."""
        if self.cut_by is None:
            self.cut_by = cause
            self._queue.clear()
            self.queued_bytes = 0
            if cause is Cut.SLOW:
                # It is most likely waited for right now.
                self.patience.end()
            self._wake()

    def begin(self, revision: int) -> None:
        """What happened up to this revision was told in another way: drop it, now and later."""
        self.after, self._begun = revision, True
        while self._queue and self._queue[0][0] <= revision:
            self.queued_bytes -= len(self._queue.popleft()[1])

    async def wait(self, seconds: float) -> None:
        """Until there is something, the watch is cut, or for so long."""
        if self._queue or self.cut_by is not None or seconds <= 0:
            return
        loop = asyncio.get_running_loop()
        self._waker = loop.create_future()
        timer = loop.call_later(seconds, self._wake)
        try:
            await self._waker
        finally:
            timer.cancel()
            self._waker = None

    def take(self, *, most_bytes: int) -> list[bytes]:
        """The oldest events: at least one if there is any, then as many as fit."""
        taken: list[bytes] = []
        size = 0
        while self._queue and (not taken or size + len(self._queue[0][1]) <= most_bytes):
            event = self._queue.popleft()[1]
            size += len(event)
            taken.append(event)
        self.queued_bytes -= size
        return taken

    def is_idle(self) -> bool:
        return not self._queue

    def _wake(self) -> None:
        if self._waker is not None and not self._waker.done():
            self._waker.set_result(None)
