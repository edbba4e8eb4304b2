"""A real engine, and a node of the test's own on it."""

from collections.abc import Iterator

import pytest

from kuberklone.engine.connection import Engine
from tests.agent import node_on_engine
from tests.agent.node_on_engine import NodeOnEngine
from tests.engine import cluster_id, engine, image  # noqa: F401 - fixtures


@pytest.fixture
def node(engine: Engine, cluster_id: str, image: str) -> Iterator[NodeOnEngine]:  # noqa: F811 - the fixtures
    with node_on_engine.running(engine, cluster_id) as made:
        yield made
