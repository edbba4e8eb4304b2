"""How a database is opened: durable, private, and readable while somebody writes."""

import stat
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.pool import QueuePool

from kuberklone.errors import StoreUnavailable
from kuberklone.store import feed
from kuberklone.store.database import WAL_LIMIT_BYTES, Store
from kuberklone.store.transaction import write
from tests.store import made
from tests.store.conftest import OpenStore


def _pragma(connection: Connection, name: str) -> object:
    return connection.execute(text(f"PRAGMA {name}")).scalar_one()


DURABLE = {
    "journal_mode": "wal",
    "synchronous": 2,  # FULL: a sync at every commit
    "fullfsync": 1,
    "checkpoint_fullfsync": 1,
    "journal_size_limit": WAL_LIMIT_BYTES,
    "auto_vacuum": 2,  # INCREMENTAL
}


@pytest.mark.parametrize(("name", "value"), DURABLE.items(), ids=DURABLE.keys())
def test_sqlite_is_durable_on_every_connection_that_writes(sqlite_store: Store, name: str, value: object) -> None:
    with write(sqlite_store) as first:
        assert _pragma(first.connection, name) == value
    with sqlite_store.turn(), sqlite_store.engine.connect() as connection, connection.begin():
        assert _pragma(connection, name) == value


@pytest.mark.parametrize("name", ["fsync", "synchronous_commit", "full_page_writes"])
def test_postgres_is_durable_on_every_connection_that_writes(postgres_store: Store, name: str) -> None:
    with write(postgres_store) as transaction:
        assert transaction.connection.execute(text(f"SHOW {name}")).scalar_one() == "on"


def test_postgres_is_durable_even_where_the_database_says_otherwise(migrated_postgres_url: str) -> None:
    with closing(Store(migrated_postgres_url)) as store, store.engine.connect() as connection, connection.begin():
        database = connection.execute(text("SELECT current_database()")).scalar_one()
        connection.execute(text(f'ALTER DATABASE "{database}" SET synchronous_commit = off'))
    with closing(Store(migrated_postgres_url)) as store:
        with write(store) as transaction:
            assert transaction.connection.execute(text("SHOW synchronous_commit")).scalar_one() == "on"
            transaction.connection.execute(text(f'ALTER DATABASE "{database}" RESET synchronous_commit'))


def test_nobody_else_on_the_machine_may_read_the_files(sqlite_url: str, tmp_path: Path) -> None:
    with closing(Store(sqlite_url)) as store, store.turn(), store.engine.connect() as connection, connection.begin():
        connection.execute(text("CREATE TABLE t (a)"))
        modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in tmp_path.glob("kuberklone.db*")}
    assert set(modes) == {"kuberklone.db", "kuberklone.db-wal", "kuberklone.db-shm", "kuberklone.db.turnstile"}
    assert set(modes.values()) == {0o600}


def test_a_new_reader_waits_for_no_writer(open_store: OpenStore) -> None:
    writer, reader = open_store(), open_store()
    before = made.head(writer)
    with write(writer, reserve=5), reader.snapshot() as connection:
        assert feed.head(connection) == before


def test_a_snapshot_stays_as_it_was(open_store: OpenStore) -> None:
    writer, reader = open_store(), open_store()
    with reader.snapshot() as connection:
        before = feed.head(connection)
        made.add_nodes(writer, made.node())
        assert feed.head(connection) == before
    assert made.head(reader) > before


def test_a_snapshot_writes_nothing(postgres_store: Store) -> None:
    with pytest.raises(Exception, match="read-only transaction"), postgres_store.snapshot() as connection:
        connection.execute(text("DELETE FROM pods"))


def test_a_database_that_is_away_is_unavailable(tmp_path: Path) -> None:
    with closing(Store(f"postgresql+psycopg://nobody@/nothing?host={tmp_path}")) as store:
        with pytest.raises(StoreUnavailable, match="cannot be used"), store.snapshot():
            pass
        with pytest.raises(StoreUnavailable, match="cannot be used"), write(store):
            pass


def test_a_file_that_is_no_database_is_unavailable(sqlite_url: str, tmp_path: Path) -> None:
    (tmp_path / "kuberklone.db").write_bytes(b"no database at all, but long enough to be looked at" * 100)
    with closing(Store(sqlite_url)) as store, pytest.raises(StoreUnavailable), store.snapshot():
        pass


def test_too_many_readers_at_once_are_told_so(store: Store) -> None:
    pool = store._reader.pool
    assert isinstance(pool, QueuePool)
    pool._timeout = 0.01
    with ExitStack() as stack:
        for _ in range(pool.size() + pool._max_overflow):
            stack.enter_context(store.snapshot())
        with pytest.raises(StoreUnavailable, match="in use"):
            stack.enter_context(store.snapshot())


def test_a_url_without_a_file_is_refused() -> None:
    with pytest.raises(StoreUnavailable, match="needs a file"):
        Store("sqlite://")
