"""Controllers on a real, empty store of each database, and on virtual time."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest

from kuberklone.settings import Settings
from kuberklone.store import migrate
from kuberklone.store.database import Store
from tests import postgres_server
from tests.controllers import virtual_time
from tests.controllers.loops import Loops
from tests.controllers.virtual_time import VirtualClock
from tests.store import emptied

StartLoops = Callable[..., Loops]

# Times in which a test's story is told in a minute of virtual time.
TIMES = {"heartbeat_interval_s": 1.0, "node_grace_s": 4.0, "toleration_s": 3.0, "restart_backoff_s": 20.0}


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


@pytest.fixture(params=["sqlite", "postgres"])
def migrated_url(request: pytest.FixtureRequest, sqlite_url: str, _migrated_file: Path) -> Iterator[str]:
    """An empty database with the program's schema: a test that takes it runs on both."""
    if request.param == "sqlite":
        shutil.copy(_migrated_file, sqlite_url.removeprefix("sqlite:///"))
        yield sqlite_url
        return
    database: emptied.Database = request.getfixturevalue("_emptied")
    database.empty()
    yield database.url
    database.assert_nobody_is_left()


@pytest.fixture
def start_loops(migrated_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[StartLoops]:
    """Starts all controllers on an empty cluster, with settings that differ from `TIMES`."""
    virtual_time.follow_process_clocks(monkeypatch)
    with ExitStack() as stack:

        def start(**settings: Any) -> Loops:
            clock = VirtualClock()
            store = stack.enter_context(closing(Store(migrated_url, clock=clock, writer="test")))
            return Loops(store, clock, Settings(**{**TIMES, **settings}))

        yield start


@pytest.fixture
def loops(start_loops: StartLoops) -> Loops:
    return start_loops()
