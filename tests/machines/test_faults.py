"""Real nodes that really fail. After each fault everything is as it should be, and no pod ever ran twice.

The cluster and the engine are real; only the socket between them is ours (`engine_proxy`), so that an engine can hang.
"""

import signal

import pytest

from kuberklone.engine.connection import Engine
from tests.machines.cluster import Cluster
from tests.machines.engine_proxy import EngineProxy, Mode

pytestmark = [pytest.mark.process, pytest.mark.timeout(400)]

PODS = 6


@pytest.fixture
def pods(cluster: Cluster, image: str) -> list[str]:
    """Six pods, two on each node, all Running."""
    body = {"cpus": 0.2, "name": "work", "count": PODS, "image": image, "command": ["sleep", "100000"]}
    names = [pod["name"] for pod in cluster.ask("POST", "/add_pod", body)["items"]]
    cluster.until(lambda: [cluster.pods()[name]["status"] for name in names] == ["Running"] * PODS, "all pods run")
    assert {cluster.node_of(name) for name in names} == {"node-1", "node-2", "node-3"}, "load is spread"
    return names


def _on(cluster: Cluster, node: str) -> list[str]:
    return [name for name, pod in cluster.pods().items() if pod["node"] == node]


def test_a_killed_node_is_emptied_and_restarted(cluster: Cluster, pods: list[str]) -> None:
    moved = _on(cluster, "node-1")
    restarts = cluster.nodes()["node-1"]["restarts"]
    cluster.docker("kill", cluster.machine("node-1"))
    for name in moved:
        cluster.until_moved(name, away_from="node-1")
    cluster.converge()
    assert cluster.nodes()["node-1"]["restarts"] > restarts
    ends = cluster.sql("SELECT name, why_ended FROM placements WHERE node_name = 'node-1' AND ended_ms IS NOT NULL")
    assert {(name, "NodeUnreachable") for name in moved} <= {tuple(row) for row in ends}


def test_a_stopped_node_is_emptied_and_restarted(cluster: Cluster, pods: list[str]) -> None:
    moved = _on(cluster, "node-2")
    cluster.docker("stop", "--time", "1", cluster.machine("node-2"))
    for name in moved:
        cluster.until_moved(name, away_from="node-2")
    cluster.converge()


def test_a_node_whose_container_was_removed_comes_back(cluster: Cluster, pods: list[str]) -> None:
    boot = cluster.sql("SELECT boot_id FROM nodes WHERE name = 'node-3'")
    cluster.docker("rm", "--force", cluster.machine("node-3"))
    cluster.until(lambda: cluster.sql("SELECT boot_id FROM nodes WHERE name = 'node-3'") != boot, "a new boot")
    cluster.converge()


def test_a_frozen_node_stops_what_was_moved_away_first_thing_after_the_thaw(cluster: Cluster, pods: list[str]) -> None:
    moved = _on(cluster, "node-1")
    cluster.docker("pause", cluster.machine("node-1"))
    cluster.until_not_ready("node-1")
    for name in moved:
        cluster.until_moved(name, away_from="node-1")
    # The controller may have given it a new boot already, which ends a freeze as well.
    cluster.docker("unpause", cluster.machine("node-1"), check=False)
    cluster.converge()


def test_a_node_cut_off_from_the_network_stops_its_pods_by_itself(cluster: Cluster, pods: list[str]) -> None:
    moved = _on(cluster, "node-2")
    network = f"kuberklone-{cluster.id}"
    cluster.docker("network", "disconnect", network, cluster.machine("node-2"))
    for name in moved:
        cluster.until_moved(name, away_from="node-2")
    cluster.docker("network", "connect", network, cluster.machine("node-2"), check=False)
    cluster.converge()


def test_a_pod_whose_container_was_removed_is_started_again(cluster: Cluster, pods: list[str]) -> None:
    (container,) = [each for each in cluster.containers("pod") if each["Labels"]["io.kuberklone.pod-name"] == pods[0]]
    cluster.docker("rm", "--force", container["Id"])
    cluster.until(
        lambda: (
            cluster.sql("SELECT restarts FROM pods WHERE name = :name", name=pods[0])[0].restarts > 0
            or cluster.unconverged() == []
        ),
        "it is noticed",
    )
    cluster.converge()


def test_foreign_containers_are_never_touched(cluster: Cluster, pods: list[str], image: str) -> None:
    foreign = f"foreign-{cluster.id}"
    cluster.docker("run", "--detach", "--name", foreign, image)
    try:
        cluster.docker("kill", cluster.machine("node-1"))
        cluster.until_not_ready("node-1")
        cluster.converge()
        assert cluster.docker("inspect", "--format", "{{.State.Running}} {{.RestartCount}}", foreign).split() == [
            "true",
            "0",
        ]
    finally:
        cluster.docker("rm", "--force", foreign)


def test_a_removed_image_is_told_and_waited_for(cluster: Cluster, pods: list[str], node_image: str) -> None:
    kept = f"kuberklone-kept:{cluster.id}"
    cluster.docker("tag", node_image, kept)
    cluster.docker("kill", cluster.machine("node-1"))
    cluster.docker("rmi", "--force", "--no-prune", node_image)
    try:
        cluster.until(
            lambda: any(node_image in (row.last_error or "") for row in cluster.sql(_ERRORS)),
            "the error names the image",
        )
        cluster.check()
    finally:
        cluster.docker("tag", kept, node_image)
        cluster.docker("rmi", "--no-prune", kept)
    cluster.converge()


def test_a_hung_engine_hurts_nobody_and_is_waited_for(cluster: Cluster, pods: list[str], proxy: EngineProxy) -> None:
    """Beats do not wait for the engine, so nobody is dead; simulated nodes of the same controller go on."""
    uids = {pod["uid"] for pod in cluster.pods().values()}
    proxy.mode = Mode.HUNG
    cluster.ask("POST", "/add_node", {"cpus": 4, "name": "played", "provider": "simulated"})
    cluster.until(lambda: cluster.nodes()["played"]["status"] == "Ready", "a simulated node comes")
    assert [node["status"] for node in cluster.nodes().values()] == ["Ready"] * 4
    proxy.mode = Mode.WELL
    cluster.ask("DELETE", "/delete_node", {"name": "played"})
    cluster.until(lambda: "played" not in cluster.nodes(), "the simulated node is gone")
    cluster.converge()
    assert {pod["uid"] for pod in cluster.pods().values()} == uids


def test_an_engine_that_answers_500_is_waited_for(cluster: Cluster, pods: list[str], proxy: EngineProxy) -> None:
    uids = {pod["uid"] for pod in cluster.pods().values()}
    proxy.mode = Mode.BROKEN
    cluster.ask("POST", "/add_pod", {"cpus": 0.1, "name": "late"})
    cluster.until(lambda: cluster.pods()["late"]["node"] is not None, "the pod is bound")
    assert [node["status"] for node in cluster.nodes().values()] == ["Ready"] * 3
    proxy.mode = Mode.WELL
    cluster.converge()
    assert uids < {pod["uid"] for pod in cluster.pods().values()}


def test_a_create_whose_answer_was_lost_is_not_repeated(cluster: Cluster, pods: list[str], proxy: EngineProxy) -> None:
    """The next attempt finds the container by its fixed name and labels."""
    version = cluster.engine.api.api_version
    proxy.lose_next(f"POST /v{version}/containers/create?name=kuberklone-{cluster.id}-node-4")
    cluster.ask("POST", "/add_node", {"cpus": 1, "name": "node-4", "provider": "docker"})
    assert proxy.lost.wait(60), "the create was asked for"
    cluster.converge()
    cluster.ask("DELETE", "/delete_node", {"name": "node-4"})
    cluster.until(lambda: "node-4" not in cluster.nodes(), "the node is gone")


def test_a_lost_answer_about_a_pods_container_starts_no_second_one(cluster: Cluster, proxy: EngineProxy) -> None:
    version = cluster.engine.api.api_version
    proxy.lose_next(f"POST /v{version}/containers/create")
    cluster.ask("POST", "/add_pod", {"cpus": 0.1, "name": "once"})
    assert proxy.lost.wait(60), "the create was asked for"
    cluster.converge()
    assert len({run.container for run in cluster.witness.runs_of("once")}) == 1


def test_a_killed_agent_is_a_dead_machine(cluster: Cluster, pods: list[str]) -> None:
    """The agent is the first process of its container: without it the machine is off, and what it ran must end."""
    pid = int(cluster.docker("inspect", "--format", "{{.State.Pid}}", cluster.machine("node-3")))
    cluster.docker("kill", "--signal", "KILL", cluster.machine("node-3"))
    assert pid
    cluster.until_not_ready("node-3")
    cluster.converge()


def test_the_api_may_be_killed_while_agents_run(cluster: Cluster, pods: list[str]) -> None:
    runs = len(cluster.witness.runs())
    (api,) = [child for child in cluster.up.children() if child.cmdline() and "api" in " ".join(child.cmdline())]
    api.send_signal(signal.SIGKILL)
    cluster.until(lambda: cluster.up.lines("started again"), "the supervisor starts it again")
    cluster.until(cluster.answers, "the API is back")
    cluster.converge()
    assert len(cluster.witness.runs()) == runs, "an outage of the API is no outage of workloads"


_ERRORS = "SELECT last_error FROM leaderships WHERE name = 'node'"


def test_what_is_deleted_leaves_nothing_behind(cluster: Cluster, pods: list[str], engine: Engine) -> None:
    cluster.ask("DELETE", "/delete_node", {"name": "node-1"})
    cluster.until(lambda: "node-1" not in cluster.nodes(), "the node is gone")
    cluster.converge()
    assert cluster.machine("node-1") not in cluster.docker("ps", "--all", "--format", "{{.Names}}").split()
    cluster.ask("POST", "/add_node", {"cpus": 1, "name": "node-1", "provider": "docker"})
    cluster.converge()
