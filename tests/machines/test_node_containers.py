"""Containers that are nodes, in a real engine: what they are made of, and what is left of them."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from kuberklone.engine import cgroups, clearing, connection, labels, networks
from kuberklone.engine.connection import Engine
from kuberklone.engine.machines import Machines, Wanted
from kuberklone.errors import EngineUnavailable, ImageMissing, NameTaken
from tests import engine as engines
from tests.engine import cluster_id  # noqa: F401 - a fixture

pytestmark = pytest.mark.process

NODE = Wanted(
    name="node-1",
    uid="uid-1",
    boot_id="boot-1",
    image=engines.IMAGE,
    command=("sleep", "1000000"),
    cpu_millis=2_500,
    memory_bytes=64 * 2**20,
    environment={"KUBERKLONE_AGENT_BOOT_ID": "boot-1"},
    hosts={"kuberklone": "10.9.8.7"},
)


@pytest.fixture
def cluster(image: str, cluster_id: str) -> str:  # noqa: F811
    return cluster_id


@pytest.fixture
def machines(engine: Engine, cluster: str) -> Machines:
    networks.ensure(engine, cluster=cluster)
    return Machines(engine, cluster=cluster)


@pytest.fixture
def foreign(engine: Engine, image: str, cluster: str) -> Iterator[str]:
    """A container that looks like ours by its name only."""
    with engine.asked("create a foreign container"):
        made = engine.api.create_container(image, name=labels.node_container(cluster, "node-1"))
    engine.api.start(made["Id"])
    yield made["Id"]
    engine.api.remove_container(made["Id"], force=True)


def _started(machines: Machines, wanted: Wanted = NODE) -> str:
    made = machines.make(wanted)
    machines.start(made)
    return made


def _start_pod(engine: Engine, cluster: str, node: str) -> str:
    """A container as the agent of the node makes them: in its network and below its control group."""
    marks = labels.of_pod_container(
        labels.of_node(cluster, uid=NODE.uid, name=NODE.name, boot_id=NODE.boot_id),
        pod_uid="pod-1",
        namespace="default",
        pod="web",
        container="main",
        attempt=0,
    )
    with engine.asked("start a pod"):
        host = engine.api.create_host_config(network_mode=f"container:{node}", cgroup_parent=f"/docker/{node}")
        made = engine.api.create_container(engines.IMAGE, labels=marks, host_config=host)
        engine.api.start(made["Id"])
    return str(made["Id"])


def test_a_node_has_the_limits_and_the_socket_that_it_is_to_have(engine: Engine, machines: Machines) -> None:
    made = _started(machines)
    found = engine.api.inspect_container(made)
    host = found["HostConfig"]
    assert host["CpuQuota"] / host["CpuPeriod"] == 2.5
    assert host["Memory"] == host["MemorySwap"] == 64 * 2**20
    assert host["CapDrop"] == ["ALL"]
    assert "kuberklone:10.9.8.7" in host["ExtraHosts"]
    assert "KUBERKLONE_AGENT_DOCKER_SOCKET=unix:///var/run/docker.sock" in found["Config"]["Env"]
    # What the kernel holds the container to, whichever version of control groups it has.
    code, told = _run(engine, made, "cat /sys/fs/cgroup/memory/memory.limit_in_bytes || cat /sys/fs/cgroup/memory.max")
    assert (code, int(told)) == (0, 64 * 2**20)
    code, told = _run(engine, made, "ls -l /var/run/docker.sock")
    assert code == 0, told


def _run(engine: Engine, container: str, script: str) -> tuple[int, str]:
    asked = engine.api.exec_create(container, ["sh", "-c", f"({script}) 2>/dev/null"])
    told = engine.api.exec_start(asked["Id"]).decode()
    return engine.api.exec_inspect(asked["Id"])["ExitCode"], told


def test_a_node_is_found_again_by_its_name_and_its_labels(machines: Machines) -> None:
    assert machines.found("node-1") is None
    made = machines.make(NODE)
    for state in ("Made", "Running", "Frozen", "Dead"):
        if state == "Running":
            machines.start(made)
        elif state == "Frozen":
            machines._api.pause(made)
        elif state == "Dead":
            machines.kill(made)
        (listed,) = machines.nodes()
        assert listed == machines.found("node-1")
        assert (listed.id, listed.name, listed.uid, listed.boot_id) == (made, "node-1", "uid-1", "boot-1")
        assert listed.state == state


def test_a_name_that_is_taken_is_told_and_a_foreign_container_is_not_touched(
    engine: Engine, machines: Machines, foreign: str, cluster: str
) -> None:
    assert machines.nodes() == []
    with pytest.raises(NameTaken):
        machines.make(NODE)
    with pytest.raises(NameTaken, match="not this cluster's"):
        machines.found("node-1")
    clearing.clear(engine.socket, cluster=cluster, node_uids=None)
    assert engine.api.inspect_container(foreign)["State"]["Running"]


def test_an_image_that_is_missing_is_named(machines: Machines) -> None:
    with pytest.raises(ImageMissing, match="kuberklone-missing:none"):
        machines.make(replace(NODE, image="kuberklone-missing:none"))


def test_ending_and_removing_may_be_repeated(machines: Machines) -> None:
    made = _started(machines)
    for _ in range(2):
        machines.kill(made)
    for _ in range(2):
        machines.remove_node(made)
    assert machines.nodes() == []


@pytest.mark.parametrize("frozen", [False, True], ids=["running", "frozen"])
def test_a_node_that_ends_before_its_pods_leaves_no_control_group(
    engine: Engine, machines: Machines, cluster: str, frozen: bool
) -> None:
    node = _started(machines)
    pod = _start_pod(engine, cluster, node)
    if frozen:
        engine.api.pause(node)
    machines.kill(node)
    assert [each.ended for each in machines.pods(NODE.uid)] == [False], "nobody ends its pods with a node"
    machines.remove_pod(pod)
    machines.remove_node(node)
    assert engines.cgroups(node) == []


def test_a_node_that_somebody_removed_leaves_none_once_its_pods_are_gone(
    engine: Engine, machines: Machines, cluster: str
) -> None:
    node = _started(machines)
    pod = _start_pod(engine, cluster, node)
    engine.api.remove_container(node, force=True)
    machines.remove_pod(pod)
    assert engines.cgroups(node) == []


def test_a_group_in_which_something_runs_stays(engine: Engine, machines: Machines) -> None:
    node = _started(machines)
    before = engines.cgroups(node)
    cgroups.sweep(f"/docker/{node}")
    assert engines.cgroups(node) == before


def test_clearing_leaves_nothing_and_may_be_repeated(engine: Engine, machines: Machines, cluster: str) -> None:
    node = _started(machines)
    _start_pod(engine, cluster, node)
    first = clearing.clear(engine.socket, cluster=cluster, node_uids=frozenset())
    assert (first.nodes, first.pods) == (1, 1)
    again = clearing.clear(engine.socket, cluster=cluster, node_uids=frozenset())
    assert (again.nodes, again.pods) == (0, 0)
    assert (engines.containers(engine, cluster), engines.networks(engine, cluster)) == ([], [])


def test_clearing_leaves_pods_of_other_machines_to_their_agents(
    engine: Engine, machines: Machines, cluster: str
) -> None:
    node = _started(machines)
    pod = _start_pod(engine, cluster, node)
    machines.kill(node)
    machines.remove_node(node)
    clearing.clear(engine.socket, cluster=cluster, node_uids=frozenset({"uid-of-another"}))
    assert [each.id for each in machines.pods()] == [pod]
    clearing.clear(engine.socket, cluster=cluster, node_uids=frozenset({NODE.uid}))
    assert machines.pods() == []


def test_the_network_is_made_once_and_again_at_the_address_it_had(engine: Engine, cluster: str) -> None:
    address = networks.ensure(engine, cluster=cluster)
    assert networks.ensure(engine, cluster=cluster) == address
    assert len(engines.networks(engine, cluster)) == 1
    networks.remove(engine, cluster=cluster)
    assert networks.ensure(engine, cluster=cluster, gateway=address) == address


def test_nodes_that_boot_at_once_share_one_network(engine: Engine, cluster: str) -> None:
    with ThreadPoolExecutor(max_workers=8) as boots:
        gateways = set(boots.map(lambda _: networks.ensure(engine, cluster=cluster), range(8)))
    assert len(gateways) == 1
    assert len(engines.networks(engine, cluster)) == 1


def test_no_engine_is_told_with_its_socket_and_a_way_without(tmp_path: Path) -> None:
    with pytest.raises(EngineUnavailable) as told:
        connection.connect(f"unix://{tmp_path}/none.sock", timeout_s=1)
    assert f"{tmp_path}/none.sock" in str(told.value)
    assert "--provider simulated" in str(told.value)
