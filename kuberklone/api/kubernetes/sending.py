"""Sending to a client that may not take it: for so long and no longer, or until somebody gives it up."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

# A client that takes nothing for so long is not going to; it holds a connection and what waits for it.
STALLED_S = 30.0


class Patience:
    """How long one client is waited for while something is sent to it."""

    def __init__(self) -> None:
        self._sending: asyncio.Timeout | None = None
        self._has_ended = False

    def end(self) -> None:
        """Give up what is being sent now, and whatever would be sent later. Called on the loop."""
        self._has_ended = True
        if self._sending is not None and not self._sending.expired():
            self._sending.reschedule(asyncio.get_running_loop().time())

    @asynccontextmanager
    async def while_sending(self) -> AsyncIterator[None]:
        """Raises TimeoutError when the client does not take what is sent in this block."""
        try:
            async with asyncio.timeout(0 if self._has_ended else STALLED_S) as self._sending:
                yield
        finally:
            self._sending = None
