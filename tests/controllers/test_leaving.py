"""Pods and nodes that a person sends away."""

import pytest

from tests.controllers.loops import Loops


def _with_pods(loops: Loops) -> set[str]:
    loops.add_nodes(2, cpus=8)
    loops.add_pods(4)
    return loops.pods_on("node-1")


def test_a_deleted_pod_is_stopped_and_its_room_is_free_again(loops: Loops) -> None:
    loops.add_nodes(1, cpus=2)
    loops.add_pods(2)
    loops.delete_pod("pod-1")
    loops.settle()
    assert loops.pod_or_none("pod-1") is None
    assert set(loops.running()) == {"pod-2"}
    loops.add_pod("next")
    assert loops.running()["next"] == ["node-1"]
    assert loops.sql("SELECT why_ended FROM placements WHERE name = 'pod-1'") == [("User",)]


def test_a_deleted_node_goes_after_its_pods_have_moved(loops: Loops) -> None:
    own = _with_pods(loops)
    before = {name: loops.pod(name).uid for name in own}
    loops.delete_node("node-1")
    loops.pass_s(1)
    assert loops.node_names() == {"node-2"}
    assert {name: loops.running()[name] for name in own} == {name: ["node-2"] for name in own}
    assert all(loops.pod(name).uid != uid for name, uid in before.items()), "other pods of the same names"
    assert loops.sql("SELECT DISTINCT why_ended FROM placements WHERE node_name = 'node-1'") == [("NodeDeleted",)]


@pytest.mark.parametrize("kind", ["crash", "freeze", "partition"])
def test_a_dead_node_can_be_deleted_and_its_pods_move(loops: Loops, kind: str) -> None:
    own = _with_pods(loops)
    loops.fail("node-1", kind)  # type: ignore[arg-type]
    loops.pass_s(1)
    loops.delete_node("node-1")
    loops.pass_s(10)
    assert loops.node_names() == {"node-2"}
    assert {name: loops.running()[name] for name in own} == {name: ["node-2"] for name in own}
    assert loops.sql("SELECT * FROM faults") == []


def test_a_deleted_node_whose_pods_fit_nowhere_else_goes_and_they_wait(loops: Loops) -> None:
    loops.add_nodes(2, cpus=2)
    loops.add_pods(4)
    own = loops.pods_on("node-1")
    loops.delete_node("node-1")
    loops.pass_s(1)
    assert loops.node_names() == {"node-2"}
    assert {loops.pod(name).node_name for name in own} == {None}
    loops.add_nodes(1, cpus=2)
    loops.pass_s(1)
    assert own <= loops.running().keys()


def test_a_pod_deleted_on_a_dead_node_goes_when_the_grant_of_the_node_ends_and_has_no_successor(loops: Loops) -> None:
    own = sorted(_with_pods(loops))
    loops.fail("node-1", "partition")
    loops.pass_s(1)
    loops.delete_pod(own[0])
    loops.pass_s(1)
    assert loops.pod(own[0]).deleting_ms is not None, "it may still run there"
    loops.pass_s(4)
    assert loops.pod_or_none(own[0]) is None
    loops.pass_s(10)
    assert loops.pod_or_none(own[0]) is None
    assert loops.running()[own[1]] == ["node-2"]


def test_a_person_who_deletes_a_pod_that_is_about_to_move_means_it(loops: Loops) -> None:
    own = sorted(_with_pods(loops))
    loops.fail("node-1", "freeze")
    loops.kill("garbage")
    loops.pass_s(12)
    assert loops.pod(own[0]).deletion_cause == "NodeUnreachable"
    loops.delete_pod(own[0])
    loops.start("garbage")
    loops.pass_s(1)
    assert loops.pod_or_none(own[0]) is None
    assert loops.running()[own[1]].count("node-2") == 1


def test_an_unbound_pod_is_deleted_at_once(loops: Loops) -> None:
    loops.add_nodes(1)
    loops.add_pod("big", cpus=100)
    loops.delete_pod("big")
    assert loops.pod_or_none("big") is None


def test_a_new_node_may_bear_the_name_of_one_that_has_gone(loops: Loops) -> None:
    own = _with_pods(loops)
    loops.delete_node("node-1")
    loops.pass_s(1)
    loops.add_node("node-1", cpus=8)
    loops.delete_node("node-2")
    loops.pass_s(1)
    assert loops.node_names() == {"node-1"}
    assert {name: loops.running()[name] for name in own} == {name: ["node-1"] for name in own}


def test_a_pod_bound_to_a_node_that_does_not_exist_is_replaced(loops: Loops) -> None:
    loops.add_pod("lost")
    loops.damage("UPDATE pods SET node_name = 'nowhere', bound_ms = 1")
    loops.start_anew("garbage")
    loops.pass_s(1)
    assert loops.pod("lost").node_name is None
    loops.add_nodes(1)
    assert loops.running() == {"lost": ["node-1"]}
