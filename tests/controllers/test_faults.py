"""What each fault of a simulated node does to it and to its pods."""

import pytest

from tests.controllers.conftest import StartLoops
from tests.controllers.loops import Loops

# `TIMES` of the conftest: silence of 4 s is a death, pods leave 3 s later, a restart follows 20 s after the judgement.
_JUDGED_S = 5.5
_MOVED_S = _JUDGED_S + 4


def _with_pods(loops: Loops, *, pods: int = 4) -> set[str]:
    """Two nodes, and pods spread over both; those of node-1."""
    loops.add_nodes(2, cpus=8)
    loops.add_pods(pods)
    own = loops.pods_on("node-1")
    assert len(own) == pods // 2
    return own


def _run_once_on(loops: Loops, names: set[str], node_name: str) -> bool:
    return all(loops.running().get(name) == [node_name] for name in names)


@pytest.mark.parametrize("kind", ["crash", "freeze", "partition"])
def test_pods_of_a_node_that_fell_silent_move_and_return_to_nobody(loops: Loops, kind: str) -> None:
    own = _with_pods(loops)
    loops.fail("node-1", kind)  # type: ignore[arg-type]
    loops.pass_s(_JUDGED_S)
    assert loops.ready() == {"node-2"}
    loops.pass_s(_MOVED_S - _JUDGED_S)
    assert own < loops.pods_on("node-2")
    loops.heal("node-1")
    loops.pass_s(10)
    assert loops.ready() == {"node-1", "node-2"}
    assert _run_once_on(loops, own, "node-2"), "the earlier copies are gone"
    assert loops.evictions() == []


def test_a_crashed_machine_runs_nothing_from_that_moment(loops: Loops) -> None:
    own = _with_pods(loops)
    loops.fail("node-1", "crash")
    loops.settle()
    assert not own & loops.running().keys()


def test_a_crashed_node_is_restarted_one_back_off_after_it_was_judged_dead(loops: Loops) -> None:
    _with_pods(loops)
    loops.fail("node-1", "crash")
    loops.pass_s(_JUDGED_S)
    judged_ms = loops.node("node-1").ready_since_ms
    assert loops.node("node-1").restart_at_ms == judged_ms + 20_000
    loops.pass_s(25)
    node = loops.node("node-1")
    assert (node.machine, node.ready, node.restarts, node.restart_at_ms) == ("Running", "True", 1, None)


def test_a_frozen_node_keeps_its_containers_until_it_thaws(loops: Loops) -> None:
    own = _with_pods(loops)
    loops.fail("node-1", "freeze")
    loops.pass_s(_MOVED_S)
    assert all(sorted(loops.running()[name]) == ["node-1", "node-2"] for name in own), "one of the two stands still"
    loops.heal("node-1")
    loops.settle()
    assert _run_once_on(loops, own, "node-2")


def test_a_partitioned_node_runs_its_pods_until_its_grant_ends_and_no_longer(loops: Loops) -> None:
    own = _with_pods(loops)
    loops.pass_s(0.5)
    loops.fail("node-1", "partition")
    loops.pass_s(3)
    assert _run_once_on(loops, own, "node-1")
    loops.pass_s(1)
    assert not own & loops.running().keys(), "nobody told it; it stops them by its own clock"
    assert loops.pods_on("node-1") == own, "they have not left yet"


@pytest.mark.parametrize("after_s", [5.0, 5.5])
def test_a_healed_partition_resumes_the_pods_that_are_still_its_own(loops: Loops, after_s: float) -> None:
    own = _with_pods(loops)
    loops.fail("node-1", "partition")
    loops.pass_s(after_s)
    assert not own & loops.running().keys(), "its grant has ended"
    loops.heal("node-1")
    loops.pass_s(1.5)
    assert loops.pods_on("node-1") == own
    assert _run_once_on(loops, own, "node-1")


def test_a_slow_node_is_never_taken_for_a_dead_one(start_loops: StartLoops) -> None:
    loops = start_loops(node_grace_s=3.0)  # its beats come exactly that far apart
    own = _with_pods(loops)
    loops.fail("node-1", "slow")
    loops.pass_s(20)
    assert "NodeNotReady" not in loops.told("node-1")
    assert loops.pods_on("node-1") == own


@pytest.mark.parametrize("after_s", [0.9, 1.9, 2.9])
def test_an_outage_of_the_simulator_is_no_death_of_a_slow_node(start_loops: StartLoops, after_s: float) -> None:
    loops = start_loops(node_grace_s=3.0)
    _with_pods(loops)
    loops.fail("node-1", "slow")
    loops.pass_s(9 + after_s)
    loops.kill("simulator")
    loops.pass_s(1.2)
    loops.start("simulator")
    loops.pass_s(9)
    assert "NodeNotReady" not in loops.told("node-1")


def test_a_slow_node_takes_ten_times_as_long_to_start_and_a_second_to_stop(loops: Loops) -> None:
    loops.add_nodes(1)
    loops.fail("node-1", "slow")
    loops.add_pod("a", start_delay_seconds=0.5)
    loops.pass_s(4.9)
    assert loops.running() == {}
    loops.pass_s(0.2)
    assert loops.running() == {"a": ["node-1"]}


def test_a_node_that_stays_off_through_every_boot_ends_as_failed_and_says_so(start_loops: StartLoops) -> None:
    loops = start_loops(restart_backoff_s=2.0, restart_limit=2)
    _with_pods(loops)
    loops.fail("node-1", "crash", restart=False)
    loops.pass_s(40)
    node = loops.node("node-1")
    assert (node.machine, node.restarts, node.restart_attempts) == ("Failed", 2, 2)
    assert "Failed" in loops.told("node-1")
    boot_id = node.boot_id
    loops.pass_s(30)
    assert loops.node("node-1").boot_id == boot_id, "nobody tries any more"


def test_a_failed_node_comes_back_when_a_person_restarts_it(start_loops: StartLoops) -> None:
    loops = start_loops(restart_backoff_s=2.0, restart_limit=1)
    _with_pods(loops)
    loops.fail("node-1", "crash", restart=False)
    loops.pass_s(30)
    assert loops.node("node-1").machine == "Failed"
    loops.restart_node("node-1")
    loops.pass_s(5)
    node = loops.node("node-1")
    assert (node.machine, node.ready, node.restart_attempts, node.restart_at_ms) == ("Running", "True", 0, None)
    loops.add_pods(8, name="more")
    assert loops.pods_on("node-1"), "it takes pods again"


@pytest.mark.parametrize("kind", ["freeze", "partition"])
def test_a_node_given_up_behind_a_cut_returns_when_the_cut_heals(start_loops: StartLoops, kind: str) -> None:
    loops = start_loops(restart_backoff_s=2.0, restart_limit=1)
    _with_pods(loops)
    loops.fail("node-1", kind)  # type: ignore[arg-type]
    loops.pass_s(30)
    assert loops.node("node-1").machine == "Failed"
    loops.heal("node-1")
    loops.pass_s(10)
    node = loops.node("node-1")
    assert (node.machine, node.ready, node.restart_attempts, node.restart_at_ms) == ("Running", "True", 0, None)
