"""Real processes on each database."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest

from kuberklone.store import migrate
from tests.engine import engine, image  # noqa: F401 - fixtures
from tests.faults import nursery as nursery_module
from tests.faults.cluster import Cluster
from tests.faults.nursery import Nursery

OpenCluster = Callable[..., Cluster]


@pytest.fixture(scope="session")
def nursery() -> Iterator[Nursery]:
    with nursery_module.running() as started:
        yield started


@pytest.fixture(scope="session")
def _migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Migrated once; every cluster on SQLite gets a copy."""
    file = tmp_path_factory.mktemp("migrated") / "kuberklone.db"
    migrate.upgrade(f"sqlite:///{file}")
    return file


@pytest.fixture
def migrated_url(store_url: str, _migrated_file: Path) -> str:
    if store_url.startswith("sqlite"):
        shutil.copy(_migrated_file, store_url.removeprefix("sqlite:///"))
    else:
        migrate.upgrade(store_url)
    return store_url


@pytest.fixture
def open_cluster(nursery: Nursery, migrated_url: str, tmp_path: Path) -> Iterator[OpenCluster]:
    """Makes a cluster of which nothing runs yet, with settings that differ from the tight ones; ended with the test."""
    with ExitStack() as stack:

        def open_one(**settings: Any) -> Cluster:
            return stack.enter_context(closing(Cluster(nursery, migrated_url, tmp_path, settings)))

        yield open_one
