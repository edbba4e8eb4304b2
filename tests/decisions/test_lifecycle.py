"""What a node's agent does with its pods."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kuberklone.agent.lifecycle import (
    Action,
    Agent,
    Container,
    Exit,
    PodFacts,
    Remove,
    Report,
    Start,
    Stop,
    next_step_ms,
    settle,
    step,
)

NOW = 1_000_000
AGENT = Agent(node_name="node-1", boot_id="boot-1", granted_until_ms=NOW + 40_000)
SLOW, PARTITIONED, FROZEN, CRASHED = (
    replace(AGENT, condition=condition) for condition in ("slow", "partitioned", "frozen", "crashed")
)
POD = PodFacts(uid="pod-1", name="web", bound_ms=NOW - 100)
RUNNING_POD = replace(POD, phase="Running")
MOVABLE = replace(RUNNING_POD, on_node_failure="Reschedule")
DELETED = replace(RUNNING_POD, deleting_ms=NOW - 100)
RUNNING = Container(pod_uid="pod-1", boot_id="boot-1", started_ms=NOW - 5_000)
ENDING = replace(RUNNING, ends_at_ms=NOW - 10)
EXITED = replace(RUNNING, state="Exited", exit_code=0, ended_ms=NOW - 10)


def start(**changes: object) -> Start:
    first = Start(
        pod_uid="pod-1",
        namespace="default",
        name="web",
        node_name="node-1",
        boot_id="boot-1",
        started_ms=NOW,
        ends_at_ms=None,
    )
    return replace(first, **changes)  # type: ignore[arg-type]


def ungranted(agent: Agent) -> Agent:
    return replace(agent, granted_until_ms=NOW)


@pytest.mark.parametrize(
    ("pod", "container", "agent", "expected"),
    [
        pytest.param(POD, None, AGENT, start(), id="bound: started"),
        pytest.param(
            replace(POD, run_ms=60_000), None, AGENT, start(ends_at_ms=NOW + 60_000), id="it knows when it will end"
        ),
        pytest.param(
            replace(POD, run_ms=0), None, AGENT, start(ends_at_ms=NOW + 1), id="no run is too short to be seen"
        ),
        pytest.param(replace(POD, start_delay_ms=100), None, AGENT, start(), id="its start delay is over"),
        pytest.param(replace(POD, start_delay_ms=101), None, AGENT, None, id="its start delay is not over"),
        pytest.param(replace(POD, start_delay_ms=100), None, SLOW, None, id="ten times as long on a slow node"),
        pytest.param(replace(POD, start_delay_ms=10), None, SLOW, start(), id="and over"),
        pytest.param(
            POD,
            RUNNING,
            AGENT,
            Report(pod_uid="pod-1", phase="Running", started_ms=NOW - 5_000),
            id="running: reported",
        ),
        pytest.param(RUNNING_POD, RUNNING, AGENT, None, id="all is well"),
        pytest.param(
            RUNNING_POD, ENDING, AGENT, Exit(pod_uid="pod-1", exit_code=0, ended_ms=NOW - 10), id="its run is over"
        ),
        pytest.param(
            replace(RUNNING_POD, planned_exit_code=3),
            ENDING,
            AGENT,
            Exit(pod_uid="pod-1", exit_code=3, ended_ms=NOW - 10),
            id="with the exit code that was planned",
        ),
        pytest.param(
            RUNNING_POD,
            EXITED,
            AGENT,
            Report(pod_uid="pod-1", phase="Succeeded", finished_ms=NOW - 10, exit_code=0),
            id="exit code 0: Succeeded",
        ),
        pytest.param(
            RUNNING_POD,
            replace(EXITED, exit_code=3),
            AGENT,
            Report(pod_uid="pod-1", phase="Failed", finished_ms=NOW - 10, exit_code=3),
            id="any other: Failed",
        ),
        pytest.param(
            POD,
            EXITED,
            AGENT,
            Report(pod_uid="pod-1", phase="Succeeded", started_ms=NOW - 5_000, finished_ms=NOW - 10, exit_code=0),
            id="it ended before anybody heard that it ran",
        ),
        pytest.param(
            replace(POD, phase="Succeeded"),
            EXITED,
            AGENT,
            Stop(pod_uid="pod-1", reason="Finished"),
            id="finished: forgotten",
        ),
        pytest.param(replace(POD, phase="Succeeded"), None, AGENT, None, id="a finished pod is not started again"),
    ],
)
def test_a_pod_runs_its_course(
    pod: PodFacts, container: Container | None, agent: Agent, expected: Action | None
) -> None:
    assert step(pod, container, agent=agent, now_ms=NOW) == expected


@pytest.mark.parametrize(
    ("pod", "container", "agent", "expected"),
    [
        pytest.param(DELETED, RUNNING, AGENT, Stop(pod_uid="pod-1", reason="Deleted"), id="stopped at once"),
        pytest.param(DELETED, None, AGENT, Remove(pod_uid="pod-1"), id="stopped: removed"),
        pytest.param(replace(DELETED, held=True), None, AGENT, None, id="not while a finalizer holds it"),
        pytest.param(DELETED, EXITED, AGENT, Stop(pod_uid="pod-1", reason="Deleted"), id="ended by itself meanwhile"),
        pytest.param(replace(POD, deleting_ms=NOW), None, AGENT, Remove(pod_uid="pod-1"), id="never started"),
        pytest.param(DELETED, RUNNING, SLOW, None, id="a slow node takes its time"),
        pytest.param(
            replace(DELETED, deleting_ms=NOW - 1_000),
            RUNNING,
            SLOW,
            Stop(pod_uid="pod-1", reason="Deleted"),
            id="a second",
        ),
        pytest.param(
            replace(DELETED, deletion_grace_s=0),
            RUNNING,
            SLOW,
            Stop(pod_uid="pod-1", reason="Deleted"),
            id="but no more than the grace",
        ),
        pytest.param(replace(DELETED, deletion_grace_s=30), RUNNING, SLOW, None, id="a long grace is not used up"),
        pytest.param(None, RUNNING, AGENT, Stop(pod_uid="pod-1", reason="PodGone"), id="its pod is gone or elsewhere"),
        pytest.param(None, EXITED, AGENT, Stop(pod_uid="pod-1", reason="PodGone"), id="gone after it ended"),
        pytest.param(None, None, AGENT, None, id="nothing there"),
    ],
)
def test_a_deleted_pod_is_stopped_and_then_removed(
    pod: PodFacts | None, container: Container | None, agent: Agent, expected: Action | None
) -> None:
    assert step(pod, container, agent=agent, now_ms=NOW) == expected


@pytest.mark.parametrize(
    ("pod", "container", "agent", "expected"),
    [
        pytest.param(MOVABLE, RUNNING, PARTITIONED, None, id="partitioned: runs on while the grant lasts"),
        pytest.param(
            MOVABLE,
            RUNNING,
            ungranted(PARTITIONED),
            Stop(pod_uid="pod-1", reason="GrantEnded"),
            id="and stops at its end",
        ),
        pytest.param(
            MOVABLE, RUNNING, ungranted(AGENT), Stop(pod_uid="pod-1", reason="GrantEnded"), id="whatever cut us off"
        ),
        pytest.param(
            RUNNING_POD, RUNNING, ungranted(PARTITIONED), None, id="a pod that nobody will start elsewhere runs on"
        ),
        pytest.param(
            None,
            RUNNING,
            ungranted(PARTITIONED),
            Stop(pod_uid="pod-1", reason="GrantEnded"),
            id="a pod that is gone may run elsewhere",
        ),
        pytest.param(
            MOVABLE,
            ENDING,
            ungranted(PARTITIONED),
            Exit(pod_uid="pod-1", exit_code=0, ended_ms=NOW - 10),
            id="ended before the grant did",
        ),
        pytest.param(
            MOVABLE,
            replace(ENDING, ends_at_ms=NOW),
            ungranted(PARTITIONED),
            Stop(pod_uid="pod-1", reason="GrantEnded"),
            id="the grant ended first",
        ),
        pytest.param(
            None,
            ENDING,
            PARTITIONED,
            Exit(pod_uid="pod-1", exit_code=0, ended_ms=NOW - 10),
            id="it ends although its pod is gone",
        ),
        pytest.param(MOVABLE, None, AGENT, start(), id="heard again and still its own: started anew"),
        pytest.param(MOVABLE, None, ungranted(AGENT), None, id="not without a grant"),
        pytest.param(RUNNING_POD, EXITED, PARTITIONED, None, id="partitioned: no report gets out"),
        pytest.param(POD, None, PARTITIONED, None, id="partitioned: no pod gets in"),
        pytest.param(DELETED, RUNNING, PARTITIONED, None, id="partitioned: no deletion gets in"),
        pytest.param(DELETED, None, PARTITIONED, None, id="partitioned: no confirmation gets out"),
        pytest.param(None, RUNNING, PARTITIONED, None, id="partitioned: it does not know that its pod is gone"),
        pytest.param(MOVABLE, ENDING, ungranted(FROZEN), None, id="frozen: nothing happens at all"),
        pytest.param(POD, None, FROZEN, None, id="frozen: nothing starts"),
        pytest.param(RUNNING_POD, RUNNING, CRASHED, Stop(pod_uid="pod-1", reason="Crashed"), id="crashed: all is gone"),
        pytest.param(POD, None, CRASHED, None, id="crashed: nothing starts"),
        *(
            pytest.param(
                RUNNING_POD,
                replace(RUNNING, boot_id="boot-0"),
                agent,
                Stop(pod_uid="pod-1", reason="EarlierBoot"),
                id=f"{agent.condition}: what an earlier boot ran is gone",
            )
            for agent in (AGENT, SLOW, PARTITIONED, FROZEN, CRASHED)
        ),
    ],
)
def test_faults_decide_what_can_happen(
    pod: PodFacts | None, container: Container | None, agent: Agent, expected: Action | None
) -> None:
    assert step(pod, container, agent=agent, now_ms=NOW) == expected


@pytest.mark.parametrize(
    ("pod", "container", "agent", "expected"),
    [
        pytest.param(POD, None, AGENT, [Start, Report], id="started and reported at once"),
        pytest.param(RUNNING_POD, ENDING, AGENT, [Exit, Report, Stop], id="ended, reported, forgotten"),
        pytest.param(
            RUNNING_POD, replace(RUNNING, boot_id="boot-0"), AGENT, [Stop, Start], id="lost in a reboot, started again"
        ),
        pytest.param(DELETED, RUNNING, AGENT, [Stop, Remove], id="stopped and removed"),
        pytest.param(RUNNING_POD, RUNNING, AGENT, [], id="nothing to do"),
    ],
)
def test_all_steps_that_are_due_are_taken(
    pod: PodFacts, container: Container | None, agent: Agent, expected: list[type]
) -> None:
    actions, _ = settle(pod, container, agent=agent, now_ms=NOW)

    assert [type(action) for action in actions] == expected


@pytest.mark.parametrize(
    ("pod", "container", "agent", "expected_ms"),
    [
        pytest.param(replace(POD, start_delay_ms=5_000), None, AGENT, 4_900, id="its start"),
        pytest.param(RUNNING_POD, replace(RUNNING, ends_at_ms=NOW + 7_000), AGENT, 7_000, id="its end"),
        pytest.param(replace(POD, run_ms=9_000), None, AGENT, 9_000, id="the end of what starts now"),
        pytest.param(DELETED, RUNNING, SLOW, 900, id="the end of a slow stop"),
        pytest.param(MOVABLE, RUNNING, PARTITIONED, 40_000, id="the end of the grant"),
        pytest.param(MOVABLE, RUNNING, AGENT, None, id="a grant that will be renewed"),
        pytest.param(RUNNING_POD, RUNNING, PARTITIONED, None, id="a pod that needs no grant"),
        pytest.param(MOVABLE, replace(RUNNING, ends_at_ms=NOW + 7_000), FROZEN, None, id="frozen"),
        pytest.param(DELETED, RUNNING, AGENT, None, id="removed"),
        pytest.param(replace(POD, phase="Failed"), None, AGENT, None, id="finished"),
        pytest.param(RUNNING_POD, EXITED, PARTITIONED, None, id="ended and not yet reported"),
    ],
)
def test_the_next_step_is_known(
    pod: PodFacts, container: Container | None, agent: Agent, expected_ms: int | None
) -> None:
    _, next_ms = settle(pod, container, agent=agent, now_ms=NOW)

    assert next_ms == (None if expected_ms is None else NOW + expected_ms)


# ----------------------------------------------------------------------------------------------------------- properties

_TIMES = st.integers(NOW - 20_000, NOW + 20_000)
_PODS = st.none() | st.builds(
    PodFacts,
    uid=st.just("pod-1"),
    name=st.just("web"),
    phase=st.sampled_from(["Pending", "Running", "Succeeded", "Failed"]),
    bound_ms=_TIMES,
    deleting_ms=st.none() | _TIMES,
    deletion_grace_s=st.none() | st.integers(0, 3),
    held=st.booleans(),
    on_node_failure=st.sampled_from(["Delete", "Reschedule"]),
    start_delay_ms=st.integers(0, 2_000),
    run_ms=st.none() | st.integers(0, 2_000),
    planned_exit_code=st.integers(0, 2),
)
_CONTAINERS = st.none() | st.one_of(
    st.builds(
        Container,
        pod_uid=st.just("pod-1"),
        boot_id=st.sampled_from(["boot-0", "boot-1"]),
        started_ms=_TIMES,
        ends_at_ms=st.none() | _TIMES,
    ),
    st.builds(
        Container,
        pod_uid=st.just("pod-1"),
        boot_id=st.sampled_from(["boot-0", "boot-1"]),
        state=st.just("Exited"),
        started_ms=_TIMES,
        exit_code=st.integers(0, 2),
        ended_ms=_TIMES,
    ),
)
_AGENTS = st.builds(
    Agent,
    node_name=st.just("node-1"),
    boot_id=st.just("boot-1"),
    condition=st.sampled_from(["well", "slow", "partitioned", "frozen", "crashed"]),
    granted_until_ms=_TIMES,
)


@given(pod=_PODS, container=_CONTAINERS, agent=_AGENTS)
def test_settling_ends_and_never_stops_what_it_has_just_started(
    pod: PodFacts | None, container: Container | None, agent: Agent
) -> None:
    actions, next_ms = settle(pod, container, agent=agent, now_ms=NOW)
    kinds = [type(action) for action in actions]

    assert len(kinds) <= 3
    assert Start not in kinds or Stop not in kinds[kinds.index(Start) :]
    assert next_ms is None or next_ms > NOW


@given(pod=_PODS, container=_CONTAINERS, agent=_AGENTS)
def test_nothing_of_a_movable_pod_runs_on_without_a_grant(
    pod: PodFacts | None, container: Container | None, agent: Agent
) -> None:
    movable = None if pod is None else replace(pod, on_node_failure="Reschedule")
    thawed = replace(agent, granted_until_ms=NOW, condition="well" if agent.condition == "frozen" else agent.condition)
    actions, _ = settle(movable, container, agent=thawed, now_ms=NOW)

    running = container is not None and container.state == "Running"
    ended = any(isinstance(action, Stop | Exit) for action in actions)
    assert ended or not running
    assert not any(isinstance(action, Start) for action in actions)


@given(pod=_PODS, container=_CONTAINERS, agent=_AGENTS)
def test_a_pod_is_removed_only_when_nothing_of_it_runs(
    pod: PodFacts | None, container: Container | None, agent: Agent
) -> None:
    actions, _ = settle(pod, container, agent=agent, now_ms=NOW)

    if any(isinstance(action, Remove) for action in actions):
        assert container is None or any(isinstance(action, Stop) for action in actions)
        assert pod is not None
        assert pod.deleting_ms is not None


@given(pod=_PODS, container=_CONTAINERS, agent=_AGENTS)
def test_nothing_is_missed_between_now_and_the_next_step(
    pod: PodFacts | None, container: Container | None, agent: Agent
) -> None:
    """While neither pod nor node changes, and grants are renewed where beats get through."""
    if agent.condition in ("well", "slow"):
        agent = replace(agent, granted_until_ms=NOW + 10**6)
    if step(pod, container, agent=agent, now_ms=NOW) is not None:
        return
    next_ms = next_step_ms(pod, container, agent=agent, now_ms=NOW)
    for later_ms in range(NOW + 1, NOW + 20_000, 997):
        if next_ms is not None and later_ms >= next_ms:
            assert step(pod, container, agent=agent, now_ms=next_ms) is not None
            return
        assert step(pod, container, agent=agent, now_ms=later_ms) is None
