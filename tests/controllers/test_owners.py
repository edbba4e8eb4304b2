"""What is deleted goes with all that exists for its sake, in each of the three ways."""

import pytest

from kuberklone.kinds import owner_references
from tests import wishes
from tests.controllers.loops import Loops

LABELS = {"app": "web"}


def _deploy(loops: Loops, replicas: int = 3) -> None:
    loops.add_nodes(1)
    spec = {"replicas": replicas, "selector": {"matchLabels": LABELS}, "template": wishes.pod_template(LABELS)}
    wishes.create(loops, "Deployment", "web", spec=spec)


def _left(loops: Loops) -> dict[str, int]:
    words = ("Deployment", "ReplicaSet", "Pod")
    return {word: count for word in words if (count := len(wishes.find(loops, word)))}


def _config_map(loops: Loops, name: str, *, owner: str | None = None, namespace: str = "default") -> None:
    metadata = {}
    if owner is not None:
        uid = wishes.the(loops, "ConfigMap", owner)["metadata"]["uid"]
        metadata = {"ownerReferences": [{"apiVersion": "v1", "kind": "ConfigMap", "name": owner, "uid": uid}]}
    wishes.create(loops, "ConfigMap", name, namespace=namespace, metadata=metadata, data={"a": "b"})


def test_a_deployment_deleted_in_the_background_takes_its_sets_and_pods_along(loops: Loops) -> None:
    _deploy(loops)
    wishes.delete(loops, "Deployment", "web")
    assert _left(loops) == {}
    assert loops.running() == {}


def test_one_deleted_in_the_foreground_goes_as_the_last(loops: Loops) -> None:
    _deploy(loops)
    loops.kill("simulator")
    wishes.delete(loops, "Deployment", "web", propagation="Foreground")
    assert _left(loops) == {"Deployment": 1, "ReplicaSet": 1, "Pod": 3}, "no agent has stopped the pods yet"
    loops.start("simulator")
    loops.settle()
    assert _left(loops) == {}


def test_one_deleted_with_orphans_leaves_its_set_which_goes_on(loops: Loops) -> None:
    _deploy(loops)
    wishes.delete(loops, "Deployment", "web", propagation="Orphan")
    assert _left(loops) == {"ReplicaSet": 1, "Pod": 3}
    (each,) = wishes.find(loops, "ReplicaSet")
    assert "ownerReferences" not in each["metadata"]


def test_a_set_deleted_with_orphans_leaves_pods_that_a_new_one_adopts(loops: Loops) -> None:
    _deploy(loops)
    (each,) = wishes.find(loops, "ReplicaSet")
    pods = {pod["metadata"]["uid"] for pod in wishes.find(loops, "Pod")}
    wishes.delete(loops, "ReplicaSet", each["metadata"]["name"], propagation="Orphan")
    assert {pod["metadata"]["uid"] for pod in wishes.find(loops, "Pod")} == pods
    assert _left(loops) == {"Deployment": 1, "ReplicaSet": 1, "Pod": 3}


def test_anything_may_own_anything(loops: Loops) -> None:
    _config_map(loops, "first")
    _config_map(loops, "second", owner="first")
    _config_map(loops, "third", owner="second")
    wishes.delete(loops, "ConfigMap", "first")
    assert wishes.get(loops, "ConfigMap", "third") is None


def test_an_owner_in_another_namespace_counts_as_gone_and_that_is_told(loops: Loops) -> None:
    wishes.create(loops, "Namespace", "other")
    _config_map(loops, "first")
    _config_map(loops, "stray", owner="first", namespace="other")
    loops.pass_s(1)
    assert wishes.get(loops, "ConfigMap", "stray", namespace="other") is None
    assert loops.told("stray") == ["OwnerRefInvalidNamespace"]


def test_what_names_an_owner_that_never_was_goes_also_when_nobody_looked(loops: Loops) -> None:
    loops.kill("ownership")
    _config_map(loops, "first")
    _config_map(loops, "second", owner="first")
    wishes.delete(loops, "ConfigMap", "first")
    loops.start("ownership")
    loops.settle()
    assert wishes.get(loops, "ConfigMap", "second") is None


def test_a_pod_of_an_owner_that_is_gone_has_no_successor(loops: Loops) -> None:
    loops.add_nodes(1)
    loops.add_pod("alone", cpus=0.1, labels=LABELS)
    spec = {"replicas": 1, "selector": {"matchLabels": LABELS}, "template": wishes.pod_template(LABELS)}
    wishes.create(loops, "ReplicaSet", "web", spec=spec)
    wishes.delete(loops, "ReplicaSet", "web")
    assert _left(loops) == {}


def test_references_that_cannot_be_read_leave_the_others_alone(loops: Loops) -> None:
    _config_map(loops, "first")
    _config_map(loops, "second", owner="first")
    _config_map(loops, "broken", owner="first")
    loops.damage("UPDATE objects SET owner_references = '[{' WHERE name = 'broken'")
    loops.start_anew("ownership")
    wishes.delete(loops, "ConfigMap", "first")
    assert wishes.get(loops, "ConfigMap", "second") is None
    assert "default/broken" in "\n".join(loops.errors)


@pytest.mark.parametrize("raw", ["[]", '[{"apiVersion":"v1","kind":"Pod","name":"a","uid":"u"}]'])
def test_references_are_written_as_they_are_read(raw: str) -> None:
    assert owner_references.text(owner_references.read(raw)) == raw
