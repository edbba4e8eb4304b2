"""Which nodes are restarted, when, and when they are given up."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controllers.node.decide import decide
from controllers.node.facts import NodeFacts
from controllers.node.plan import GiveUp, Plan, Recovered, Schedule, Stable
from tests.decisions.node_rows import (
    ANY_NODES,
    HALTED,
    NOW,
    PATH,
    SETTINGS,
    UID,
    actions,
    boot,
    booted,
    dead,
    machine_of,
    node,
    run,
)


@pytest.mark.parametrize(
    ("each", "expected"),
    [
        pytest.param(
            dead(), Schedule(node_uid=UID, restart_at_ms=NOW + 10_000), id="judged dead: one back-off from there"
        ),
        pytest.param(dead(restart_at_ms=NOW + 10_000), None, id="scheduled already"),
        pytest.param(dead(restart_at_ms=NOW), boot("Failed"), id="due"),
        pytest.param(dead(ready_since_ms=NOW - 30_000), boot("Failed"), id="due while we were away"),
        pytest.param(
            dead(restart_attempts=2), Schedule(node_uid=UID, restart_at_ms=NOW + 40_000), id="the back-off doubles"
        ),
        pytest.param(booted(ms_ago=1_000, attempts=1), None, id="booted and not yet heard"),
        pytest.param(
            booted(ms_ago=60_000, attempts=1),
            boot("Failed", restart_attempts=2, restart_at_ms=NOW + 80_000),
            id="a grace and a back-off later: again",
        ),
        pytest.param(
            booted(ms_ago=200_000, attempts=4),
            boot("Failed", restart_attempts=5, restart_at_ms=NOW + 40_000),
            id="the last attempt gets a grace and no back-off",
        ),
        pytest.param(booted(ms_ago=40_000, attempts=5), GiveUp(node_uid=UID, attempts=5), id="then it is Failed"),
        pytest.param(
            dead(restart_attempts=5), GiveUp(node_uid=UID, attempts=5), id="Ready for a moment after the last attempt"
        ),
        pytest.param(dead(machine="Failed"), None, id="Failed stays Failed"),
        pytest.param(
            dead(machine="Failed", restarts_wanted=1, restart_attempts=5),
            boot("Wanted", restarts_done=1, restart_attempts=0, restart_at_ms=NOW + 50_000),
            id="until a person restarts it: attempts count anew",
        ),
        pytest.param(node(machine="Failed"), Recovered(node_uid=UID), id="or it is heard"),
        pytest.param(
            node(restarts_wanted=3, restarts_done=1, restarts=4),
            boot("Wanted", restarts=5, restarts_done=3, restart_attempts=0, restart_at_ms=NOW + 50_000),
            id="two wishes at once are one restart",
        ),
        pytest.param(
            node(machine="Restarting", boot_id="boot-2", restart_at_ms=NOW + 50_000),
            None,
            id="restarting: it is still the earlier boot that is Ready",
        ),
        pytest.param(
            node(machine="Restarting", boot_id="boot-2", heard_boot_id="boot-2", restart_at_ms=NOW + 50_000),
            Recovered(node_uid=UID),
            id="the new boot is Ready",
        ),
        pytest.param(
            booted(ms_ago=1, attempts=0, heard=False),
            Recovered(node_uid=UID),
            id="restarted before it was ever heard: waited for without a deadline",
        ),
        pytest.param(node(restart_at_ms=NOW + 1), Recovered(node_uid=UID), id="healed before its restart"),
        pytest.param(
            node(restart_attempts=3, ready_since_ms=NOW - 40_000),
            Stable(node_uid=UID),
            id="Ready as long as the back-off last waited",
        ),
        pytest.param(node(restart_attempts=3, ready_since_ms=NOW - 39_999), None, id="Ready not yet as long"),
        pytest.param(dead(path=None), None, id="no path known"),
    ],
)
def test_a_failed_node_is_restarted(each: NodeFacts, expected: object) -> None:
    assert actions(run(each)) == ([] if expected is None else [expected])


@pytest.mark.parametrize(
    ("attempts", "expected_ms"),
    [(0, 10_000), (1, 20_000), (4, 160_000), (5, 300_000), (6, 300_000), (10**6, 300_000)],
)
def test_back_off_doubles_up_to_its_limit(attempts: int, expected_ms: int) -> None:
    assert SETTINGS.backoff_after_ms(attempts) == expected_ms


@pytest.mark.parametrize(
    ("each", "expected_ms"),
    [
        pytest.param(dead(), 10_000, id="at its restart"),
        pytest.param(booted(ms_ago=10_000, attempts=1), 50_000, id="when a booted one is tried again"),
        pytest.param(node(restart_attempts=3, ready_since_ms=NOW - 30_000), 10_000, id="when it is stable"),
        pytest.param(node(), None, id="all is well"),
    ],
)
def test_the_next_pass_comes_when_something_is_due(each: NodeFacts, expected_ms: int | None) -> None:
    assert run(each).next_wake_ms == (None if expected_ms is None else NOW + expected_ms)


def test_a_halted_path_is_looked_at_when_a_probe_should_have_been_heard() -> None:
    assert run(booted(ms_ago=10_000, attempts=1), path=HALTED).next_wake_ms == NOW + 30_000


def test_nobody_is_restarted_while_the_path_is_silent() -> None:
    silent = replace(PATH, received_ms=NOW - 40_001)

    assert actions(run(dead(restart_at_ms=NOW), path=silent)) == []


DUE = [dead(f"node-{each}", restart_at_ms=NOW - each) for each in range(1, 6)]


def booted_names(plan: Plan) -> list[str]:
    return [each.name for each in plan.boots]


@pytest.mark.parametrize(
    ("nodes", "ready", "expected"),
    [
        pytest.param(DUE, 0, ["node-5"], id="nobody is Ready: one, the one due first"),
        pytest.param(DUE, 2, ["node-5", "node-4"], id="two are Ready: two"),
        pytest.param([*DUE, booted("probe", ms_ago=1_000, attempts=1)], 0, [], id="one is being tried"),
        pytest.param(
            [*DUE, booted("probe", ms_ago=41_000, attempts=1)],
            0,
            ["node-5"],
            id="it was not heard within its grace: the next",
        ),
        pytest.param(
            [*DUE, dead("tried", restart_at_ms=NOW - 99, restart_attempts=1)],
            0,
            ["node-5"],
            id="those tried least come first",
        ),
        pytest.param(
            [dead(restart_at_ms=NOW, restarts_wanted=1), *DUE[1:]],
            0,
            ["node-1", "node-5"],
            id="a person's wish is no probe",
        ),
    ],
)
def test_restarts_on_a_halted_path_only_probe(nodes: list[NodeFacts], ready: int, expected: list[str]) -> None:
    assert booted_names(run(*nodes, path=replace(HALTED, ready=ready))) == expected


@pytest.mark.parametrize(
    ("back_since_ms", "expected"),
    [
        pytest.param(9_999, [], id="heard only just now: the others may follow by themselves"),
        pytest.param(10_000, ["node-5"], id="heard for a back-off, and nobody followed"),
    ],
)
def test_a_probe_that_returned_gives_the_others_a_back_off_to_be_heard(back_since_ms: int, expected: list[str]) -> None:
    back = node("probe", restart_attempts=1, ready_since_ms=NOW - back_since_ms)

    assert booted_names(run(*DUE, back, path=replace(HALTED, ready=1))) == expected


def test_restarts_count_anew_when_a_path_leaves_its_halt() -> None:
    resumed = replace(PATH, resumed_ms=NOW - 4_000)

    assert actions(run(dead(restart_at_ms=NOW - 1), path=resumed)) == [
        Schedule(node_uid=UID, restart_at_ms=NOW + 6_000)
    ]


@given(nodes=ANY_NODES, ready=st.integers(0, 3))
def test_a_halted_path_never_restarts_more_nodes_by_itself_than_are_ready_or_one(
    nodes: list[NodeFacts], ready: int
) -> None:
    plan = run(*nodes, path=replace(HALTED, ready=ready))

    assert sum(each.reason == "Failed" for each in plan.boots) <= max(1, ready)


def test_a_node_that_never_returns_is_tried_five_times_at_growing_distances_and_then_given_up() -> None:
    each, now_ms, boots_at_s = dead(ready_since_ms=0), 0, []
    while True:
        path = replace(PATH, received_ms=now_ms)
        plan = decide(
            [each], machines={"simulated": [machine_of(each)]}, paths=[path], settings=SETTINGS, now_ms=now_ms
        )
        if plan.given_up:
            break
        for booted_now in plan.boots:
            boots_at_s.append(now_ms // 1_000)
            each = replace(
                each,
                machine=booted_now.machine,
                boot_id=f"boot-{now_ms}",
                restart_attempts=booted_now.restart_attempts,
                restart_at_ms=booted_now.restart_at_ms,
            )
        for schedule in plan.schedules:
            each = replace(each, restart_at_ms=schedule.restart_at_ms)
        now_ms = plan.next_wake_ms or now_ms + 1

    assert boots_at_s == [10, 70, 150, 270, 470]
    assert now_ms == 510_000
