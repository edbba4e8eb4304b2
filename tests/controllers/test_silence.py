"""Silence that is nobody's death: a machine that slept, a part of ours that was away, a cut from everybody."""

import pytest

from tests.controllers.conftest import StartLoops
from tests.controllers.loops import NAMES, Loops


def _with_pods(loops: Loops, *, nodes: int, pods: int) -> dict[str, str | None]:
    """Where each pod is."""
    loops.add_nodes(nodes)
    loops.add_pods(pods)
    return _places(loops)


def _places(loops: Loops) -> dict[str, str | None]:
    return {row.name: row.node_name for row in loops.sql("SELECT name, node_name FROM pods")}


@pytest.mark.parametrize("first", NAMES)
def test_a_laptop_that_slept_for_ten_minutes_evicts_nobody(loops: Loops, first: str) -> None:
    places = _with_pods(loops, nodes=3, pods=6)
    loops.pass_s(2.3)
    loops.sleep_s(600)
    loops.run(first)  # whoever wakes up first
    loops.pass_s(12)
    assert loops.ready() == {"node-1", "node-2", "node-3"}
    assert _places(loops) == places
    assert "NodeNotReady" not in loops.told("node-1")
    assert loops.evictions() == []


def test_a_machine_that_sleeps_again_and_again_evicts_nobody(loops: Loops) -> None:
    places = _with_pods(loops, nodes=3, pods=6)
    for _ in range(20):
        loops.sleep_s(600)
        loops.pass_s(0.7)
    assert _places(loops) == places
    assert "NodeNotReady" not in loops.told("node-1") + loops.told("node-2") + loops.told("node-3")


def test_a_sleep_takes_two_seconds_of_a_pods_patience_at_most(start_loops: StartLoops) -> None:
    loops = start_loops(toleration_s=5.0)
    _with_pods(loops, nodes=3, pods=6)
    loops.fail("node-1", "freeze")
    loops.pass_s(5.5)
    before_ms = loops.now_ms()
    assert len(loops.evictions()) == 2
    loops.sleep_s(600)
    assert loops.now_ms() - before_ms <= 2_000
    loops.settle()
    assert len(loops.pods_on("node-1")) == 2


def test_an_outage_of_the_simulator_is_no_death_of_its_nodes(loops: Loops) -> None:
    places = _with_pods(loops, nodes=3, pods=6)
    loops.kill("simulator")
    loops.pass_s(60)
    assert loops.ready() == {"node-1", "node-2", "node-3"}, "we only cannot hear them"
    loops.start("simulator")
    loops.pass_s(10)
    assert loops.ready() == {"node-1", "node-2", "node-3"}
    assert _places(loops) == places
    assert loops.sql("SELECT name FROM events WHERE reason IN ('NodeNotReady', 'Evicted', 'Restarting')") == []


def test_an_outage_of_the_judge_is_no_death_either(loops: Loops) -> None:
    places = _with_pods(loops, nodes=3, pods=6)
    loops.kill("node_health")
    loops.pass_s(60)
    loops.start("node_health")
    loops.pass_s(10)
    assert _places(loops) == places
    assert "NodeNotReady" not in loops.told("node-1")


def test_a_node_that_fails_while_nobody_judges_is_judged_afterwards(loops: Loops) -> None:
    _with_pods(loops, nodes=3, pods=6)
    loops.kill("node_health")
    loops.fail("node-1", "crash")
    loops.pass_s(10)
    loops.start("node_health")
    loops.pass_s(6)
    assert "NodeNotReady" in loops.told("node-1")


@pytest.mark.parametrize(("nodes", "cut"), [(2, 2), (12, 11)], ids=["all of two", "eleven of twelve"])
def test_while_nearly_all_nodes_look_dead_nobody_is_evicted_and_after_it_evictions_go_on(
    loops: Loops, nodes: int, cut: int
) -> None:
    places = _with_pods(loops, nodes=nodes, pods=2 * nodes)
    away = [f"node-{number}" for number in range(1, cut + 1)]
    for name in away:
        loops.fail(name, "freeze")
    loops.pass_s(18)
    assert loops.halted()
    assert len(loops.ready()) == nodes - cut
    assert _places(loops) == places
    for name in away[1:]:
        loops.heal(name)
    loops.pass_s(2)
    assert not loops.halted()
    assert _places(loops) == places, "patience begins anew when the halt ends"
    loops.pass_s(10)
    assert "node-1" not in _places(loops).values(), "and then the one that stayed dead loses its pods"


def test_a_cluster_all_of_whose_nodes_crashed_comes_back_by_itself(loops: Loops) -> None:
    places = _with_pods(loops, nodes=3, pods=6)
    for number in (1, 2, 3):
        loops.fail(f"node-{number}", "crash")
    loops.pass_s(90)
    assert loops.ready() == {"node-1", "node-2", "node-3"}
    assert not loops.halted()
    assert set(loops.running()) == set(places)
    assert all(len(nodes) == 1 for nodes in loops.running().values())
