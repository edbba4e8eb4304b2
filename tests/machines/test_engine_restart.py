"""The engine is started again below a running cluster: everything is as before, nothing ran twice, nothing is left."""

import signal
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from kuberklone.engine import connection
from kuberklone.engine.connection import Engine
from tests.cli import processes
from tests.engine import TIMEOUT_S, cgroups, containers, networks, remove_all
from tests.machines import cluster as clusters
from tests.machines import own_engine
from tests.machines.own_engine import OwnEngine
from tests.machines.witness import watching

pytestmark = [pytest.mark.process, pytest.mark.timeout(400)]

NODES = 2
PODS = 4


@pytest.fixture(scope="module")
def own(engine: Engine, node_image: str, image: str) -> Iterator[OwnEngine]:
    with own_engine.running() as own:
        own.load([node_image, image, "kuberklone-pause:latest"], of=engine.socket)
        yield own


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGKILL], ids=["stopped", "killed"])
def test_a_cluster_outlives_its_engine(
    own: OwnEngine, node_image: str, image: str, tmp_path: Path, ending: signal.Signals
) -> None:
    environ = {"KUBERKLONE_NODE_IMAGE": node_image}
    with (
        closing(connection.connect(own.address, timeout_s=TIMEOUT_S)) as its_engine,
        clusters.running(its_engine, tmp_path, "--provider", "docker", nodes=NODES, environ=environ) as cluster,
    ):
        try:
            body = {"cpus": 0.2, "name": "work", "count": PODS, "image": image, "command": ["sleep", "100000"]}
            names = sorted(pod["name"] for pod in cluster.ask("POST", "/add_pod", body)["items"])
            cluster.converge()
            boots = dict(cluster.sql("SELECT name, boot_id FROM nodes"))
            own.end(ending)
            cluster.until(
                lambda: any(own.address in (row.last_error or "") for row in cluster.sql(_ERRORS)),
                "the engine is missed",
            )
            own.start()
            # What it told before is lost with it. All that it has told since it started is told again.
            (tmp_path / "after").mkdir()
            with watching(cluster.id, tmp_path / "after", socket=own.address, since="1") as witness:
                cluster = replace(cluster, witness=witness)
                cluster.until(
                    lambda: not boots.items() & dict(cluster.sql("SELECT name, boot_id FROM nodes")).items(),
                    "every node got a new boot",
                )
                cluster.converge()
                assert sorted(cluster.pods()) == names
        finally:
            processes.kuberklone("down", environ=cluster.environ)
        left = containers(its_engine, cluster.id), networks(its_engine, cluster.id), cgroups(cluster.id)
        remove_all(its_engine, cluster.id)
        assert left == ([], [], []), "`kuberklone down` removes everything"


_ERRORS = "SELECT last_error FROM leaderships WHERE name = 'node'"
