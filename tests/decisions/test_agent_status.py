"""What a real agent reports of a pod, in the kubelet's words."""

from dataclasses import replace
from typing import Any

import msgspec
import pytest
from hypothesis import given

from kuberklone.agent import status
from kuberklone.agent.facts import Container, Memory, Pod
from kuberklone.agent.status import Surroundings
from kuberklone.kinds.reporting import PodReport
from tests.decisions import test_agent_properties as properties
from tests.decisions.agent_facts import NOW, container, exited, failure, memory, pod

AROUND = Surroundings(node_address="10.0.0.7", now_ms=NOW)
IMAGES = {"main": "app:1"}
RUNNING = pod(phase="Running")


def report(
    given: Pod, containers: list[Container], *, knowing: Memory | None = None, around: Surroundings = AROUND
) -> PodReport:
    return status.report(given, containers, images=IMAGES, memory=knowing or memory(), around=around)


def members(said: PodReport) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.json.decode(said.status)
    return found


def state(said: PodReport, place: int = 0) -> dict[str, Any]:
    found: dict[str, Any] = members(said)["containerStatuses"][place]["state"]
    return found


@pytest.mark.parametrize(
    ("given", "containers", "phase"),
    [
        pytest.param(pod(), [], "Pending", id="nothing exists yet"),
        pytest.param(pod(), [container(state="Created")], "Pending", id="made, not started"),
        pytest.param(pod(), [container()], "Running", id="it runs"),
        pytest.param(RUNNING, [], "Running", id="what ran does not become Pending again"),
        pytest.param(RUNNING, [exited(exit_code=1)], "Running", id="it will be restarted"),
        pytest.param(replace(RUNNING, policy="Never"), [exited()], "Succeeded", id="it is done"),
        pytest.param(replace(RUNNING, policy="OnFailure"), [exited()], "Succeeded", id="it is done, at last"),
        pytest.param(replace(RUNNING, policy="Never"), [exited(exit_code=3)], "Failed", id="it failed"),
        pytest.param(
            replace(RUNNING, policy="Never", mains=("main", "side")),
            [exited(), container(id="c-1", name="side")],
            "Running",
            id="one of two is done",
        ),
        pytest.param(
            replace(RUNNING, policy="Never", mains=("main", "side")),
            [exited(), exited(id="c-1", name="side", exit_code=1)],
            "Failed",
            id="both are, and one failed",
        ),
        pytest.param(pod(mains=("main", "side")), [container()], "Pending", id="one of two has not started"),
        pytest.param(pod(init=("first",)), [container(name="first")], "Pending", id="it is being prepared"),
        pytest.param(
            pod(init=("first",), policy="Never"),
            [exited(name="first", exit_code=1)],
            "Failed",
            id="preparing it failed",
        ),
        pytest.param(pod(invalid="no containers", mains=()), [], "Pending", id="nobody can run it"),
        pytest.param(
            replace(RUNNING, deleting=True, held=True),
            [exited(exit_code=143)],
            "Failed",
            id="deleted, and held by somebody",
        ),
    ],
)
def test_the_phase_follows_from_all_containers(given: Pod, containers: list[Container], phase: str) -> None:
    assert report(given, containers).phase == phase


@pytest.mark.parametrize(
    ("given", "containers", "knowing", "reason", "message"),
    [
        pytest.param(pod(), [], memory(), None, None, id="all is well"),
        pytest.param(
            pod(), [], memory(failure=failure()), "ImagePullBackOff", "no such image", id="its image is missing"
        ),
        pytest.param(
            RUNNING,
            [exited(exit_code=1, restart_delay_ms=20_000)],
            memory(),
            "CrashLoopBackOff",
            "back-off 20s restarting failed container main",
            id="it crashes again and again",
        ),
        pytest.param(RUNNING, [exited(exit_code=1)], memory(), None, None, id="it is restarted at once"),
        pytest.param(
            replace(RUNNING, policy="Never"), [exited(exit_code=1)], memory(), "Error", None, id="it failed for good"
        ),
        pytest.param(
            replace(RUNNING, policy="Never"),
            [exited(exit_code=137, out_of_memory=True)],
            memory(),
            "OOMKilled",
            None,
            id="its memory did not suffice",
        ),
        pytest.param(
            pod(policy="Never"),
            [container(state="Created")],
            memory(failure=failure(reason="RunContainerError", at_start=True)),
            "StartError",
            None,
            id="its command could not be run, and there is no second try",
        ),
        pytest.param(
            pod(invalid="spec.containers: the pod has none"),
            [],
            memory(),
            "CreateContainerConfigError",
            "spec.containers: the pod has none",
            id="nobody can run it",
        ),
    ],
)
def test_the_reason_is_the_first_thing_to_know(
    given: Pod, containers: list[Container], knowing: Memory, reason: str | None, message: str | None
) -> None:
    said = report(given, containers, knowing=knowing)
    assert (said.reason, said.message) == (reason, message)


def test_a_pod_that_waits_for_others_to_stop_says_so() -> None:
    said = report(pod(), [], around=replace(AROUND, blocked=True))
    assert said.reason == "ContainerCreating"
    assert said.message is not None
    assert "stopped" in said.message


@pytest.mark.parametrize(
    ("given", "containers", "knowing", "expected"),
    [
        pytest.param(pod(), [], memory(), {"waiting": {"reason": "ContainerCreating"}}, id="it is being made"),
        pytest.param(
            pod(init=("first",)), [], memory(), {"waiting": {"reason": "PodInitializing"}}, id="others come first"
        ),
        pytest.param(
            pod(),
            [],
            memory(failure=failure()),
            {"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}},
            id="it cannot be made",
        ),
        pytest.param(
            pod(),
            [container(started_at="2026-11-29T11:00:00Z")],
            memory(),
            {"running": {"startedAt": "2026-11-29T11:00:00Z"}},
            id="it runs",
        ),
        pytest.param(
            RUNNING,
            [exited(exit_code=2, restart_delay_ms=10_000)],
            memory(),
            {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 10s restarting failed container main"}},
            id="it waits for its restart",
        ),
        pytest.param(
            RUNNING,
            [exited(exit_code=2, started_at="a", ended_at="b", error="boom")],
            memory(),
            {
                "terminated": {
                    "exitCode": 2,
                    "reason": "Error",
                    "message": "boom",
                    "startedAt": "a",
                    "finishedAt": "b",
                    "containerID": "docker://c-0",
                }
            },
            id="its restart is due",
        ),
        pytest.param(
            pod(policy="Never"),
            [container(state="Created")],
            memory(failure=failure(at_start=True, message="no such file")),
            {"terminated": {"exitCode": 128, "reason": "StartError", "message": "no such file"}},
            id="it could not be run, and never will",
        ),
    ],
)
def test_a_container_has_one_of_three_states(
    given: Pod, containers: list[Container], knowing: Memory, expected: dict[str, Any]
) -> None:
    assert state(report(given, containers, knowing=knowing)) == expected


def test_what_ended_before_is_the_last_state() -> None:
    first, second = exited(exit_code=2), container(id="c-1", attempt=1)
    found = members(report(RUNNING, [first, second]))["containerStatuses"][0]
    assert found["lastState"]["terminated"]["exitCode"] == 2
    assert found["restartCount"] == 1
    assert found["containerID"] == "docker://c-1"


def test_while_it_waits_for_its_restart_its_end_is_the_last_state() -> None:
    found = members(report(RUNNING, [exited(exit_code=2, restart_delay_ms=10_000, attempt=3)]))["containerStatuses"][0]
    assert found["lastState"]["terminated"]["exitCode"] == 2
    assert found["restartCount"] == 3


def test_init_containers_have_statuses_of_their_own() -> None:
    said = report(pod(init=("first",)), [exited(name="first"), container(id="c-1")])
    (init,) = members(said)["initContainerStatuses"]
    assert (init["name"], init["ready"], init["state"]["terminated"]["reason"]) == ("first", True, "Completed")


@pytest.mark.parametrize(
    ("containers", "address"),
    [
        pytest.param([container(address="172.17.0.2")], "172.17.0.2", id="its own"),
        pytest.param([container()], "10.0.0.7", id="its node's, where it shares the network"),
        pytest.param([], None, id="none while nothing runs"),
    ],
)
def test_the_pod_has_the_address_of_its_network(containers: list[Container], address: str | None) -> None:
    assert report(pod(), containers).pod_ip == address


def test_times_are_told_as_ages() -> None:
    assert report(pod(), [container()]).started_ago_ms == 60_000
    done = report(pod(policy="Never"), [exited(ago_ms=1_500)])
    assert (done.started_ago_ms, done.finished_ago_ms, done.exit_code) == (60_000, 1_500, 0)


def test_a_pod_that_is_started_again_keeps_its_first_start() -> None:
    assert report(RUNNING, [container(attempt=1)]).started_ago_ms is None


def test_restarts_are_never_fewer_than_the_cluster_knows() -> None:
    assert report(replace(RUNNING, restarts=7), [container(attempt=2)]).restarts == 7
    assert report(replace(RUNNING, restarts=1), [container(attempt=2)]).restarts == 2


@given(properties.worlds())
def test_whatever_exists_can_be_reported(world: dict[str, Any]) -> None:
    for each in world["pods"].values():
        own = [one for one in world["containers"] if one.pod_uid == each.uid]
        said = report(each, own, knowing=world["memory"])
        # What the API checks of every report.
        assert msgspec.json.decode(msgspec.json.encode(said), type=PodReport) == said
        finished = said.phase in ("Succeeded", "Failed")
        assert finished == (said.exit_code is not None) == (said.finished_ago_ms is not None)
        assert (said.phase == "Succeeded") == (said.exit_code == 0)
