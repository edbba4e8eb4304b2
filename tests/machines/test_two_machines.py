"""Two machines that joined by themselves, each in a network namespace; the cable of one is pulled."""

import json
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from kuberklone.engine.connection import Engine
from tests.cli import processes
from tests.engine import remove_all
from tests.machines import cluster as clusters
from tests.machines.cluster import Cluster
from tests.machines.hosts import Host, hosts

pytestmark = [pytest.mark.process, pytest.mark.timeout(400)]


@pytest.fixture
def machines() -> Iterator[list[Host]]:
    with hosts(2) as made:
        yield made


@pytest.fixture
def cluster(engine: Engine, image: str, tmp_path: Path) -> Iterator[Cluster]:
    """Only the API and the controllers; the nodes come by themselves."""
    with clusters.running(engine, tmp_path, "--set", "tls_host=0.0.0.0", nodes=0) as cluster:
        yield cluster
        remove_all(engine, cluster.id)


def _join_token(cluster: Cluster) -> str:
    """What a person carries from one machine to the other."""
    made = processes.kuberklone("token", "create", "--output", "json", environ=dict(cluster.environ))
    assert made.returncode == 0, made.stderr
    token: str = json.loads(made.stdout)["token"]
    return token


def _start_agent(cluster: Cluster, host: Host, token: str, folder: Path, kept: ExitStack) -> None:
    folder.mkdir()
    port = cluster.environ["KUBERKLONE_TLS_PORT"]
    command = [
        "-m", "kuberklone", "agent", "--server", f"https://{host.gateway}:{port}", "--token", token,
        "--name", host.name, "--cpus", "2", "--memory", "1Gi",
        "--state-dir", str(folder / "state"), "--docker-socket", cluster.engine.socket,
    ]  # fmt: skip
    kept.enter_context(processes.running(command, folder, interpreter=host.command(sys.executable)))


def test_pods_of_a_machine_that_is_cut_off_move_and_its_copies_stop(
    cluster: Cluster, machines: list[Host], image: str, tmp_path: Path
) -> None:
    cut, other = machines
    with ExitStack() as kept:
        for host in machines:
            _start_agent(cluster, host, _join_token(cluster), tmp_path / host.name, kept)
        cluster.until(
            lambda: (
                {node["name"]: node["status"] for node in cluster.nodes().values()}
                == {host.name: "Ready" for host in machines}
            ),
            "both machines have joined",
        )
        body = {"cpus": 0.2, "name": "work", "count": 4, "image": image, "command": ["sleep", "100000"]}
        names = [pod["name"] for pod in cluster.ask("POST", "/add_pod", body)["items"]]
        cluster.converge()
        moved = [name for name in names if cluster.node_of(name) == cut.name]
        stayed = {name: cluster.pods()[name]["uid"] for name in names if name not in moved}
        assert len(moved) == 2

        cut.cut()
        for name in moved:
            cluster.until_moved(name, away_from=cut.name)
        # Nobody could tell it to: it counted for itself, and was done before the others began.
        assert all(run.ended_ns for run in cluster.witness.runs() if run.node == cut.name)
        cluster.check()

        cut.mend()
        cluster.until(lambda: cluster.nodes()[cut.name]["status"] == "Ready", "it is back")
        cluster.converge()
        assert {name: cluster.pods()[name]["uid"] for name in stayed} == stayed, "what ran elsewhere was left alone"
        assert {cluster.node_of(name) for name in names} == {other.name}


def test_a_short_cut_moves_nothing_and_pods_that_stopped_go_on(
    cluster: Cluster, machines: list[Host], image: str, tmp_path: Path
) -> None:
    """The API is away for longer than a grant: an agent stops its pods, and starts them again when they are its own."""
    with ExitStack() as kept:
        for host in machines:
            _start_agent(cluster, host, _join_token(cluster), tmp_path / host.name, kept)
        cluster.until(lambda: len(cluster.nodes()) == 2, "both machines have joined")
        body = {"cpus": 0.2, "name": "work", "count": 2, "image": image, "command": ["sleep", "100000"]}
        cluster.ask("POST", "/add_pod", body)
        cluster.converge()
        uids = {name: (pod["uid"], pod["node"]) for name, pod in cluster.pods().items()}
        for host in machines:
            host.cut()
        cluster.until(
            lambda: all(run.ended_ns for name in uids for run in cluster.witness.runs_of(name)),
            "every agent has stopped its pods",
        )
        for host in machines:
            host.mend()
        cluster.converge()
        assert {name: (pod["uid"], pod["node"]) for name, pod in cluster.pods().items()} == uids
