"""A running API on each database: one of its own for tests that write, one for all that must not."""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from kuberklone.store import migrate
from tests import postgres_server
from tests.api.running import Api, running
from tests.store import emptied

BODY_BYTES_MAX = 20_000


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Migrated once; every API on SQLite gets a copy."""
    file = tmp_path_factory.mktemp("migrated") / "kuberklone.db"
    migrate.upgrade(f"sqlite:///{file}")
    return file


@pytest.fixture(scope="session")
def _emptied(_databases: postgres_server.Databases) -> Iterator[emptied.Database]:
    """One database for all tests, which is emptied for each: making one costs ten times as much."""
    with _databases.new() as url:
        migrate.upgrade(url)
        yield emptied.Database(url)


@pytest.fixture(params=["sqlite", "postgres"])
def api_url(request: pytest.FixtureRequest, tmp_path: Path, migrated_file: Path) -> Iterator[str]:
    """An empty database with the program's schema; nobody is connected to it when the test ends."""
    if request.param == "sqlite":
        yield f"sqlite:///{shutil.copy(migrated_file, tmp_path / 'kuberklone.db')}"
        return
    database: emptied.Database = request.getfixturevalue("_emptied")
    database.empty()
    yield database.url
    database.assert_nobody_is_left()


@pytest.fixture
def api(api_url: str, tmp_path: Path) -> Iterator[Api]:
    """An empty cluster's API."""
    with running(api_url, tmp_path) as started:
        yield started


@pytest.fixture(scope="session", params=["sqlite", "postgres"])
def idle_api(
    request: pytest.FixtureRequest, migrated_file: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Api]:
    """For requests that must not write: they all share one API with one node and one pod, both called `taken`."""
    home = tmp_path_factory.mktemp("idle")
    with ExitStack() as stack:
        if request.param == "sqlite":
            url = f"sqlite:///{shutil.copy(migrated_file, home / 'kuberklone.db')}"
        else:
            databases: postgres_server.Databases = request.getfixturevalue("_databases")
            url = stack.enter_context(databases.new())
            migrate.upgrade(url)
        started = stack.enter_context(running(url, home, max_body_bytes=BODY_BYTES_MAX))
        started.post("/add_node", {"cpus": 1, "name": "taken"})
        started.post("/add_pod", {"cpus": 1, "name": "taken"})
        yield started
