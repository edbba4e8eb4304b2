"""What a real agent does with its containers."""

from dataclasses import replace

import pytest

from kuberklone.agent.decide import BACKOFF_FIRST_MS, BACKOFF_MAX_MS, FORGIVEN_AFTER_MS, Action, Run
from kuberklone.agent.facts import NETWORK, Container, Key, Memory, Pod
from tests.decisions.agent_facts import (
    KEY,
    NOTHING,
    NOW,
    container,
    exited,
    failure,
    kill,
    memory,
    planned,
    pod,
    remove,
    run,
    signal,
)


@pytest.mark.parametrize(
    ("given", "containers", "expected"),
    [
        pytest.param(pod(), [], (run(),), id="bound: run"),
        pytest.param(pod(), [container()], NOTHING, id="it runs: nothing to do"),
        pytest.param(
            pod(),
            [container(state="Created", attempt=2, restart_delay_ms=20_000)],
            (run(attempt=2, restart_delay_ms=20_000),),
            id="made and not started: started",
        ),
        pytest.param(pod(starts_at_ms=NOW), [], (run(),), id="its start delay is over"),
        pytest.param(pod(starts_at_ms=NOW + 1), [], NOTHING, id="its start delay is not over"),
        pytest.param(pod(invalid="no containers"), [], NOTHING, id="nobody can run it"),
        pytest.param(
            pod(phase="Running", restarts=4), [], (run(attempt=5),), id="it ran, and nothing is left: its count goes on"
        ),
        pytest.param(
            pod(phase="Running", restarts=4, mains=("main", "side")),
            [],
            (run(), run(key=Key("pod-1", "side"))),
            id="of several containers nobody knows whose count it was",
        ),
    ],
)
def test_a_pod_is_run(given: Pod, containers: list[Container], expected: tuple[Action, ...]) -> None:
    assert planned([given], containers).actions == expected


@pytest.mark.parametrize(
    ("policy", "ended", "expected"),
    [
        pytest.param("Always", exited(), (run(attempt=1, restart_delay_ms=10_000),), id="Always: after success"),
        pytest.param(
            "Always", exited(exit_code=1), (run(attempt=1, restart_delay_ms=10_000),), id="Always: after failure"
        ),
        pytest.param("OnFailure", exited(), NOTHING, id="OnFailure: not after success"),
        pytest.param(
            "OnFailure", exited(exit_code=1), (run(attempt=1, restart_delay_ms=10_000),), id="OnFailure: after failure"
        ),
        pytest.param("Never", exited(exit_code=1), NOTHING, id="Never"),
    ],
)
def test_the_restart_policy_says_whether_it_runs_again(
    policy: str, ended: Container, expected: tuple[Action, ...]
) -> None:
    assert planned([pod(policy=policy)], [ended]).actions == expected


@pytest.mark.parametrize(
    ("ended", "expected", "wake_ms"),
    [
        pytest.param(
            exited(restart_delay_ms=10_000, ago_ms=9_999), None, NOW + 1, id="the second restart waits ten seconds"
        ),
        pytest.param(
            exited(restart_delay_ms=10_000, ago_ms=10_000),
            20_000,
            None,
            id="then it comes, and the next one waits twice as long",
        ),
        pytest.param(
            exited(restart_delay_ms=160_000, ago_ms=160_000), BACKOFF_MAX_MS, None, id="but never above five minutes"
        ),
        pytest.param(
            exited(restart_delay_ms=300_000, started_ms=NOW - FORGIVEN_AFTER_MS - 1_000),
            BACKOFF_FIRST_MS,
            None,
            id="ten minutes of running are forgiveness",
        ),
    ],
)
def test_a_crashing_container_waits_longer_each_time(
    ended: Container, expected: int | None, wake_ms: int | None
) -> None:
    plan = planned([pod()], [ended])
    assert [each.restart_delay_ms for each in plan.actions if isinstance(each, Run)] == (
        [] if expected is None else [expected]
    )
    assert plan.wake_ms == wake_ms


def test_only_the_last_ended_run_is_kept_beside_the_present_one() -> None:
    runs = [exited(id=f"c-{attempt}", attempt=attempt) for attempt in range(3)]
    assert planned([pod()], [container(id="c-3", attempt=3), *runs]).actions == (
        remove("c-0", None),
        remove("c-1", None),
    )


def test_an_earlier_run_that_another_hand_started_again_goes_before_anything_starts() -> None:
    runs = [container(), exited(id="c-1", attempt=1, exit_code=1)]
    assert planned([pod()], runs).actions == (remove("c-0", None),)


@pytest.mark.parametrize(
    ("given", "knowing", "expected", "wake_ms"),
    [
        pytest.param(pod(), memory(failure=failure()), NOTHING, NOW + 5_000, id="it waits"),
        pytest.param(
            pod(), memory(failure=failure(retry_at_ms=NOW)), (run(),), None, id="and is tried again when it is time"
        ),
        pytest.param(
            pod(policy="Never"),
            memory(failure=failure(at_start=True, retry_at_ms=NOW)),
            NOTHING,
            None,
            id="a command that cannot be run was the only try of a pod that never restarts",
        ),
        pytest.param(
            pod(policy="OnFailure"),
            memory(failure=failure(at_start=True, retry_at_ms=NOW)),
            (run(),),
            None,
            id="of any other it is one of many",
        ),
    ],
)
def test_what_could_not_be_started_is_tried_again(
    given: Pod, knowing: Memory, expected: tuple[Action, ...], wake_ms: int | None
) -> None:
    plan = planned([given], [], knowing=knowing)
    assert (plan.actions, plan.wake_ms) == (expected, wake_ms)


INIT = pod(init=("first", "second"))
FIRST, SECOND = Key("pod-1", "first"), Key("pod-1", "second")


@pytest.mark.parametrize(
    ("given", "containers", "expected"),
    [
        pytest.param(INIT, [], (run(key=FIRST),), id="the first one first"),
        pytest.param(INIT, [container(name="first")], NOTHING, id="it runs: the others wait"),
        pytest.param(INIT, [exited(name="first")], (run(key=SECOND),), id="it succeeded: the second"),
        pytest.param(
            INIT, [exited(name="first"), exited(name="second", id="c-1")], (run(),), id="all succeeded: the pod's own"
        ),
        pytest.param(
            INIT,
            [exited(name="first", exit_code=1)],
            (run(key=FIRST, attempt=1, restart_delay_ms=10_000),),
            id="it failed: again, even where the policy is Always",
        ),
        pytest.param(
            replace(INIT, policy="Never"), [exited(name="first", exit_code=1)], NOTHING, id="unless the policy is Never"
        ),
        pytest.param(INIT, [container()], NOTHING, id="the pod's own runs: they are over, though nothing is left"),
    ],
)
def test_init_containers_succeed_one_after_another(
    given: Pod, containers: list[Container], expected: tuple[Action, ...]
) -> None:
    assert planned([given], containers).actions == expected


NETTED = pod(mains=("main", "side"), has_network=True)
NET = Key("pod-1", NETWORK)


@pytest.mark.parametrize(
    ("containers", "expected"),
    [
        pytest.param([], (run(key=NET),), id="before all others"),
        pytest.param(
            [container(id="net", name=NETWORK)],
            (run(network_of="net"), run(key=Key("pod-1", "side"), network_of="net")),
            id="the others join it",
        ),
        pytest.param(
            [exited(id="net", name=NETWORK), container()],
            (kill("Crashed"),),
            id="it is gone: whoever joined it has none",
        ),
        pytest.param(
            [exited(id="net", name=NETWORK), exited()],
            (run(key=NET, attempt=1, restart_delay_ms=10_000),),
            id="then it comes first again",
        ),
    ],
)
def test_a_container_that_does_nothing_else_holds_the_network(
    containers: list[Container], expected: tuple[Action, ...]
) -> None:
    assert planned([NETTED], containers).actions == expected


DELETED = pod(phase="Running", deleting=True, grace_ms=10_000)


@pytest.mark.parametrize(
    ("given", "containers", "knowing", "expected", "wake_ms"),
    [
        pytest.param(DELETED, [container()], memory(), (signal(),), None, id="it is asked to end"),
        pytest.param(
            DELETED, [container()], memory(signalled={"c-0": NOW - 9_999}), NOTHING, NOW + 1, id="and has its grace"
        ),
        pytest.param(
            DELETED, [container()], memory(signalled={"c-0": NOW - 10_000}), (kill(),), None, id="and is killed then"
        ),
        pytest.param(replace(DELETED, grace_ms=0), [container()], memory(), (kill(),), None, id="without any, at once"),
        pytest.param(DELETED, [exited()], memory(), (remove("c-0", "Deleted"),), None, id="what ended is removed"),
        pytest.param(
            DELETED,
            [container(state="Created")],
            memory(),
            (remove("c-0", "Deleted"),),
            None,
            id="what never started, too",
        ),
        pytest.param(
            replace(DELETED, held=True), [exited()], memory(), NOTHING, None, id="unless somebody still looks at it"
        ),
    ],
)
def test_a_deleted_pod_is_stopped_with_its_grace(
    given: Pod, containers: list[Container], knowing: Memory, expected: tuple[Action, ...], wake_ms: int | None
) -> None:
    plan = planned([given], containers, knowing=knowing)
    assert (plan.actions, plan.wake_ms, plan.removed) == (expected, wake_ms, ())


def test_whoever_holds_the_network_of_others_goes_last() -> None:
    both = [container(id="net", name=NETWORK), container()]
    assert planned([replace(DELETED, has_network=True)], both).actions == (signal(),)
    alone = [container(id="net", name=NETWORK), exited()]
    assert planned([replace(DELETED, has_network=True)], alone).actions == (
        signal(container_id="net", key=NET),
        remove("c-0", "Deleted"),
    )


@pytest.mark.parametrize(
    ("given", "containers", "knowing", "expected"),
    [
        pytest.param(DELETED, [], memory(), ("pod-1",), id="nothing exists: confirmed"),
        pytest.param(DELETED, [exited()], memory(), (), id="something is left"),
        pytest.param(DELETED, [], memory(busy=frozenset({KEY})), (), id="something may just be being made"),
        pytest.param(replace(DELETED, held=True), [], memory(), (), id="somebody holds the pod"),
        pytest.param(pod(), [], memory(), (), id="nobody deleted it"),
        pytest.param(DELETED, [container(boot_id="boot-0")], memory(), (), id="something of an earlier boot is left"),
    ],
)
def test_the_stop_is_confirmed_once_nothing_of_the_pod_exists(
    given: Pod, containers: list[Container], knowing: Memory, expected: tuple[str, ...]
) -> None:
    assert planned([given], containers, knowing=knowing).removed == expected


@pytest.mark.parametrize(
    ("containers", "expected"),
    [
        pytest.param([container()], (signal("Finished"),), id="runs although the pod is over: stopped"),
        pytest.param([exited()], NOTHING, id="its logs are kept"),
        pytest.param([], NOTHING, id="it is not run again"),
    ],
)
def test_a_finished_pod_is_final(containers: list[Container], expected: tuple[Action, ...]) -> None:
    assert planned([pod(phase="Failed")], containers).actions == expected
