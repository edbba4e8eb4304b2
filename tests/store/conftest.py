"""A migrated, empty store on each database, closed when the test ends."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing

import pytest

from kuberklone import clock
from kuberklone.clock import Clock
from kuberklone.store.database import Store

OpenStore = Callable[..., Store]


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
