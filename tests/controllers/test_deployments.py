"""Deployments roll out, back, and survive whatever happens to their controllers and nodes."""

from typing import Any

import pytest

from tests import wishes
from tests.controllers.loops import Loops

LABELS = {"app": "web"}


def _create(loops: Loops, replicas: int = 4, *, name: str = "web", **spec: Any) -> None:
    wanted = {"replicas": replicas, "selector": {"matchLabels": LABELS}, "template": wishes.pod_template(LABELS)}
    wishes.create(loops, "Deployment", name, spec={**wanted, **spec})


def _roll(loops: Loops, image: str) -> None:
    container = {"name": "main", "image": image, "resources": {"requests": {"cpu": "100m"}}}
    wishes.change(loops, "Deployment", "web", {"spec": {"template": {"spec": {"containers": [container]}}}})


def _status(loops: Loops) -> dict[str, Any]:
    status = dict(wishes.the(loops, "Deployment", "web")["status"])
    status["conditions"] = {each["type"]: (each["status"], each["reason"]) for each in status.get("conditions", [])}
    return status


def _images(loops: Loops) -> list[str]:
    return sorted(pod["spec"]["containers"][0]["image"] for pod in wishes.find(loops, "Pod", labels=LABELS))


def _revisions(loops: Loops) -> dict[str, int]:
    """Replicas by revision."""
    sets = wishes.find(loops, "ReplicaSet")
    return {
        each["metadata"]["annotations"]["deployment.kubernetes.io/revision"]: each["spec"]["replicas"] for each in sets
    }


def test_a_deployment_makes_a_set_whose_pods_run(loops: Loops) -> None:
    loops.add_nodes(2)
    _create(loops)
    assert len(loops.running()) == 4
    assert _status(loops) == {
        "observedGeneration": 1,
        "replicas": 4,
        "updatedReplicas": 4,
        "readyReplicas": 4,
        "availableReplicas": 4,
        "conditions": {
            "Available": ("True", "MinimumReplicasAvailable"),
            "Progressing": ("True", "NewReplicaSetAvailable"),
        },
    }
    (each,) = wishes.find(loops, "ReplicaSet")
    mark = each["metadata"]["labels"]["pod-template-hash"]
    assert each["metadata"]["name"] == f"web-{mark}"
    assert each["spec"]["selector"]["matchLabels"] == {**LABELS, "pod-template-hash": mark}
    assert each["metadata"]["ownerReferences"][0]["name"] == "web"
    assert loops.told("web") == ["ScalingReplicaSet"]


def test_a_new_image_is_rolled_out_and_the_old_set_kept_for_the_way_back(loops: Loops) -> None:
    loops.add_nodes(2)
    _create(loops)
    _roll(loops, "web:2")
    assert _images(loops) == ["web:2"] * 4
    assert _revisions(loops) == {"1": 0, "2": 4}
    deployment = wishes.the(loops, "Deployment", "web")
    assert deployment["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "2"
    _roll(loops, "web:1")
    assert _images(loops) == ["web:1"] * 4
    assert _revisions(loops) == {"2": 0, "3": 4}, "as kubectl rollout undo wants it"


def test_a_rollout_that_cannot_be_placed_stops_and_is_told_after_its_deadline(loops: Loops) -> None:
    loops.add_nodes(1)
    _create(loops, progressDeadlineSeconds=30)
    big = {"name": "main", "image": "web:2", "resources": {"requests": {"cpu": "1000"}}}
    wishes.change(loops, "Deployment", "web", {"spec": {"template": {"spec": {"containers": [big]}}}})
    assert _images(loops).count("web:1") == 3
    loops.pass_s(32)
    assert _status(loops)["conditions"]["Progressing"] == ("False", "ProgressDeadlineExceeded")
    _roll(loops, "web:3")
    assert _images(loops) == ["web:3"] * 4
    assert _status(loops)["conditions"]["Progressing"] == ("True", "NewReplicaSetAvailable")


def test_recreating_ends_the_old_pods_first(loops: Loops) -> None:
    loops.add_nodes(2)
    _create(loops, strategy={"type": "Recreate"})
    _roll(loops, "web:2")
    assert _images(loops) == ["web:2"] * 4


def test_a_paused_deployment_waits(loops: Loops) -> None:
    loops.add_nodes(1)
    _create(loops)
    wishes.change(loops, "Deployment", "web", {"spec": {"paused": True}})
    _roll(loops, "web:2")
    assert _images(loops) == ["web:1"] * 4
    wishes.change(loops, "Deployment", "web", {"spec": {"paused": None}})
    assert _images(loops) == ["web:2"] * 4


def test_scaling_is_one_step_of_its_set(loops: Loops) -> None:
    loops.add_nodes(2)
    _create(loops)
    wishes.change(loops, "Deployment", "web", {"spec": {"replicas": 10}})
    assert len(_images(loops)) == 10
    wishes.change(loops, "Deployment", "web", {"spec": {"replicas": 0}})
    assert _images(loops) == []
    assert _status(loops)["conditions"]["Available"] == ("True", "MinimumReplicasAvailable")


def test_sets_beyond_the_history_go(loops: Loops) -> None:
    loops.add_nodes(1)
    _create(loops, revisionHistoryLimit=1)
    for number in range(2, 5):
        _roll(loops, f"web:{number}")
    assert _revisions(loops) == {"3": 0, "4": 4}


def test_the_name_of_a_strange_set_is_gone_around(loops: Loops) -> None:
    loops.add_nodes(1)
    _create(loops)
    (name,) = [each["metadata"]["name"] for each in wishes.find(loops, "ReplicaSet")]
    loops.damage("DELETE FROM objects WHERE resource IN ('deployments', 'replicasets')")
    loops.damage("DELETE FROM pods")
    loops.damage("UPDATE node_use SET cpu_millis = 0, memory_bytes = 0, pods = 0")
    loops.kill_all()
    loops.start_all()
    other = {"replicas": 0, "selector": {"matchLabels": {"x": "y"}}, "template": wishes.pod_template({"x": "y"})}
    wishes.create(loops, "ReplicaSet", name, spec=other)
    _create(loops)
    assert _status(loops)["collisionCount"] == 1
    assert len(_images(loops)) == 4


def test_controllers_that_start_anew_in_the_middle_go_on_where_they_were(loops: Loops) -> None:
    loops.add_nodes(2)
    _create(loops)
    loops.kill("replicaset", "deployment")
    _roll(loops, "web:2")
    for _ in range(8):
        for name in ("deployment", "replicaset"):
            loops.start(name)
            loops.run(name)
            loops.kill(name)
        for name in ("scheduler", "simulator"):
            loops.run(name)
    loops.start("replicaset", "deployment")
    loops.settle()
    assert _images(loops) == ["web:2"] * 4
    assert _revisions(loops) == {"1": 0, "2": 4}


def test_what_was_left_behind_without_an_owner_is_adopted(loops: Loops) -> None:
    loops.add_nodes(1)
    _create(loops)
    loops.damage("UPDATE objects SET owner_references = '[]' WHERE resource = 'replicasets'")
    loops.start_anew("deployment")
    loops.settle()
    assert [each["metadata"]["ownerReferences"][0]["name"] for each in wishes.find(loops, "ReplicaSet")] == ["web"]


def test_a_deployment_that_cannot_be_read_leaves_the_others_alone(loops: Loops) -> None:
    loops.add_nodes(1)
    _create(loops, name="broken")
    loops.damage("UPDATE objects SET spec = '[' WHERE resource = 'deployments'")
    loops.start_anew("deployment")
    labels = {"app": "other"}
    template = wishes.pod_template(labels)
    _create(loops, 2, name="other", selector={"matchLabels": labels}, template=template)
    assert len(wishes.find(loops, "Pod", labels=labels)) == 2
    assert "deployments default/broken" in "\n".join(loops.errors)


def test_a_template_without_its_defaults_is_known_again(loops: Loops) -> None:
    """As a database of an older program, which filled in less, may hold it."""
    loops.add_nodes(1)
    _create(loops)
    without = "replace(spec, '\"dnsPolicy\":\"ClusterFirst\",', '')"
    loops.damage(f"UPDATE objects SET spec = {without} WHERE resource = 'deployments'")
    loops.start_anew("deployment")
    loops.settle()
    assert len(wishes.find(loops, "ReplicaSet")) == 1


@pytest.mark.parametrize(
    "nonsense",
    [
        {"strategy": {"rollingUpdate": {"maxSurge": "9999999999%"}}},
        {"selector": {"matchExpressions": [{"key": "app", "operator": "Like"}]}},
        {"selector": {"matchLabels": 5}},
    ],
    ids=["share", "operator", "labels"],
)
def test_a_deployment_that_makes_no_sense_stops_no_other_one(loops: Loops, nonsense: dict[str, Any]) -> None:
    loops.add_nodes(1)
    odd = {"app": "odd"}
    _create(loops, 1, name="odd", selector={"matchLabels": odd}, template=wishes.pod_template(odd))
    (its_set,) = wishes.find(loops, "ReplicaSet")
    wishes.change(loops, "Deployment", "odd", {"spec": nonsense})
    if "selector" in nonsense:
        wishes.change(loops, "ReplicaSet", its_set["metadata"]["name"], {"spec": nonsense})
    _create(loops, 2)
    assert len(wishes.find(loops, "Pod", labels=LABELS)) == 2
    assert any("deployments default/odd cannot be read" in error for error in loops.errors)
