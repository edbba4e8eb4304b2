"""A running API on each database: one of its own for tests that write, one for all that must not."""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from kuberklone.store import migrate
from tests import postgres_server
from tests.api.running import Api, running

BODY_BYTES_MAX = 20_000


@pytest.fixture
def api(migrated_url: str, tmp_path: Path) -> Iterator[Api]:
    """An empty cluster's API."""
    with running(migrated_url, tmp_path) as started:
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
