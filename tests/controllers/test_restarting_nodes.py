"""Nodes that boot anew, because a person asked for it or because they failed."""

from tests.controllers.loops import Loops


def test_a_healthy_node_that_is_restarted_runs_its_pods_anew(loops: Loops) -> None:
    loops.add_nodes(1)
    loops.add_pods(2)
    before = {container.boot_id for container in loops.containers()}
    loops.restart_node("node-1")
    loops.pass_s(2)
    after = {container.boot_id for container in loops.containers()}
    assert after == {loops.node("node-1").boot_id}
    assert after != before
    assert loops.running() == {"pod-1": ["node-1"], "pod-2": ["node-1"]}


def test_a_simulator_that_was_killed_after_taking_up_a_boot_stops_what_the_earlier_one_ran(loops: Loops) -> None:
    loops.add_nodes(1)
    loops.add_pods(2)
    loops.kill("simulator")
    loops.restart_node("node-1")
    loops.settle()
    # What the killed simulator had committed: the boot is heard, and nothing else was done yet.
    loops.damage("UPDATE heartbeats SET boot_id = (SELECT boot_id FROM nodes)")
    loops.start("simulator")
    loops.pass_s(2)
    assert {container.boot_id for container in loops.containers()} == {loops.node("node-1").boot_id}
    assert loops.running() == {"pod-1": ["node-1"], "pod-2": ["node-1"]}
