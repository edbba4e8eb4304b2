"""Namespaces have what pods expect of them, and go with all that is in them."""

from pathlib import Path

from tests import wishes
from tests.controllers.conftest import StartLoops
from tests.controllers.loops import Loops

LABELS = {"app": "web"}


def _names(loops: Loops) -> set[str]:
    return {each["metadata"]["name"] for each in wishes.find(loops, "Namespace")}


def _deploy(loops: Loops, namespace: str) -> None:
    spec = {"replicas": 2, "selector": {"matchLabels": LABELS}, "template": wishes.pod_template(LABELS)}
    wishes.create(loops, "Deployment", "web", namespace=namespace, spec=spec)


def test_the_standard_namespaces_are_there(loops: Loops) -> None:
    loops.settle()
    assert _names(loops) == {"default", "kube-system", "kube-public", "kube-node-lease"}


def test_every_namespace_has_an_account_and_the_certificate_of_the_cluster(
    start_loops: StartLoops, tmp_path: Path
) -> None:
    (tmp_path / "pki").mkdir()
    (tmp_path / "pki" / "ca.crt").write_text("a certificate")
    loops = start_loops(home=tmp_path)
    wishes.create(loops, "Namespace", "mine")
    for name in _names(loops):
        assert wishes.get(loops, "ServiceAccount", "default", namespace=name) is not None
        assert wishes.the(loops, "ConfigMap", "kube-root-ca.crt", namespace=name)["data"] == {"ca.crt": "a certificate"}


def test_they_come_back_when_somebody_deletes_them(loops: Loops) -> None:
    loops.settle()
    wishes.delete(loops, "ServiceAccount", "default")
    wishes.delete(loops, "ConfigMap", "kube-root-ca.crt")
    assert wishes.get(loops, "ServiceAccount", "default") is not None
    assert wishes.get(loops, "ConfigMap", "kube-root-ca.crt") is not None


def test_a_certificate_that_was_changed_is_put_right(start_loops: StartLoops, tmp_path: Path) -> None:
    (tmp_path / "pki").mkdir()
    (tmp_path / "pki" / "ca.crt").write_text("a certificate")
    loops = start_loops(home=tmp_path)
    loops.settle()
    wishes.change(loops, "ConfigMap", "kube-root-ca.crt", {"data": {"ca.crt": "another one"}})
    assert wishes.the(loops, "ConfigMap", "kube-root-ca.crt")["data"] == {"ca.crt": "a certificate"}


def test_a_namespace_goes_with_all_that_is_in_it(loops: Loops) -> None:
    loops.add_nodes(1)
    wishes.create(loops, "Namespace", "mine")
    _deploy(loops, "mine")
    wishes.create(loops, "Secret", "hidden", namespace="mine", data={})
    wishes.delete(loops, "Namespace", "mine")
    loops.pass_s(2)
    assert "mine" not in _names(loops)
    assert loops.running() == {}
    assert loops.sql("SELECT 1 FROM objects WHERE namespace = 'mine'") == []
    assert loops.sql("SELECT 1 FROM pods WHERE namespace = 'mine'") == []


def test_pods_go_first(loops: Loops) -> None:
    loops.add_nodes(1)
    wishes.create(loops, "Namespace", "mine")
    _deploy(loops, "mine")
    loops.kill("simulator")
    wishes.delete(loops, "Namespace", "mine")
    loops.pass_s(1)
    assert wishes.get(loops, "Deployment", "web", namespace="mine") is not None
    conditions = wishes.the(loops, "Namespace", "mine")["status"]["conditions"]
    remaining = next(each for each in conditions if each["type"] == "NamespaceContentRemaining")
    assert (remaining["status"], "pods. has 2 resource instances" in remaining["message"]) == ("True", True)
    loops.start("simulator")
    loops.pass_s(6)
    assert "mine" not in _names(loops)


def test_a_finalizer_holds_the_namespace_and_that_is_told(loops: Loops) -> None:
    wishes.create(loops, "Namespace", "mine")
    held = {"finalizers": ["example.com/wait"]}
    wishes.create(loops, "ConfigMap", "held", namespace="mine", metadata=held, data={})
    wishes.delete(loops, "Namespace", "mine")
    loops.pass_s(1)
    status = wishes.the(loops, "Namespace", "mine")["status"]
    assert status["phase"] == "Terminating"
    waiting = next(each for each in status["conditions"] if each["type"] == "NamespaceFinalizersRemaining")
    assert "example.com/wait in 1 resource instances" in waiting["message"]
    wishes.change(loops, "ConfigMap", "held", {"metadata": {"finalizers": None}}, namespace="mine")
    loops.pass_s(11)
    assert "mine" not in _names(loops)


def test_more_than_one_transaction_holds_is_deleted_by_several(loops: Loops) -> None:
    wishes.create(loops, "Namespace", "mine")
    loops.add_nodes(1)
    labels = {"app": "many"}
    spec = {"replicas": 700, "selector": {"matchLabels": labels}, "template": wishes.pod_template(labels)}
    wishes.create(loops, "ReplicaSet", "many", namespace="mine", spec=spec)
    wishes.delete(loops, "Namespace", "mine")
    loops.pass_s(5)
    assert "mine" not in _names(loops)


def test_a_namespace_that_cannot_be_read_leaves_the_others_alone(loops: Loops) -> None:
    wishes.create(loops, "Namespace", "broken")
    loops.damage("UPDATE objects SET spec = '[' WHERE name = 'broken'")
    wishes.create(loops, "Namespace", "mine")
    assert wishes.get(loops, "ServiceAccount", "default", namespace="mine") is not None
    assert "namespace broken" in "\n".join(loops.errors)
