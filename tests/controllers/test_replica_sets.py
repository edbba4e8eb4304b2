"""ReplicaSets keep their pods, whatever happens to pods, nodes and the controller itself."""

from typing import Any

import pytest

from tests import wishes
from tests.controllers.conftest import StartLoops
from tests.controllers.loops import Loops

LABELS = {"app": "web"}


def _create(loops: Loops, replicas: int, *, name: str = "web", **spec: Any) -> None:
    wanted = {"replicas": replicas, "selector": {"matchLabels": LABELS}, "template": wishes.pod_template(LABELS)}
    wishes.create(loops, "ReplicaSet", name, spec={**wanted, **spec})


def _status(loops: Loops, name: str = "web") -> dict[str, Any]:
    return wishes.the(loops, "ReplicaSet", name)["status"]


def _pods(loops: Loops) -> list[str]:
    return [pod["metadata"]["name"] for pod in wishes.find(loops, "Pod", labels=LABELS)]


def test_pods_are_made_placed_and_counted(loops: Loops) -> None:
    loops.add_nodes(2)
    _create(loops, 3)
    assert set(loops.running()) == set(_pods(loops))
    assert all(name.startswith("web-") and len(name) == len("web-12345") for name in _pods(loops))
    assert _status(loops) == {
        "replicas": 3,
        "fullyLabeledReplicas": 3,
        "readyReplicas": 3,
        "availableReplicas": 3,
        "observedGeneration": 1,
    }
    assert loops.told("web") == ["SuccessfulCreate"] * 3


def test_a_pod_says_what_controls_it_and_has_what_any_new_pod_gets(loops: Loops) -> None:
    _create(loops, 1)
    (pod,) = wishes.find(loops, "Pod", labels=LABELS)
    (owner,) = pod["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["name"], owner["controller"], owner["blockOwnerDeletion"]) == (
        "ReplicaSet",
        "web",
        True,
        True,
    )
    assert pod["metadata"]["generateName"] == "web-"
    assert pod["spec"]["serviceAccountName"] == "default"
    assert {each["key"] for each in pod["spec"]["tolerations"]} == {
        "node.kubernetes.io/not-ready",
        "node.kubernetes.io/unreachable",
    }


def test_a_pod_that_is_deleted_is_replaced(loops: Loops) -> None:
    loops.add_nodes(1)
    _create(loops, 2)
    before = _pods(loops)
    wishes.delete(loops, "Pod", before[0])
    assert len(_pods(loops)) == 2
    assert before[0] not in _pods(loops)


def test_scaling_down_tells_which_pods_went(loops: Loops) -> None:
    loops.add_nodes(1)
    _create(loops, 4)
    wishes.change(loops, "ReplicaSet", "web", {"spec": {"replicas": 1}})
    assert len(_pods(loops)) == 1
    assert loops.told("web").count("SuccessfulDelete") == 3
    assert (_status(loops)["replicas"], _status(loops)["observedGeneration"]) == (1, 2)


def test_more_pods_than_one_pass_makes_are_made_by_several(loops: Loops) -> None:
    _create(loops, 1_201)
    assert len(_pods(loops)) == 1_201
    assert _status(loops)["replicas"] == 1_201


def test_a_pod_that_fits_is_adopted_and_one_that_fits_no_more_is_released(loops: Loops) -> None:
    loops.add_nodes(1)
    loops.add_pod("alone", cpus=0.1, labels=LABELS)
    _create(loops, 1)
    assert _pods(loops) == ["alone"], "it counts as the one that is wanted"
    wishes.change(loops, "Pod", "alone", {"metadata": {"labels": {"app": "debug"}}})
    assert "ownerReferences" not in wishes.the(loops, "Pod", "alone")["metadata"]
    assert len(_pods(loops)) == 1


def test_pods_of_a_node_that_dies_are_replaced_elsewhere(loops: Loops) -> None:
    loops.add_nodes(2)
    _create(loops, 4)
    loops.fail("node-1", "freeze")
    loops.pass_s(5)
    assert _status(loops).get("readyReplicas") == 2, "what nobody hears is not ready"
    loops.pass_s(10)
    ready = [name for name, nodes in loops.running().items() if nodes == ["node-2"]]
    assert len(ready) == 4
    assert _status(loops)["readyReplicas"] == 4


def test_pods_become_available_after_they_were_ready_for_a_while(loops: Loops) -> None:
    loops.add_nodes(1)
    _create(loops, 2, minReadySeconds=10)
    assert "availableReplicas" not in _status(loops)
    loops.pass_s(11)
    assert _status(loops)["availableReplicas"] == 2


def test_a_template_that_makes_no_pod_is_told_and_tried_again(loops: Loops) -> None:
    broken = wishes.pod_template(LABELS)
    broken["spec"]["priorityClassName"] = "not-there"
    _create(loops, 1, template=broken)
    (condition,) = _status(loops)["conditions"]
    assert (condition["type"], condition["status"], condition["reason"]) == ("ReplicaFailure", "True", "FailedCreate")
    assert "not-there" in condition["message"]
    wishes.change(loops, "ReplicaSet", "web", {"spec": {"template": {"spec": {"priorityClassName": None}}}})
    assert len(_pods(loops)) == 1
    assert "conditions" not in _status(loops)


def test_nothing_is_made_in_a_namespace_that_is_being_deleted(loops: Loops) -> None:
    _create(loops, 1)
    loops.damage("UPDATE objects SET deleting_ms = 1, deletion_cause = 'User' WHERE resource = 'namespaces'")
    wishes.change(loops, "ReplicaSet", "web", {"spec": {"replicas": 2}})
    assert len(_pods(loops)) == 1


def test_a_controller_that_starts_anew_makes_no_pod_twice(loops: Loops) -> None:
    _create(loops, 3)
    for _ in range(3):
        loops.start_anew("replicaset")
        loops.settle()
    assert len(_pods(loops)) == 3


def test_one_that_was_scaled_in_between_makes_what_is_wanted_now(start_loops: StartLoops) -> None:
    loops = start_loops()
    loops.kill("replicaset")
    _create(loops, 5)
    wishes.change(loops, "ReplicaSet", "web", {"spec": {"replicas": 2}})
    loops.start("replicaset")
    loops.settle()
    assert len(_pods(loops)) == 2


def test_a_set_that_cannot_be_read_leaves_the_others_alone(loops: Loops) -> None:
    _create(loops, 1)
    loops.damage("UPDATE objects SET spec = '{' WHERE resource = 'replicasets'")
    loops.start_anew("replicaset")
    _create(loops, 2, name="other", selector={"matchLabels": {"app": "b"}}, template=wishes.pod_template({"app": "b"}))
    assert len(wishes.find(loops, "Pod", labels={"app": "b"})) == 2
    assert "replicasets default/web" in "\n".join(loops.errors)


def test_a_pod_that_cannot_be_read_counts_and_stays(loops: Loops) -> None:
    _create(loops, 2)
    name = _pods(loops)[0]
    loops.damage("UPDATE pods SET labels = '[' WHERE name = :name", name=name)
    loops.start_anew("replicaset")
    loops.settle()
    assert len(loops.sql("SELECT 1 FROM pods")) == 2
    assert name in "\n".join(loops.errors)


@pytest.mark.parametrize("count", [3])
def test_pods_of_the_same_labels_belong_to_one_set_each(loops: Loops, count: int) -> None:
    _create(loops, count)
    _create(loops, count, name="twin")
    owners = [pod["metadata"]["ownerReferences"][0]["name"] for pod in wishes.find(loops, "Pod", labels=LABELS)]
    assert sorted(owners) == ["twin"] * count + ["web"] * count
