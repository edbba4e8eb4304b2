"""Which simulated nodes beat, and what faults do to them."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controllers.simulator.decide import (
    Fault,
    Registration,
    Round,
    Settings,
    SimulatedNode,
    Work,
    agent_of,
    decide_pods,
    decide_round,
)
from kuberklone.agent.lifecycle import Agent, Container, PodFacts, Remove, Report, Stop

SETTINGS = Settings(heartbeat_interval_ms=10_000, grant_ms=40_000)
ROUND = 99  # a multiple of three: slow nodes beat in it
NOW = ROUND * 10_000 + 1_234
NODE = SimulatedNode(
    uid="uid-1", name="node-1", boot_id="boot-1", registered_boot_id="boot-1", granted_until_ms=NOW + 30_000
)


def play(*nodes: SimulatedNode, last_round: int | None = ROUND - 1, now_ms: int = NOW) -> Round:
    return decide_round(nodes, last_round=last_round, settings=SETTINGS, now_ms=now_ms)


def faulty(kind: str, **changes: object) -> SimulatedNode:
    fault = Fault(kind=kind, restart=bool(changes.pop("restart", False)), boot_id="boot-1")  # type: ignore[arg-type]
    return replace(NODE, fault=fault, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("last_round", "due"),
    [
        pytest.param(ROUND - 1, True, id="the next round has begun"),
        pytest.param(ROUND, False, id="this round has been beaten"),
        pytest.param(None, True, id="just started: at once"),
        pytest.param(ROUND - 7, True, id="rounds were missed: one beat is enough"),
    ],
)
def test_rounds_lie_on_a_grid_of_cluster_time(last_round: int | None, due: bool) -> None:
    played = play(last_round=last_round)

    assert (played.number, played.due) == (ROUND, due)
    assert played.next_wake_ms == (ROUND + 1) * 10_000
    assert played.granted_until_ms == NOW + 40_000


REBOOTED = {"boot_id": "boot-2"}


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        pytest.param(NODE, "beats", id="well"),
        pytest.param(replace(NODE, boot_id=None), "silent", id="no machine"),
        pytest.param(replace(NODE, registered_boot_id=None), "registers", id="its first boot"),
        pytest.param(replace(NODE, **REBOOTED), "registers", id="restarted"),  # type: ignore[arg-type]
        pytest.param(faulty("crash"), "silent", id="crashed"),
        pytest.param(faulty("crash", restart=True), "silent", id="crashed, not yet restarted"),
        pytest.param(faulty("crash", restart=True, **REBOOTED), "registers", id="crashed and restarted"),
        pytest.param(faulty("crash", **REBOOTED), "silent", id="crashed for good: no boot helps"),
        pytest.param(faulty("crash", restart=True, boot_id=None), "silent", id="crashed, then its machine was removed"),
        pytest.param(faulty("freeze"), "silent", id="frozen"),
        pytest.param(faulty("freeze", restart=True, **REBOOTED), "silent", id="frozen: a boot does not thaw"),
        pytest.param(faulty("partition"), "silent", id="partitioned"),
        pytest.param(faulty("partition", **REBOOTED), "silent", id="partitioned: its boot cannot be told"),
        pytest.param(faulty("slow"), "beats", id="slow, in a third round"),
        pytest.param(faulty("slow", **REBOOTED), "registers", id="slow and restarted"),
    ],
)
def test_who_beats(node: SimulatedNode, expected: str) -> None:
    played = play(node)

    registration = Registration(node_uid="uid-1", name="node-1", boot_id=node.boot_id or "")
    assert played.silent == (("uid-1",) if expected == "silent" else ())
    assert played.registrations == ((registration,) if expected == "registers" else ())


def test_a_slow_node_beats_in_one_round_of_three() -> None:
    beats = [not play(faulty("slow"), last_round=number - 1, now_ms=number * 10_000).silent for number in range(90, 96)]

    assert beats == [True, False, False, True, False, False]


@pytest.mark.parametrize(
    ("last_round", "beats"),
    [
        pytest.param(None, True, id="just started: nobody knows what was left out"),
        pytest.param(98, True, id="the third round, 99, was left out"),
        pytest.param(99, False, id="it was not"),
    ],
)
def test_a_slow_node_makes_up_for_a_third_round_that_the_simulator_left_out(
    last_round: int | None, beats: bool
) -> None:
    played = play(faulty("slow"), last_round=last_round, now_ms=101 * 10_000)

    assert (not played.silent) is beats


@pytest.mark.parametrize(
    ("node", "ended"),
    [
        pytest.param(faulty("crash", restart=True, **REBOOTED), True, id="a crash, by a boot"),
        pytest.param(faulty("crash", restart=True), False, id="not before the boot"),
        pytest.param(faulty("crash", **REBOOTED), False, id="not one for good"),
        pytest.param(faulty("partition", restart=True, **REBOOTED), False, id="nor any other fault"),
        pytest.param(NODE, False, id="no fault"),
    ],
)
def test_what_ends_a_fault(node: SimulatedNode, ended: bool) -> None:
    assert play(node).ended_faults == (("uid-1",) if ended else ())


@pytest.mark.parametrize(
    ("node", "condition"),
    [
        pytest.param(NODE, "well", id="well"),
        pytest.param(faulty("crash"), "crashed", id="crashed"),
        pytest.param(
            faulty("crash", restart=True, boot_id="boot-2", registered_boot_id="boot-2"),
            "well",
            id="crashed, restarted and registered",
        ),
        pytest.param(faulty("freeze"), "frozen", id="frozen"),
        pytest.param(faulty("partition"), "partitioned", id="partitioned"),
        pytest.param(faulty("slow"), "slow", id="slow"),
        pytest.param(replace(NODE, boot_id="boot-2"), "partitioned", id="takes no pods before its boot is registered"),
        pytest.param(faulty("slow", boot_id="boot-2"), "partitioned", id="nor does a slow one"),
        pytest.param(faulty("freeze", boot_id="boot-2"), "frozen", id="frozen in its boot"),
    ],
)
def test_the_agent_of_a_node(node: SimulatedNode, condition: str) -> None:
    assert agent_of(node) == Agent(
        node_name="node-1",
        boot_id=node.boot_id or "",
        condition=condition,  # type: ignore[arg-type]
        granted_until_ms=NOW + 30_000,
    )


def test_a_node_without_a_machine_has_no_agent() -> None:
    assert agent_of(replace(NODE, boot_id=None)) is None


AGENT = Agent(node_name="node-1", boot_id="boot-1", granted_until_ms=NOW + 30_000)


def pod(uid: str, **changes: object) -> PodFacts:
    return replace(PodFacts(uid=uid, name=uid, bound_ms=NOW), **changes)  # type: ignore[arg-type]


def container(uid: str, **changes: object) -> Container:
    return replace(Container(pod_uid=uid, boot_id="boot-1", started_ms=NOW - 9_000), **changes)  # type: ignore[arg-type]


def test_a_plan_names_what_each_table_gets() -> None:
    plan = decide_pods(
        [
            Work(pod=pod("new", run_ms=60_000), container=None, agent=AGENT),
            Work(pod=pod("deleted", deleting_ms=NOW), container=container("deleted"), agent=AGENT),
            Work(pod=pod("ended", planned_exit_code=1), container=container("ended", ends_at_ms=NOW), agent=AGENT),
            Work(pod=pod("later", start_delay_ms=5_000), container=None, agent=AGENT),
        ],
        now_ms=NOW,
    )

    assert [each.pod_uid for each in plan.starts] == ["new"]
    assert {(each.pod_uid, each.reason) for each in plan.stops} == {("deleted", "Deleted"), ("ended", "Finished")}
    assert [each.pod_uid for each in plan.exits] == ["ended"]
    assert plan.removes == (Remove(pod_uid="deleted"),)
    assert plan.reports == (
        Report(pod_uid="new", phase="Running", started_ms=NOW),
        Report(pod_uid="ended", phase="Failed", started_ms=NOW - 9_000, finished_ms=NOW, exit_code=1),
    )
    assert plan.next_wake_ms == NOW + 5_000


def test_containers_of_a_node_that_is_gone_are_gone() -> None:
    plan = decide_pods(
        [
            Work(pod=pod("left"), container=container("left"), agent=None),
            Work(pod=pod("unstarted"), container=None, agent=None),
        ],
        now_ms=NOW,
    )

    assert plan.stops == (Stop(pod_uid="left", reason="NodeGone"),)
    assert (plan.starts, plan.reports, plan.removes, plan.next_wake_ms) == ((), (), (), None)


# ----------------------------------------------------------------------------------------------------------- properties

_NODES = st.builds(
    SimulatedNode,
    uid=st.uuids().map(str),
    name=st.just("node"),
    boot_id=st.none() | st.sampled_from(["boot-1", "boot-2"]),
    registered_boot_id=st.none() | st.sampled_from(["boot-1", "boot-2"]),
    fault=st.none()
    | st.builds(
        Fault,
        kind=st.sampled_from(["crash", "freeze", "partition", "slow"]),
        restart=st.booleans(),
        boot_id=st.none() | st.just("boot-1"),
    ),
)


@given(nodes=st.lists(_NODES, max_size=10), last_round=st.none() | st.integers(ROUND - 2, ROUND))
def test_a_silent_node_never_registers_and_no_boot_is_registered_twice(
    nodes: list[SimulatedNode], last_round: int | None
) -> None:
    played = play(*nodes, last_round=last_round)
    registered = {each.node_uid: each.boot_id for each in played.registrations}

    assert registered.keys().isdisjoint(played.silent)
    after = [
        replace(
            node,
            registered_boot_id=registered.get(node.uid, node.registered_boot_id),
            fault=None if node.uid in played.ended_faults else node.fault,
        )
        for node in nodes
    ]
    again = play(*after, last_round=played.number)
    assert (again.registrations, again.ended_faults, again.due) == ((), (), False)


@given(node=_NODES)
def test_a_node_that_cannot_be_heard_neither_takes_pods_nor_reports(node: SimulatedNode) -> None:
    played = play(node, now_ms=NOW)
    agent = agent_of(node)

    if played.silent and agent is not None:
        plan = decide_pods([Work(pod=pod("new"), container=None, agent=agent)], now_ms=NOW)
        assert (plan.starts, plan.reports, plan.removes) == ((), (), ())
