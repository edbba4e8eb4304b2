"""Pods become containers of a real engine, and what happens to those is reported."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from kuberklone.clock import SYSTEM
from kuberklone.engine import labels
from kuberklone.engine.connection import Engine
from kuberklone.engine.pod_containers import PodContainers
from tests.agent import node_on_engine
from tests.agent.node_on_engine import BOOT, NODE_UID, NodeOnEngine, program
from tests.engine import TIMEOUT_S
from tests.waiting import until

pytestmark = pytest.mark.process

WAITS = ("sleep", "1000000")
UID = "uid-by-hand"


# ------------------------------------------------------------------------------------------------ running


def test_a_pod_runs_and_says_where(node: NodeOnEngine, image: str) -> None:
    uid = node.add(program(image, *WAITS))
    report = node.report(uid, phase="Running")
    assert report.pod_ip is not None
    assert report.pod_ip.startswith("172.")
    assert report.started_ago_ms is not None
    assert node.status(uid)["ready"] is True
    assert "running" in node.status(uid)["state"]


def test_the_image_s_own_command_runs_where_none_is_given(node: NodeOnEngine, image: str) -> None:
    uid = node.add({"name": "main", "image": image})
    node.report(uid, phase="Running")
    assert node.inspected(uid)["Config"]["Cmd"] == ["sleep", "1000000"]


def test_a_command_gets_its_arguments_environment_and_folder(node: NodeOnEngine, image: str) -> None:
    uid = node.add(
        program(
            image,
            "sh",
            args=["-c", "echo $GREETING $(NAME) from $HOST; /usr/bin/env -C . true; echo $PWD"],
            env=[
                {"name": "NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
                {"name": "HOST", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}},
                {"name": "GREETING", "value": "hello"},
            ],
            workingDir="/tmp",
        ),
        restartPolicy="Never",
    )
    node.report(uid, phase="Succeeded")
    assert node.output(uid).splitlines() == [f"hello pod-{uid[-6:]} from node-1", "/tmp"]


def test_limits_are_the_engine_s(node: NodeOnEngine, image: str) -> None:
    resources = {"limits": {"cpu": "500m", "memory": "64Mi"}, "requests": {"cpu": "250m"}}
    uid = node.add(program(image, *WAITS, resources=resources))
    node.report(uid, phase="Running")
    host = node.inspected(uid)["HostConfig"]
    assert (host["NanoCpus"], host["CpuShares"], host["Memory"], host["MemorySwap"]) == (
        500_000_000, 256, 64 * 2**20, 64 * 2**20,
    )  # fmt: skip


def test_whoever_needs_more_memory_than_its_limit_is_killed_and_says_so(node: NodeOnEngine, image: str) -> None:
    eats = ("sh", "-c", "x=x; while true; do x=$x$x; done")
    uid = node.add(program(image, *eats, resources={"limits": {"memory": "16Mi"}}), restartPolicy="Never")
    report = node.report(uid, phase="Failed")
    assert (report.reason, report.exit_code) == ("OOMKilled", 137)


@pytest.mark.parametrize(
    ("code", "phase", "reason"),
    [pytest.param(0, "Succeeded", "Completed", id="success"), pytest.param(3, "Failed", "Error", id="failure")],
)
def test_how_a_pod_ends_is_reported(node: NodeOnEngine, image: str, code: int, phase: str, reason: str) -> None:
    uid = node.add(program(image, "sh", "-c", f"exit {code}"), restartPolicy="Never")
    report = node.report(uid, phase=phase)
    assert report.exit_code == code
    assert report.finished_ago_ms is not None
    ended = node.status(uid)["state"]["terminated"]
    assert (ended["exitCode"], ended["reason"]) == (code, reason)
    assert ended["startedAt"].endswith("Z")
    # Its logs can be read for as long as the pod is there.
    node.change(uid, phase=phase)
    assert node.existing(uid)


def test_a_crashing_container_is_restarted_and_then_waits(node: NodeOnEngine, image: str) -> None:
    uid = node.add(program(image, "sh", "-c", "echo once; exit 2"))
    report = node.report(uid, reason="CrashLoopBackOff")
    assert (report.phase, report.restarts) == ("Running", 1)
    assert node.status(uid)["lastState"]["terminated"]["exitCode"] == 2
    assert node.output(uid, attempt=0) == node.output(uid, attempt=1) == "once\n"


def test_a_restart_keeps_the_end_of_the_run_before(node: NodeOnEngine, image: str) -> None:
    uid = node.add(program(image, "sh", "-c", "test -e /tmp/again || exit 1"), restartPolicy="OnFailure")
    node.report(uid, reason="CrashLoopBackOff")
    assert node.status(uid)["restartCount"] == 1


# ------------------------------------------------------------------------------------------------ what cannot run


def test_a_missing_image_is_a_reason_to_wait(node: NodeOnEngine) -> None:
    uid = node.add(program("kuberklone-test/nothing:1", *WAITS))
    report = node.report(uid, reason="ErrImageNeverPull")
    assert report.phase == "Pending"
    assert "kuberklone-test/nothing:1" in str(report.message)
    assert node.status(uid)["state"]["waiting"]["reason"] == "ErrImageNeverPull"


def test_an_image_that_cannot_be_pulled_says_what_the_engine_says(node: NodeOnEngine) -> None:
    # Nobody listens on port 1, so the engine is refused at once wherever it looks.
    uid = node.add({"name": "main", "image": "127.0.0.1:1/nothing:1"})
    report = node.report(uid, reason="ImagePullBackOff")
    assert "127.0.0.1:1" in str(report.message)


@pytest.mark.parametrize(
    ("policy", "phase", "reason"),
    [
        pytest.param("Always", "Pending", "RunContainerError", id="it is tried again"),
        pytest.param("Never", "Failed", "StartError", id="there is no second try"),
    ],
)
def test_a_bad_command_says_so(node: NodeOnEngine, image: str, policy: str, phase: str, reason: str) -> None:
    uid = node.add(program(image, "/no/such/program"), restartPolicy=policy)
    report = node.report(uid, phase=phase, reason=reason)
    assert "/no/such/program" in bytes(report.status).decode()


def test_an_environment_that_nobody_can_give_says_so(node: NodeOnEngine, image: str) -> None:
    secret = {"name": "PASSWORD", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}
    uid = node.add(program(image, *WAITS, env=[secret]))
    report = node.report(uid, reason="CreateContainerConfigError")
    assert "PASSWORD" in str(report.message)


# ------------------------------------------------------------------------------------------------ several containers


def test_init_containers_run_one_after_another_before_the_others(node: NodeOnEngine, image: str) -> None:
    uid = node.add(
        program(image, *WAITS),
        initContainers=[program(image, "date", "+%s%N", name="first"), program(image, "date", "+%s%N", name="second")],
    )
    node.report(uid, phase="Running")
    assert int(node.output(uid, "first")) < int(node.output(uid, "second"))
    first = node.inspected(uid, "first")["State"]["FinishedAt"]
    second = node.inspected(uid, "second")["State"]
    assert first < second["StartedAt"]
    assert second["FinishedAt"] < node.inspected(uid)["State"]["StartedAt"]


def test_a_failing_init_container_keeps_the_others_from_starting(node: NodeOnEngine, image: str) -> None:
    uid = node.add(
        program(image, *WAITS), restartPolicy="Never", initContainers=[program(image, "false", name="first")]
    )
    assert node.report(uid, phase="Failed").exit_code == 1
    assert [name for name in node.existing(uid) if "-main-" in name] == []


def test_containers_of_a_pod_share_one_network(node: NodeOnEngine, image: str) -> None:
    uid = node.add(program(image, *WAITS), program(image, *WAITS, name="side"))
    report = node.report(uid, phase="Running")
    network = node.inspected(uid, "pod.network")
    assert report.pod_ip == network["NetworkSettings"]["IPAddress"]
    for name in ("main", "side"):
        assert node.inspected(uid, name)["HostConfig"]["NetworkMode"] == f"container:{network['Id']}"


def test_whoever_loses_its_network_starts_anew(node: NodeOnEngine, image: str) -> None:
    uid = node.add(program(image, *WAITS), program(image, *WAITS, name="side"))
    node.report(uid, phase="Running")
    node.engine.api.kill(labels.pod_container(node.cluster, uid, "pod.network", 0))
    node.report(uid, phase="Running", restarts=2)
    network = node.inspected(uid, "pod.network", attempt=1)
    assert node.inspected(uid, "main", attempt=1)["HostConfig"]["NetworkMode"] == f"container:{network['Id']}"


# ------------------------------------------------------------------------------------------------ stopping


@contextmanager
def _deleted(node: NodeOnEngine, uid: str, *, grace_s: int) -> Iterator[None]:
    node.change(uid, deleting=True, deletion_grace_s=grace_s, deleting_ago_ms=0)
    yield
    node.until(lambda: uid in node.observed.removed, "the stop is confirmed")
    assert node.existing(uid) == []


def test_a_deleted_pod_is_asked_to_end(node: NodeOnEngine, image: str) -> None:
    says_bye = "trap 'echo bye > /proc/1/fd/1; exit 0' TERM; echo ready; while true; do sleep 0.1; done"
    uid = node.add(program(image, "sh", "-c", says_bye))
    node.report(uid, phase="Running")
    node.until(lambda: "ready" in node.output(uid), "it listens")
    log = node.engine.api.logs(labels.pod_container(node.cluster, uid, "main", 0), stream=True, follow=True)
    with _deleted(node, uid, grace_s=600):
        assert b"bye" in b"".join(log)


def test_one_that_does_not_listen_is_killed_after_its_grace(node: NodeOnEngine, image: str) -> None:
    uid = node.add(program(image, "sh", "-c", "trap '' TERM; echo ready; while true; do sleep 1; done"))
    node.report(uid, phase="Running")
    node.until(lambda: "ready" in node.output(uid), "it does not listen")
    with _deleted(node, uid, grace_s=1):
        pass


def test_a_pod_that_somebody_holds_is_stopped_and_kept(node: NodeOnEngine, image: str) -> None:
    uid = node.add(program(image, *WAITS), held=["example.com/look"])
    node.report(uid, phase="Running")
    node.change(uid, deleting=True, deletion_grace_s=0, deleting_ago_ms=0)
    node.report(uid, phase="Failed")
    assert node.existing(uid)
    assert uid not in node.observed.removed
    node.change(uid, held=[])
    node.until(lambda: uid in node.observed.removed, "nobody holds it any more")
    assert node.existing(uid) == []


def test_a_frozen_container_can_be_stopped(node: NodeOnEngine, image: str) -> None:
    uid = node.add(program(image, *WAITS))
    node.report(uid, phase="Running")
    node.engine.api.pause(labels.pod_container(node.cluster, uid, "main", 0))
    with _deleted(node, uid, grace_s=1):
        pass


def test_what_moved_away_is_stopped_before_anything_new_starts(node: NodeOnEngine, image: str) -> None:
    old = node.add(program(image, "sh", "-c", "trap '' TERM; while true; do sleep 1; done"))
    node.report(old, phase="Running")
    ended = node.inspected(old)["Id"]
    node.take_away(old)
    new = node.add(program(image, *WAITS))
    node.report(new, phase="Running")
    assert node.existing(old) == []
    assert ended not in [each.id for each in node.containers.listed()]


# ------------------------------------------------------------------------------------------------ the grant


def test_without_a_grant_only_what_would_be_moved_is_stopped_and_resumed_when_it_is_its_own(
    engine: Engine, cluster_id: str, image: str
) -> None:
    # Long enough for two containers to start on a busy machine; all of it is waited for.
    with node_on_engine.running(engine, cluster_id, grant_s=20.0) as node:
        stays = node.add(program(image, *WAITS))
        moves = node.add(program(image, *WAITS), on_node_failure="Reschedule", restartPolicy="Never")
        for uid in (stays, moves):
            node.report(uid, phase="Running")
            node.change(uid, phase="Running")
        node.until(lambda: not node.existing(moves), "what would be moved is gone")
        assert SYSTEM.steady_ms() < node.standing.view().node.grant.until_ms
        assert node.inspected(stays)["State"]["Running"]
        node.heard()
        node.tell()
        node.report(moves, phase="Running", restarts=1)
        assert node.existing(stays) == [labels.pod_container(cluster_id, stays, "main", 0)]


# ------------------------------------------------------------------------------------------------ other hands


def test_a_container_removed_by_hand_is_made_anew(node: NodeOnEngine, image: str) -> None:
    uid = node.add(program(image, *WAITS))
    node.report(uid, phase="Running")
    node.change(uid, phase="Running")
    node.engine.api.remove_container(labels.pod_container(node.cluster, uid, "main", 0), force=True)
    node.report(uid, phase="Running", restarts=1)
    assert node.inspected(uid, attempt=1)["State"]["Running"]


def test_an_agent_that_comes_back_goes_on_where_it_was(engine: Engine, cluster_id: str, image: str) -> None:
    with node_on_engine.running(engine, cluster_id) as node:
        uid = node.add(program(image, *WAITS))
        node.report(uid, phase="Running")
        before = node.inspected(uid)["Id"]
    with node_on_engine.running(engine, cluster_id) as node:
        node.add(program(image, *WAITS), uid=uid, phase="Running")
        node.report(uid, phase="Running")
        assert node.inspected(uid)["Id"] == before


def test_after_a_boot_everything_of_the_earlier_one_is_replaced(engine: Engine, cluster_id: str, image: str) -> None:
    with node_on_engine.running(engine, cluster_id) as node:
        mine, gone = node.add(program(image, *WAITS)), node.add(program(image, *WAITS))
        node.report(mine, phase="Running")
        node.report(gone, phase="Running")
        before = node.inspected(mine)["Id"]
    with node_on_engine.running(engine, cluster_id, boot_id="boot-2") as node:
        node.add(program(image, *WAITS), uid=mine, phase="Running")
        node.report(mine, phase="Running", restarts=1)
        assert before not in [each.id for each in node.containers.listed()]
        assert node.existing(gone) == []


def test_the_engine_tells_of_what_happens_to_containers_of_ours(engine: Engine, cluster_id: str, image: str) -> None:
    made = _made_by_hand(engine, cluster_id, image)
    containers = PodContainers(engine, cluster=cluster_id, node_uid=NODE_UID)
    heard: list[str] = []

    def listen() -> None:
        told = containers.events(silence_s=TIMEOUT_S)
        heard.append(next(each for each in told if each))

    listener = threading.Thread(target=listen)
    listener.start()

    def restarted() -> list[str]:
        # Again and again, since nobody sees when the engine begins to tell.
        engine.api.restart(made, timeout=0)
        return heard

    until(restarted, within_s=TIMEOUT_S, what="the engine tells of a container that ends and starts")
    listener.join()
    assert heard == [made]


def test_one_that_was_made_and_not_started_is_taken_over(engine: Engine, cluster_id: str, image: str) -> None:
    made = _made_by_hand(engine, cluster_id, image)
    with node_on_engine.running(engine, cluster_id) as node:
        node.add(program(image, *WAITS), uid=UID)
        node.report(UID, phase="Running")
        assert node.inspected(UID)["Id"] == made


def _made_by_hand(engine: Engine, cluster: str, image: str) -> str:
    """The container of a pod as an agent leaves it that dies after making it."""
    own = labels.of_pod_container(
        labels.of_node(cluster, uid=NODE_UID, name="node-1", boot_id=BOOT),
        pod_uid=UID,
        namespace="default",
        pod=f"pod-{UID[-6:]}",
        container="main",
        attempt=0,
    )
    name = labels.pod_container(cluster, UID, "main", 0)
    return str(engine.api.create_container(image, command=list(WAITS), name=name, labels=own)["Id"])


def test_somebody_else_s_container_is_never_touched(engine: Engine, cluster_id: str, image: str) -> None:
    uid = "u-1"
    name = labels.pod_container(cluster_id, uid, "main", 0)
    foreign = engine.api.create_container(image, command=list(WAITS), name=name, labels={"whose": "somebody's"})["Id"]
    engine.api.start(foreign)
    try:
        with node_on_engine.running(engine, cluster_id) as node:
            node.add(program(image, *WAITS), uid=uid)
            report = node.report(uid, reason="CreateContainerError")
            assert name in str(report.message)
            assert engine.api.inspect_container(foreign)["State"]["Running"]
    finally:
        engine.api.remove_container(foreign, force=True)


def test_pods_of_a_node_that_is_a_container_share_its_network(engine: Engine, cluster_id: str, image: str) -> None:
    made = engine.api.create_container(
        image, command=list(WAITS), labels=labels.of_node(cluster_id, uid=NODE_UID, name="node-1", boot_id=BOOT)
    )["Id"]
    engine.api.start(made)
    with node_on_engine.running(engine, cluster_id, network_of=made) as node:
        uid = node.add(program(image, *WAITS), program(image, *WAITS, name="side"))
        assert node.report(uid, phase="Running").pod_ip == "10.0.0.7"
        assert node.inspected(uid)["HostConfig"]["NetworkMode"] == f"container:{made}"
        assert len(node.existing(uid)) == 2
