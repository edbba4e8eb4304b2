"""A real engine, a node of the test's own on it, and an API that machines can join."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from kuberklone.agent.options import Options
from kuberklone.engine.connection import Engine
from kuberklone.store import identity
from tests import engine as engines
from tests.agent import joined, node_on_engine
from tests.agent.node_on_engine import NodeOnEngine
from tests.api import running as running_api
from tests.api.running import Api
from tests.engine import cluster_id, engine, image  # noqa: F401 - fixtures

HEARTBEAT_S = 0.5
GRACE_S = 4.0


@pytest.fixture
def node(engine: Engine, cluster_id: str, image: str) -> Iterator[NodeOnEngine]:  # noqa: F811 - the fixtures
    with node_on_engine.running(engine, cluster_id) as made:
        yield made


@pytest.fixture
def api(migrated_sqlite_url: str, tmp_path: Path, engine: Engine, image: str) -> Iterator[Api]:  # noqa: F811
    times = {"heartbeat_interval_s": HEARTBEAT_S, "node_grace_s": GRACE_S}
    with running_api.running(migrated_sqlite_url, tmp_path / "home", with_tls=True, **times) as api:
        with api.store.snapshot() as connection:
            cluster = identity.cluster_id(connection)
        yield api
        engines.remove_all(engine, cluster)


@pytest.fixture
def wanted(api: Api, tmp_path: Path) -> Options:
    """How the machine is started."""
    return joined.options(api, tmp_path / "state")
