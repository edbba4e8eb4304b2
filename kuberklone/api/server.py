"""The API's process: a socket, an event loop, and an orderly end."""

import asyncio
import gc
import logging
import signal
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import uvicorn
import uvloop
from litestar.types import ASGIApp

from kuberklone import logs
from kuberklone.api import administrator, app, tls
from kuberklone.api.agents import sockets
from kuberklone.api.tls import Certificates
from kuberklone.clock import SYSTEM
from kuberklone.errors import SettingsError
from kuberklone.settings import Settings, check_bind
from kuberklone.store import migrate
from kuberklone.store.database import Store

# Connections that wait to be accepted: a burst of clients must not see refusals.
BACKLOG = 4_096
# What running requests get after SIGTERM. A write takes milliseconds; only a hung client takes longer.
GRACE_S = 3
# How often it is looked whether the certificate still has all addresses of the machine: a network of containers that
# was just made adds one, and its agents try again until they are believed.
_RENEWAL_S = 5.0

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
        with ExitStack() as stack:
            listening = stack.enter_context(listen(settings.host, settings.port))
            secure = stack.enter_context(secure_listener(settings, store)) if settings.tls_host else None
            server = Server(settings, store, secure=secure)
            # What is loaded now stays for ever. Looking through all of it again and again for garbage would stop
            # every request for tens of milliseconds: p99 of POST /add_pod was 92 to 142 ms, and is 32 to 49 ms.
            gc.collect()
            gc.freeze()
            uvloop.run(server.serve_with_signals(listening))
    finally:
        store.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Secure:
    """A socket for connections with TLS, and what is needed to accept them."""

    listening: socket.socket
    certificates: Certificates


@contextmanager
def secure_listener(settings: Settings, store: Store, *, port: int | None = None) -> Iterator[Secure]:
    """The socket of `tls_host` and `tls_port`; makes the CA, the certificate and the administrator's token."""
    with listen(settings.tls_host, settings.tls_port if port is None else port, flag="--set tls_port=") as listening:
        administrator.ensure(store, settings.home)
        yield Secure(listening=listening, certificates=certificates_for(settings))


def certificates_for(settings: Settings) -> Certificates:
    names = tls.names_of_this_machine(settings.tls_host)
    return tls.ensure(settings.home, names=names, wall_ms=SYSTEM.wall_ms())


@contextmanager
def listen(host: str, port: int, *, flag: str = "--port ") -> Iterator[socket.socket]:
    """The socket of an address and a port; port 0 is any free one."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        # A port whose last connections are still closing is free; only one that is listened on is taken.
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
    except OSError as error:
        listening.close()
        raise SettingsError(
            f"cannot listen on {host} port {port}: {error.strerror or error}; choose another with {flag}{port + 1}"
        ) from error
    try:
        yield listening
    finally:
        listening.close()


class Server(uvicorn.Server):
    """Uvicorn's server with our way of stopping: whoever runs it decides which signals mean that.

    With `secure` a second one serves the same application on the same loop. It begins after this one, whose start
    prepares the application, and ends before it.
    """

    def __init__(self, settings: Settings, store: Store, *, secure: Secure | None = None) -> None:
        self._context = app.context_of(settings, store, None if secure is None else secure.certificates)
        self._door = app.build(self._context)
        super().__init__(_config(self._door, lifespan="on"))
        self._settings = settings
        self._secure = secure
        self._beside = None if secure is None else _Beside(self._door, secure.certificates)
        self._tasks: list[asyncio.Task[None]] = []

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

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        if self._beside is not None and self._secure is not None:
            serving = self._beside.serve(sockets=[self._secure.listening])
            self._tasks = [asyncio.create_task(serving), asyncio.create_task(self._renew(self._beside))]

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # Uvicorn waits for answers that run; a watch ends when it is told to.
        self._door.close()
        await self._context.let_go()
        if self._beside is not None:
            self._beside.should_exit = True
            serving, renewing = self._tasks
            renewing.cancel()
            await asyncio.gather(serving, renewing, return_exceptions=True)
        await super().shutdown(sockets=sockets)

    async def _renew(self, beside: "_Beside") -> None:
        """Now and then, make the certificate anew if it is about to expire or the machine got another address."""
        while True:
            await asyncio.sleep(_RENEWAL_S)
            try:
                certificates = await asyncio.to_thread(certificates_for, self._settings)
                if certificates.renewed:
                    beside.use(certificates)
            except (OSError, ValueError) as error:
                # ValueError: files in there that are no certificates and no keys.
                _log.error("the certificate cannot be renewed", error=str(error))

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Uvicorn would raise the signal again after stopping, so that an orderly end looked like a killed process."""
        yield


class _Foreseen(logging.Filter):
    """Uvicorn complains of what we answer ourselves: refused WebSockets, other upgrades, clients that were cut off."""

    def filter(self, record: logging.LogRecord) -> bool:
        said = record.getMessage()
        return not said.startswith(("ASGI callable returned without completing", "Unsupported upgrade request"))


logging.getLogger("uvicorn.error").addFilter(_Foreseen())


class _Beside(uvicorn.Server):
    """The TLS listener."""

    def __init__(self, application: ASGIApp, certificates: Certificates) -> None:
        files = {"ssl_certfile": str(certificates.certificate), "ssl_keyfile": str(certificates.key)}
        super().__init__(_config(application, lifespan="off", **files))

    def use(self, certificates: Certificates) -> None:
        """For connections from now on."""
        assert self.config.ssl is not None, "it was configured with a certificate"
        self.config.ssl.load_cert_chain(certificates.certificate, certificates.key)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _config(application: ASGIApp, **more: Any) -> uvicorn.Config:
    return uvicorn.Config(
        application,
        loop="none",
        http="httptools",
        # Streams of agents and to containers, and watches of browsers. Pings keep routers in between from forgetting
        # the connection; how long a silent end is waited for is left to TCP, because a slow reader stops us from
        # reading answers as well.
        ws="websockets-sansio",
        ws_max_size=sockets.MESSAGE_BYTES_MAX,
        ws_ping_timeout=None,
        ws_per_message_deflate=False,
        log_config=None,
        access_log=False,
        server_header=False,
        # Nobody stands before us whose word about a client's address would count.
        proxy_headers=False,
        backlog=BACKLOG,
        timeout_graceful_shutdown=GRACE_S,
        **more,
    )
