"""One database: how it is opened, how a snapshot is read and how a write transaction begins on SQLite and Postgres."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DatabaseError, DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import ConnectionPoolEntry, QueuePool

from kuberklone import clock
from kuberklone.clock import Clock
from kuberklone.errors import StoreUnavailable
from kuberklone.store.notifier import Notifier
from kuberklone.store.turnstile import Turnstile

# The write-ahead log is cut back to this after a checkpoint; it may be larger while a long reader holds it.
WAL_LIMIT_BYTES = 64 * 2**20
# The turnstile queues our own writers, so SQLite's lock is only met by a stranger (the sqlite3 shell, a backup).
_BUSY_TIMEOUT_MS = 10_000
# A record with its document takes about 2 kB; pages of 8 kB hold four of them and halve the write calls of a commit.
_PAGE_BYTES = 8_192
# 64 MiB: checkpoints are the garbage controller's work, in the background; at SQLite's own 4 MiB every second batch of
# placements paid for one, with its two syncs. This bound is for a cluster that runs without that controller.
_WAL_CHECKPOINT_PAGES = 8_192
# Postgres: a process that stops between two statements of a transaction holds the one row all writers need. The
# server ends it after this time.
_IDLE_IN_TRANSACTION_MS = 2_000
# No statement of ours takes long; one that does waits for a lock of somebody who is about to be ended.
_STATEMENT_TIMEOUT_MS = 30_000
_CONNECT_TIMEOUT_S = 5
# Unacknowledged data on a dead network is given up after this; without it a cut cable blocks a loop for minutes.
_TCP_TIMEOUT_MS = 5_000
# Readers of one process: request threads of the API; the writer has a connection of its own.
_POOL_SIZE = 8


# What controllers pass back to the store's reading functions; only the store knows what can be done with it.
Snapshot = Connection


class Store:
    """A database and the clock it is used with. Cheap to make; safe to use from several threads, not across a fork."""

    def __init__(self, url: str, *, clock: Clock = clock.SYSTEM, writer: str = "kuberklone") -> None:
        self.url = make_url(url)
        self.clock = clock
        self.writer = writer
        """Who writes, as it stands in `changes.writer`."""
        self.dialect = self.url.get_backend_name()
        if self.dialect == "sqlite":
            self._reader = _sqlite_engine(self.url, "BEGIN")
            self.engine = _sqlite_engine(self.url, "BEGIN IMMEDIATE")
            self.turnstile: Turnstile | None = Turnstile(turnstile_path(self.url))
            self.notifier: Notifier | None = None
        else:
            self._reader = self.engine = _postgres_engine(self.url)
            self.turnstile = None
            plain = self.url.set(drivername="postgresql").render_as_string(hide_password=False)
            self.notifier = Notifier(plain)

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """Read everything as of one moment. Keep it short: an open snapshot keeps old rows alive.

        Raises StoreUnavailable when the database cannot be reached.
        """
        with translated_errors(), self._reader.connect() as connection:
            if self.dialect == "postgresql":
                connection = connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            with connection.begin():
                yield connection

    @contextmanager
    def autocommit(self) -> Iterator[Connection]:
        """A connection without a transaction, for what SQLite does only outside of one. Take the `turn` first."""
        with self._reader.connect() as connection:
            yield connection.execution_options(isolation_level="AUTOCOMMIT")

    @contextmanager
    def turn(self) -> Iterator[None]:
        """What every writer waits for first: its turn at SQLite's write lock. Driver errors become ours."""
        with translated_errors():
            if self.turnstile is None:
                yield
                return
            self.turnstile.enter()
            try:
                yield
            finally:
                self.turnstile.leave()

    def close(self) -> None:
        if self.notifier is not None:
            self.notifier.close()
        self._reader.dispose()
        self.engine.dispose()
        if self.turnstile is not None:
            self.turnstile.close()


def database_file(url: URL) -> Path:
    """The file behind a SQLite URL."""
    if not url.database:
        raise StoreUnavailable("the SQLite database needs a file: use sqlite:////absolute/path/kuberklone.db")
    return Path(url.database)


def turnstile_path(url: URL) -> Path:
    file = database_file(url)
    return file.with_name(f"{file.name}.turnstile")


@contextmanager
def translated_errors() -> Iterator[None]:
    """Turn what a driver says about an unusable database into StoreUnavailable, with the cause chained."""
    try:
        yield
    except OperationalError as error:
        raise StoreUnavailable(f"the database cannot be used: {error.orig}") from error
    except PoolTimeout as error:
        raise StoreUnavailable("all connections to the database are in use") from error
    except DBAPIError as error:
        if error.connection_invalidated:
            raise StoreUnavailable(f"the database went away: {error.orig}") from error
        # SQLite has no class of its own for a file that is damaged or none of its own.
        if type(error) is DatabaseError:
            raise StoreUnavailable(f"the database cannot be used: {error.orig}") from error
        raise


def _sqlite_engine(url: URL, begin: str) -> Engine:
    file = database_file(url)
    file.parent.mkdir(parents=True, exist_ok=True)
    _create_private(file)
    engine = create_engine(
        url,
        poolclass=QueuePool,
        pool_size=_POOL_SIZE,
        connect_args={"check_same_thread": False, "timeout": _BUSY_TIMEOUT_MS / 1000, "cached_statements": 256},
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
        # The driver would begin transactions by itself, late and not for DDL: a migration that fails half-way would
        # stay. With this the hook below begins them, all of them.
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA page_size={_PAGE_BYTES}")  # only before the first table; a no-op later
        if cursor.execute("PRAGMA page_count").fetchone() == (0,):
            # Possible before the first table only. Later it changes nothing, but would wait for the write lock.
            cursor.execute("PRAGMA auto_vacuum=INCREMENTAL")
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.execute("PRAGMA fullfsync=ON")  # macOS: fsync alone does not reach the disk there
        cursor.execute("PRAGMA checkpoint_fullfsync=ON")
        cursor.execute(f"PRAGMA journal_size_limit={WAL_LIMIT_BYTES}")
        cursor.execute(f"PRAGMA wal_autocheckpoint={_WAL_CHECKPOINT_PAGES}")
        cursor.execute("PRAGMA cache_size=-65536")  # 64 MiB: the pages of a large cluster's hot indexes
        cursor.execute("PRAGMA temp_store=MEMORY")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin_explicitly(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine


def _create_private(file: Path) -> None:
    # The database may hold Secrets; nobody else on the machine needs to read it. SQLite gives its side files the
    # same mode.
    try:
        os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_RDWR, stat.S_IRUSR | stat.S_IWUSR))
    except FileExistsError:
        return


def _postgres_engine(url: URL) -> Engine:
    return create_engine(
        url,
        pool_size=_POOL_SIZE,
        pool_pre_ping=False,  # a dead connection is met by every caller's retry anyway; a ping costs each transaction
        connect_args={
            "connect_timeout": _CONNECT_TIMEOUT_S,
            "tcp_user_timeout": _TCP_TIMEOUT_MS,
            "options": (
                f"-c idle_in_transaction_session_timeout={_IDLE_IN_TRANSACTION_MS} "
                # Whatever the server or the database is set to: what was acknowledged is on the disk.
                f"-c statement_timeout={_STATEMENT_TIMEOUT_MS} -c synchronous_commit=on -c timezone=UTC"
            ),
            # Bulk statements are few and are prepared once, as on SQLite.
            "prepare_threshold": 2,
        },
    )
