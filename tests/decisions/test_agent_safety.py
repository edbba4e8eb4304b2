"""What a real agent stops so that no pod runs twice: without a grant, after a boot, and where it is not wanted."""

from dataclasses import replace

import pytest

from kuberklone.agent.decide import Action
from kuberklone.agent.facts import Container, Grant, Key, Memory, Node, Pod
from tests.decisions.agent_facts import (
    GRANT_MS,
    KEY,
    NOTHING,
    NOW,
    container,
    exited,
    kill,
    memory,
    node,
    planned,
    pod,
    remove,
    run,
    signal,
    ungranted,
)

MOVABLE = pod(phase="Running", on_node_failure="Reschedule")
STOP_GRACE_MS = 2_500
"""Half of the last part of a grant of forty seconds: its eighth, at most five seconds."""


@pytest.mark.parametrize(
    ("given", "on", "containers", "knowing", "expected"),
    [
        pytest.param(MOVABLE, node(), [container()], memory(), NOTHING, id="the grant holds: it runs"),
        pytest.param(MOVABLE, ungranted(), [container()], memory(), (signal("GrantEnded"),), id="no grant: stopped"),
        pytest.param(
            MOVABLE,
            ungranted(),
            [container()],
            memory(signalled={"c-0": NOW - STOP_GRACE_MS}),
            (kill("GrantEnded"),),
            id="killed, so that it is gone when the grant ends",
        ),
        pytest.param(
            MOVABLE,
            ungranted(),
            [exited(exit_code=143)],
            memory(),
            (remove("c-0", "GrantEnded"),),
            id="and forgotten: it did not end by itself",
        ),
        pytest.param(MOVABLE, ungranted(), [], memory(), NOTHING, id="no grant: not started"),
        pytest.param(
            replace(MOVABLE, deleting=True, grace_ms=600_000),
            ungranted(),
            [container()],
            memory(signalled={"c-0": NOW - STOP_GRACE_MS}),
            (kill(),),
            id="a deletion's long grace ends with the grant",
        ),
        pytest.param(
            replace(MOVABLE, phase="Failed"),
            ungranted(),
            [container()],
            memory(signalled={"c-0": NOW - STOP_GRACE_MS}),
            (kill("Finished"),),
            id="so does that of one that is over",
        ),
        pytest.param(
            replace(MOVABLE, on_node_failure="Delete"),
            ungranted(),
            [container()],
            memory(),
            NOTHING,
            id="nobody else would start it: it runs on",
        ),
        pytest.param(
            replace(MOVABLE, on_node_failure="Delete"), ungranted(), [exited()], memory(),
            (run(attempt=1, restart_delay_ms=10_000),), id="and is restarted",
        ),
        pytest.param(
            MOVABLE,
            node(listed_ms=NOW - 2_000, grant=replace(node().grant, renewed_ms=NOW - 1_000)),
            [container()],
            memory(),
            (signal("GrantEnded"),),
            id="heard again, but the list is older: it may have moved away",
        ),
        pytest.param(
            MOVABLE,
            node(),
            [container()],
            memory(signalled={"c-0": NOW - 10}),
            NOTHING,
            id="heard again while it ends: it ends",
        ),
        pytest.param(
            MOVABLE,
            node(),
            [exited(exit_code=143)],
            memory(signalled={"c-0": NOW - 10}),
            (remove("c-0", "GrantEnded"),),
            id="and is forgotten",
        ),
        pytest.param(MOVABLE, node(), [], memory(), (run(attempt=1),), id="and resumed"),
    ],
)  # fmt: skip
def test_what_would_be_moved_runs_no_longer_than_the_grant(
    given: Pod, on: Node, containers: list[Container], knowing: Memory, expected: tuple[Action, ...]
) -> None:
    assert planned([given], containers, on=on, knowing=knowing).actions == expected


@pytest.mark.parametrize(
    ("given", "knowing"),
    [
        pytest.param(MOVABLE, memory(), id="it runs"),
        pytest.param(
            replace(MOVABLE, deleting=True, grace_ms=600_000), memory(signalled={"c-0": NOW}), id="it is ending, slowly"
        ),
    ],
)
def test_the_agent_wakes_up_in_time_to_stop_what_would_be_moved(given: Pod, knowing: Memory) -> None:
    plan = planned([given], [container()], knowing=knowing)
    assert plan.wake_ms == NOW + GRANT_MS - 1_000 - 5_000


@pytest.mark.parametrize(
    ("lasts_ms", "before_ms"),
    [
        pytest.param(40_000, 5_000, id="an eighth"),
        pytest.param(3_000, 375, id="an eighth of little"),
        pytest.param(400_000, 5_000, id="at most five seconds"),
    ],
)
def test_stopping_begins_before_the_grant_ends(lasts_ms: int, before_ms: int) -> None:
    grant = Grant(until_ms=NOW, lasts_ms=lasts_ms)
    assert grant.stop_at_ms == NOW - before_ms


EARLIER = container(id="old", boot_id="boot-0", pod_uid="pod-9")
FOREIGN = container(id="old", pod_uid="pod-9")
OTHER = Key("pod-9", "main")


@pytest.mark.parametrize(
    ("containers", "expected", "blocked"),
    [
        pytest.param([EARLIER], (remove("old", "EarlierBoot", key=OTHER),), True, id="of an earlier boot"),
        pytest.param([FOREIGN], (remove("old", "PodGone", key=OTHER),), True, id="of a pod that is not mine"),
        pytest.param(
            [container(id="old", boot_id="boot-0")],
            (remove("old", "EarlierBoot"),),
            True,
            id="of an earlier boot, though the pod is mine",
        ),
        pytest.param(
            [replace(FOREIGN, state="Exited")],
            (remove("old", "PodGone", key=OTHER), run()),
            False,
            id="what has ended stands in nobody's way",
        ),
    ],
)
def test_what_must_not_run_is_stopped_before_anything_is_started(
    containers: list[Container], expected: tuple[Action, ...], blocked: bool
) -> None:
    plan = planned([pod()], containers)
    assert (plan.actions, plan.blocked) == (expected, blocked)


@pytest.mark.parametrize(
    ("containers", "expected"),
    [
        pytest.param([FOREIGN], NOTHING, id="nobody said yet whose it is"),
        pytest.param([EARLIER], (remove("old", "EarlierBoot", key=OTHER),), id="an earlier boot is nobody's"),
    ],
)
def test_before_the_first_list_only_earlier_boots_are_stopped(
    containers: list[Container], expected: tuple[Action, ...]
) -> None:
    assert planned(None, containers).actions == expected


def test_what_is_being_worked_on_is_left_alone() -> None:
    assert planned([pod()], [], knowing=memory(busy=frozenset({KEY}))).actions == NOTHING
