"""A migrated, empty store on each database, closed when the test ends."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from kuberklone import clock
from kuberklone.clock import Clock
from kuberklone.store import migrate
from kuberklone.store.database import Store
from tests import postgres_server
from tests.store import emptied

OpenStore = Callable[..., Store]


@pytest.fixture(scope="session")
def _migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Migrated once; every test gets a copy."""
    file = tmp_path_factory.mktemp("migrated") / "kuberklone.db"
    migrate.upgrade(f"sqlite:///{file}")
    return file


@pytest.fixture(scope="session")
def _emptied(_databases: postgres_server.Databases) -> Iterator[emptied.Database]:
    """One database for all tests, which is emptied for each: making one costs ten times as much."""
    with _databases.new() as url:
        migrate.upgrade(url)
        yield emptied.Database(url)


@pytest.fixture
def migrated_sqlite_url(_migrated_file: Path, sqlite_url: str) -> str:
    shutil.copy(_migrated_file, sqlite_url.removeprefix("sqlite:///"))
    return sqlite_url


@pytest.fixture
def migrated_postgres_url(_emptied: emptied.Database) -> Iterator[str]:
    _emptied.empty()
    yield _emptied.url
    _emptied.assert_nobody_is_left()


@pytest.fixture(params=["sqlite", "postgres"])
def migrated_url(request: pytest.FixtureRequest) -> str:
    """An empty database with the program's schema: a test that takes it, or a store, runs on both."""
    return str(request.getfixturevalue(f"migrated_{request.param}_url"))


@pytest.fixture
def open_store(migrated_url: str) -> Iterator[OpenStore]:
    """Opens the database once more, as another process would; all are closed at the end."""
    with ExitStack() as stack:

        def open_one(*, clock: Clock = clock.SYSTEM, writer: str = "test") -> Store:
            return stack.enter_context(closing(Store(migrated_url, clock=clock, writer=writer)))

        yield open_one


@pytest.fixture
def store(open_store: OpenStore) -> Store:
    return open_store()


@pytest.fixture
def sqlite_store(migrated_sqlite_url: str) -> Iterator[Store]:
    """For what only SQLite has."""
    with closing(Store(migrated_sqlite_url, writer="test")) as opened:
        yield opened


@pytest.fixture
def postgres_store(migrated_postgres_url: str) -> Iterator[Store]:
    """For what only Postgres has."""
    with closing(Store(migrated_postgres_url, writer="test")) as opened:
        yield opened
