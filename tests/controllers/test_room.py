"""Pods that wait for room, and what gives it to them."""

from tests.controllers.loops import Loops


def test_a_pod_that_finished_frees_its_room(loops: Loops) -> None:
    loops.add_nodes(1, cpus=1)
    loops.add_pod("first", run_seconds=5)
    loops.add_pod("second")
    assert loops.pod("second").node_name is None
    loops.pass_s(5.1)
    assert loops.pod("first").phase == "Succeeded"
    assert loops.running() == {"second": ["node-1"]}


def test_a_pod_that_failed_frees_its_room_and_says_how(loops: Loops) -> None:
    loops.add_nodes(1, cpus=1)
    loops.add_pod("first", run_seconds=1, exit_code=3)
    loops.add_pod("second")
    loops.pass_s(1.1)
    assert (loops.pod("first").phase, loops.pod("first").exit_code) == ("Failed", 3)
    assert loops.running() == {"second": ["node-1"]}


def test_a_pod_that_fits_nowhere_starves_nobody_and_is_placed_when_room_appears(loops: Loops) -> None:
    loops.add_nodes(2, cpus=2)
    loops.add_pod("big", cpus=8, priority=100)
    loops.add_pods(4)
    assert loops.pod("big").node_name is None
    assert set(loops.running()) == {"pod-1", "pod-2", "pod-3", "pod-4"}
    ((reasons, count),) = loops.sql("SELECT reasons, nodes_evaluated FROM v_pending WHERE name = 'big'")
    assert (reasons, count) == ('{"Insufficient cpu":2}', 2)
    loops.add_nodes(1, cpus=8)
    loops.settle()
    assert loops.running()["big"] == ["node-3"]


def test_a_waiting_pod_is_placed_when_another_is_deleted(loops: Loops) -> None:
    loops.add_nodes(1, cpus=2)
    loops.add_pods(2)
    loops.add_pod("waiting", cpus=2)
    loops.delete_pod("pod-1")
    loops.pass_s(1)
    assert loops.pod("waiting").node_name is None, "one core of the two that it wants"
    loops.delete_pod("pod-2")
    loops.pass_s(1)
    assert loops.running() == {"waiting": ["node-1"]}


def test_a_waiting_pod_is_placed_after_a_restart_of_the_scheduler(loops: Loops) -> None:
    loops.add_nodes(1, cpus=1)
    loops.add_pods(2)
    loops.kill("scheduler")
    loops.delete_pod(next(iter(loops.running())))
    loops.settle()
    loops.start("scheduler")
    loops.settle()
    assert len(loops.running()) == 1


def test_no_pod_goes_to_a_node_that_is_silent_or_leaves(loops: Loops) -> None:
    loops.add_nodes(2)
    loops.fail("node-1", "freeze")
    loops.pass_s(6)
    loops.delete_node("node-2")
    loops.add_pod("a")
    loops.pass_s(1)
    assert loops.pod("a").node_name is None
