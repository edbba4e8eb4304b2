"""The node controller ends between any two of its calls to a Docker Engine, and the next one does what is left."""

import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from kuberklone.api import tls
from kuberklone.clock import SYSTEM
from kuberklone.engine.connection import Engine
from kuberklone.store import crashpoints
from tests import engine as engines
from tests.faults import crash_points
from tests.faults.conftest import OpenCluster
from tests.faults.docker_machines import DockerMachines

pytestmark = pytest.mark.process

Step = Callable[[DockerMachines], None]


def _nothing(_: DockerMachines) -> None:
    """The state is as the controller is to find it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """What is there before the controller starts that ends at the crash point, and what happens then."""

    prepare: Step
    happens: Step = _nothing
    finished: Step = DockerMachines.wait_until_it_runs


def _is_gone(machines: DockerMachines) -> None:
    machines.wait(lambda: not machines.containers(), "nothing is left in the engine")
    machines.wait(lambda: not machines.cluster.sql("SELECT 1 FROM nodes"), "the row is gone")


def _has_moved(machines: DockerMachines) -> None:
    """The pod's container is gone and its successor waits for a node; the killed container of the node is left."""
    machines.wait(lambda: [pod.node_name for pod in machines.pods()] == [None], "the pod has a successor")
    assert [found["State"] for found in machines.containers()] == ["exited"]


_CREATED = Way(prepare=DockerMachines.add_a_node)
_RESTARTED = Way(prepare=DockerMachines.add_a_node_with_a_pod, happens=DockerMachines.restart)
_LOST = Way(prepare=DockerMachines.add_a_node_with_a_pod, happens=DockerMachines.lose_the_node, finished=_has_moved)

WAYS = {
    "node.ordered": [_CREATED],
    "node.machine_made": [_CREATED, _RESTARTED],
    "node.machine_started": [_CREATED],
    "node.machine_ended": [_RESTARTED],
    "node.pod_stopped": [_RESTARTED, _LOST],
    "node.machine_removed": [
        _RESTARTED,
        Way(prepare=DockerMachines.add_a_running_node, happens=DockerMachines.delete, finished=_is_gone),
    ],
    "node.pods_finished": [_LOST],
}


def test_the_ways_lead_to_what_is_told_of_them() -> None:
    assert set(WAYS) == crash_points.AT_AN_ENGINE


@pytest.fixture
def machines(
    open_cluster: OpenCluster,
    engine: Engine,
    image: str,
    tmp_path: Path,
) -> Iterator[DockerMachines]:
    # Long deadlines: what the test writes is to be judged by nobody, and no restart is to come in between.
    cluster = open_cluster(
        TLS_HOST="127.0.0.1",
        DOCKER_SOCKET=engine.socket,
        NODE_IMAGE=image,
        PAUSE_IMAGE=image,
        NODE_GRACE_S="600",
        RESTART_BACKOFF_S="600",
        RESTART_BACKOFF_MAX_S="600",
    )
    tls.ensure(tmp_path, names=[tls.NAME], wall_ms=SYSTEM.wall_ms())
    found = DockerMachines(cluster=cluster, engine=engine, image=image)
    try:
        yield found
    finally:
        cluster.kill(*cluster.running)
        engines.remove_all(engine, found.id)


@pytest.mark.parametrize(
    ("name", "way"),
    [
        pytest.param(name, way, id=f"{name} {number}")
        for name, ways in WAYS.items()
        for number, way in enumerate(ways, start=1)
    ],
)
def test_a_crash_between_two_calls_is_made_good(machines: DockerMachines, name: str, way: Way) -> None:
    cluster = machines.cluster
    way.prepare(machines)
    way.happens(machines)
    cluster.start("node", crash_at=name)
    assert cluster.running.pop("node").wait() == crashpoints.EXIT_CODE
    cluster.start("node")
    way.finished(machines)
    if way.finished is DockerMachines.wait_until_it_runs:
        assert machines.holds_the_valid_token()


def test_a_controller_that_slept_does_nothing_more_at_the_engine(machines: DockerMachines) -> None:
    """It stopped before it made the container; meanwhile another has made and replaced it."""
    cluster = machines.cluster
    machines.add_a_node()
    cluster.start("node", stop_at="node.ordered")
    sleeper = cluster.latest
    sleeper.wait_until_stopped()
    cluster.start("node")
    machines.wait_until_it_runs()
    (before,) = machines.containers()
    sleeper.send(signal.SIGCONT)
    machines.wait(lambda: "leadership lost" in sleeper.log(), "the sleeper notices that it leads no longer")
    machines.wait_until_it_runs()
    assert [found["Id"] for found in machines.containers()] == [before["Id"]]
    sleeper.kill()
