"""An API that really listens, in a thread of the test's own process, and what was written through it."""

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import uvloop
from sqlalchemy import func, select

from kuberklone.api import server
from kuberklone.api.server import Secure, Server
from kuberklone.settings import Settings
from kuberklone.store import schema
from kuberklone.store.database import Store
from tests.waiting import until

_START_LIMIT_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Api:
    http: httpx.Client
    store: Store
    """The same database, opened once more."""
    port: int
    tls_port: int | None
    """Of the listener with TLS, if it was asked for."""
    settings: Settings

    def get(self, path: str, **options: Any) -> Any:
        answer = self.http.get(path, **options)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path: str, body: Any, *, status: int = 201) -> Any:
        answer = self.http.post(path, json=body)
        assert answer.status_code == status, answer.text
        return answer.json()

    def written(self) -> dict[str, int]:
        """How much is in every table, and the newest revision: equal if and only if nothing was written."""
        with self.store.snapshot() as connection:
            counts = {
                table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
                for table in schema.metadata.sorted_tables
            }
            return {**counts, "revision": connection.execute(select(schema.cluster.c.revision)).scalar_one()}


@contextmanager
def running(url: str, home: Path, *, with_tls: bool = False, **settings: Any) -> Iterator[Api]:
    """An API on a database that has the program's schema; stopped in good order at the end."""
    if with_tls:
        settings = {"tls_host": "127.0.0.1", **settings}
    # Only `listen` may be asked for any free port; as a setting 0 is none.
    made = Settings(home=home, database_url=url, **{"port": 8080, **settings})
    with closing(Store(url, writer="test")) as store, closing(Store(url, writer="api")) as served:
        with server.listen("127.0.0.1", 0) as listening, _secure(made, served) as secure:
            port = listening.getsockname()[1]
            server_of_ours = Server(made, served, secure=secure)
            thread = threading.Thread(target=lambda: uvloop.run(server_of_ours.serve(sockets=[listening])))
            thread.start()
            try:
                until(lambda: server_of_ours.started, within_s=_START_LIMIT_S, what="the API listens")
                with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=30) as http:
                    tls_port = None if secure is None else secure.listening.getsockname()[1]
                    yield Api(http=http, store=store, port=port, tls_port=tls_port, settings=made)
            finally:
                server_of_ours.stop()
                thread.join()


@contextmanager
def _secure(settings: Settings, store: Store) -> Iterator[Secure | None]:
    if not settings.tls_host:
        yield None
        return
    with server.secure_listener(settings, store, port=0) as secure:
        yield secure
