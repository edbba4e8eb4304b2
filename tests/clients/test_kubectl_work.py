"""kubectl on things that work: rollouts, scaling, draining, logs, and what is seen of them."""

import json
import re

import pytest

from tests.clients import manifests
from tests.clients.conftest import Shell

pytestmark = pytest.mark.process


@pytest.fixture
def shop(kubectl: Shell) -> Shell:
    """A Deployment of three pods that all run."""
    kubectl("apply", "-f", kubectl.file("shop.yaml", manifests.DEPLOYMENT))
    kubectl("rollout", "status", "deployment/shop", "--timeout=60s")
    return kubectl


def _pods(kubectl: Shell, selector: str = "app=shop") -> list[dict]:
    """Those that are not on their way out."""
    items: list[dict] = json.loads(kubectl("get", "pods", "-l", selector, "-o", "json"))["items"]
    return [pod for pod in items if "deletionTimestamp" not in pod["metadata"]]


def _images(kubectl: Shell) -> set[str]:
    return {pod["spec"]["containers"][0]["image"] for pod in _pods(kubectl)}


def test_a_whole_rollout(every_kubectl: Shell) -> None:
    """The way that everybody takes first, with every version."""
    kubectl = every_kubectl
    kubectl("apply", "-f", kubectl.file("shop.yaml", manifests.DEPLOYMENT))
    assert "successfully rolled out" in kubectl("rollout", "status", "deployment/shop", "--timeout=60s")
    assert kubectl("get", "deploy", "shop", "--no-headers").split()[1:4] == ["3/3", "3", "3"]
    kubectl("set", "image", "deployment/shop", "web=registry.example/web:2")
    kubectl("rollout", "status", "deployment/shop", "--timeout=60s")
    kubectl.until(lambda: _images(kubectl) == {"registry.example/web:2"}, "all pods have the new image")
    assert len(_pods(kubectl)) == 3
    assert kubectl("rollout", "undo", "deployment/shop") == "deployment.apps/shop rolled back\n"
    kubectl("rollout", "status", "deployment/shop", "--timeout=60s")
    kubectl.until(lambda: _images(kubectl) == {"registry.example/web:1"}, "all pods have the old image again")
    kubectl("delete", "deployment", "shop")
    kubectl.until(lambda: not _pods(kubectl), "its pods go with it")


def test_rollout_history_and_undo_to_a_revision(shop: Shell) -> None:
    for version in (2, 3):
        shop("set", "image", "deployment/shop", f"web=registry.example/web:{version}")
        shop("rollout", "status", "deployment/shop", "--timeout=60s")
    numbers = re.findall(r"^(\d+)\s", shop("rollout", "history", "deployment/shop"), re.MULTILINE)
    assert numbers == ["1", "2", "3"]
    assert "registry.example/web:2" in shop("rollout", "history", "deployment/shop", "--revision=2")
    shop("rollout", "undo", "deployment/shop", "--to-revision=1")
    shop("rollout", "status", "deployment/shop", "--timeout=60s")
    shop.until(lambda: _images(shop) == {"registry.example/web:1"}, "the first image again")


def test_rollout_restart_replaces_every_pod(shop: Shell) -> None:
    before = {pod["metadata"]["uid"] for pod in _pods(shop)}
    shop("rollout", "restart", "deployment/shop")
    shop("rollout", "status", "deployment/shop", "--timeout=60s")
    shop.until(lambda: len(_pods(shop)) == 3, "three pods")
    assert not before & {pod["metadata"]["uid"] for pod in _pods(shop)}


def test_a_paused_rollout_waits(shop: Shell) -> None:
    assert shop("rollout", "pause", "deployment/shop") == "deployment.apps/shop paused\n"
    shop("set", "image", "deployment/shop", "web=registry.example/web:2")
    generation = shop("get", "deploy", "shop", "-o", "jsonpath={.metadata.generation}")
    observed = ("get", "deploy", "shop", "-o", "jsonpath={.status.observedGeneration}")
    shop.until(lambda: shop(*observed) == generation, "the change is seen")
    assert _images(shop) == {"registry.example/web:1"}
    shop("rollout", "resume", "deployment/shop")
    shop("rollout", "status", "deployment/shop", "--timeout=60s")
    shop.until(lambda: _images(shop) == {"registry.example/web:2"}, "the new image")


def test_scale_up_and_down(shop: Shell) -> None:
    assert shop("scale", "deployment/shop", "--replicas=5") == "deployment.apps/shop scaled\n"
    shop.until(lambda: len(_pods(shop)) == 5, "five pods")
    shop("scale", "deployment/shop", "--current-replicas=5", "--replicas=1")
    shop.until(lambda: len(_pods(shop)) == 1, "one pod")
    assert "Expected replicas to be 5" in shop(
        "scale", "deployment/shop", "--current-replicas=5", "--replicas=2", status=1
    )


def test_a_deleted_pod_is_replaced(shop: Shell) -> None:
    doomed = _pods(shop)[0]["metadata"]["name"]
    assert f'pod "{doomed}"' in shop("delete", "pod", doomed)
    shop.until(lambda: len(_pods(shop)) == 3, "three pods again")
    assert doomed not in {pod["metadata"]["name"] for pod in _pods(shop)}


def test_delete_that_orphans_leaves_the_dependents(shop: Shell) -> None:
    shop("delete", "deployment", "shop", "--cascade=orphan")
    replica_sets = json.loads(shop("get", "rs", "-l", "app=shop", "-o", "json"))["items"]
    assert len(replica_sets) == 1
    shop.until(
        lambda: "ownerReferences" not in shop("get", "rs", "-l", "app=shop", "-o", "json"), "nobody owns it any more"
    )
    assert len(_pods(shop)) == 3


def test_delete_in_the_foreground_waits_for_the_dependents(shop: Shell) -> None:
    shop("delete", "deployment", "shop", "--cascade=foreground", "--timeout=60s")
    assert _pods(shop) == []
    assert shop("get", "rs", "-l", "app=shop", "-o", "name") == ""


def test_delete_by_file_by_label_and_all(kubectl: Shell) -> None:
    file = kubectl.file("colours.yaml", manifests.CONFIG)
    kubectl("apply", "-f", file)
    assert kubectl("delete", "-f", file).startswith('configmap "colours" deleted')
    kubectl("create", "configmap", "one")
    kubectl("create", "configmap", "two")
    kubectl("label", "configmap", "one", "doomed=yes")
    assert kubectl("delete", "configmap", "-l", "doomed").startswith('configmap "one" deleted')
    kubectl("delete", "configmap", "two", "--wait=false")
    assert "NotFound" in kubectl("delete", "configmap", "two", status=1)
    assert kubectl("delete", "configmap", "two", "--ignore-not-found") == ""
    kubectl("run", "web", "--image=registry.example/web:1")
    assert 'pod "web"' in kubectl("delete", "pods", "--all", "--now")


def test_force_deletes_at_once(kubectl: Shell) -> None:
    kubectl("apply", "-f", kubectl.file("pod.yaml", manifests.POD))
    kubectl("wait", "pod/solo", "--for=condition=Ready", "--timeout=60s")
    kubectl("delete", "pod", "solo", "--force", "--grace-period=0")
    assert "NotFound" in kubectl("get", "pod", "solo", status=1)


def test_wait_for_deletion_and_for_a_value(kubectl: Shell) -> None:
    kubectl("apply", "-f", kubectl.file("pod.yaml", manifests.POD))
    kubectl("wait", "pod/solo", "--for=jsonpath={.status.phase}=Running", "--timeout=60s")
    kubectl("delete", "pod", "solo", "--wait=false")
    kubectl("wait", "pod/solo", "--for=delete", "--timeout=60s")


def test_expose_and_autoscale(shop: Shell) -> None:
    assert shop("expose", "deployment/shop", "--port=80") == "service/shop exposed\n"
    assert "80/TCP" in shop("get", "service", "shop")
    shop("autoscale", "deployment/shop", "--min=2", "--max=5", "--cpu-percent=50")
    assert "Deployment/shop" in shop("get", "hpa", "shop")


@pytest.fixture
def node(kubectl: Shell) -> str:
    """A node of the test's own, which it may spoil; gone afterwards because the namespace's pods are all it has."""
    name = f"spare-{kubectl.namespace}-{kubectl.program.minor}".replace(".", "-")
    kubectl.cluster.create("/add_node", {"cpus": 4, "name": name, "labels": {"spare": name}})
    kubectl("wait", f"node/{name}", "--for=condition=Ready", "--timeout=60s")
    return name


def _on(node: str) -> str:
    """The Deployment, all of whose pods may run on one node and on one other."""
    where = f"nodeSelector: {{spare: {node}}}\n      containers:"
    return manifests.DEPLOYMENT.replace("containers:", where)


def test_cordon_keeps_pods_away(kubectl: Shell, node: str) -> None:
    assert kubectl("cordon", node) == f"node/{node} cordoned\n"
    assert kubectl("get", "node", node, "--no-headers").split()[1] == "Ready,SchedulingDisabled"
    kubectl("apply", "-f", kubectl.file("shop.yaml", _on(node)))
    kubectl.until(lambda: "FailedScheduling" in kubectl("get", "events"), "it is said that no node fits")
    assert {pod["status"]["phase"] for pod in _pods(kubectl)} == {"Pending"}
    assert kubectl("uncordon", node) == f"node/{node} uncordoned\n"
    kubectl("rollout", "status", "deployment/shop", "--timeout=60s")
    kubectl("delete", "node", node)


def test_a_taint_sends_pods_away(kubectl: Shell, node: str) -> None:
    kubectl("apply", "-f", kubectl.file("shop.yaml", _on(node)))
    kubectl("rollout", "status", "deployment/shop", "--timeout=60s")
    before = {pod["metadata"]["uid"] for pod in _pods(kubectl)}
    assert kubectl("taint", "node", node, "broken=yes:NoExecute") == f"node/{node} tainted\n"
    kubectl.until(
        lambda: len(_pods(kubectl)) == 3 and not before & {pod["metadata"]["uid"] for pod in _pods(kubectl)},
        "three other pods wait",
    )
    assert kubectl("taint", "node", node, "broken-") == f"node/{node} untainted\n"
    kubectl("rollout", "status", "deployment/shop", "--timeout=60s")
    kubectl("delete", "node", node)


def test_drain_empties_a_node_and_its_pods_come_back_elsewhere(kubectl: Shell, node: str) -> None:
    kubectl("apply", "-f", kubectl.file("shop.yaml", _on(node)))
    kubectl("rollout", "status", "deployment/shop", "--timeout=60s")
    other = f"{node}-b"
    kubectl.cluster.create("/add_node", {"cpus": 4, "name": other, "labels": {"spare": node}})
    kubectl("wait", f"node/{other}", "--for=condition=Ready", "--timeout=60s")
    said = kubectl("drain", node, "--ignore-daemonsets", "--delete-emptydir-data", "--timeout=60s")
    assert f"node/{node} drained" in said
    kubectl("rollout", "status", "deployment/shop", "--timeout=60s")
    kubectl.until(
        lambda: [pod["spec"].get("nodeName") for pod in _pods(kubectl)] == [other] * 3, "all run on the other node"
    )
    kubectl("delete", "node", node, other)


def test_drain_heeds_a_disruption_budget(kubectl: Shell, node: str) -> None:
    kubectl("apply", "-f", kubectl.file("shop.yaml", _on(node)))
    kubectl("rollout", "status", "deployment/shop", "--timeout=60s")
    kubectl("apply", "-f", kubectl.file("budget.yaml", manifests.BUDGET))
    budget = ("get", "pdb", "shop", "-o", "jsonpath={.status.currentHealthy}/{.status.disruptionsAllowed}")
    kubectl.until(lambda: kubectl(*budget) == "3/0", "the budget has counted")
    refused = kubectl("drain", node, "--timeout=3s", status=1)
    assert "Cannot evict pod as it would violate the pod's disruption budget" in refused
    assert len(_pods(kubectl)) == 3
    kubectl("delete", "deployment", "shop")
    kubectl("delete", "node", node)


def test_a_bare_pod_goes_with_its_node_unless_it_asks_to_be_moved(kubectl: Shell, node: str) -> None:
    where = f"spec:\n  nodeSelector: {{spare: {node}}}\n"
    stays = manifests.POD.replace(
        "name: solo\n", "name: moved\n  annotations: {kuberklone.io/on-node-failure: Reschedule}\n", 1
    )
    kubectl("apply", "-f", kubectl.file("pod.yaml", manifests.POD.replace("spec:\n", where)))
    kubectl("apply", "-f", kubectl.file("moved.yaml", stays.replace("spec:\n", where)))
    kubectl("wait", "pod", "-l", "app=solo", "--for=condition=Ready", "--timeout=60s")
    before = kubectl("get", "pod", "moved", "-o", "jsonpath={.metadata.uid}")
    kubectl("delete", "node", node)
    kubectl.until(lambda: [pod["metadata"]["name"] for pod in _pods(kubectl, "app=solo")] == ["moved"], "one is left")
    assert kubectl("get", "pod", "moved", "-o", "jsonpath={.metadata.uid}") != before


def test_apply_makes_a_simulated_node(kubectl: Shell) -> None:
    name = f"applied-{kubectl.program.minor}"
    file = kubectl.file(
        "node.yaml",
        f'{{"apiVersion":"v1","kind":"Node","metadata":{{"name":"{name}"}},'
        '"status":{"capacity":{"cpu":"2","memory":"4Gi","pods":"10"}}}',
    )
    assert kubectl("apply", "-f", file) == f"node/{name} created\n"
    kubectl("wait", f"node/{name}", "--for=condition=Ready", "--timeout=60s")
    assert kubectl("get", "node", name, "-o", "jsonpath={.status.capacity.cpu}") == "2"
    assert kubectl("delete", "node", name).startswith(f'node "{name}" deleted')


def test_describe_tells_the_story(shop: Shell) -> None:
    name = _pods(shop)[0]["metadata"]["name"]
    pod = shop("describe", "pod", name)
    assert re.search(r"Successfully assigned test-\d+/shop-\S+ to node-\d", pod)
    assert re.search(r"Controlled By:\s+ReplicaSet/shop-", pod)
    assert "ScalingReplicaSet" in shop("describe", "deployment", "shop")
    node = shop("describe", "node", "node-1")
    assert "Allocated resources" in node
    assert re.search(r"Ready\s+True", node)
    assert "HolderIdentity:  node-1" in node
    for kind in ("rs", "ns", "sa", "cm"):
        shop("describe", kind)


def test_describe_says_why_a_pod_waits(kubectl: Shell) -> None:
    greedy = manifests.POD.replace("cpu: 50m", "cpu: 500")
    kubectl("apply", "-f", kubectl.file("pod.yaml", greedy))
    kubectl.until(lambda: "FailedScheduling" in kubectl("describe", "pod", "solo"), "the scheduler says why")
    assert re.search(r"0/\d+ nodes are available: .*Insufficient cpu", kubectl("describe", "pod", "solo"))


def test_events_are_listed_and_found_by_object(shop: Shell) -> None:
    assert "SuccessfulCreate" in shop("get", "events")
    assert "ScalingReplicaSet" in shop("events", "--for", "deployment/shop")


def test_top_shows_use(shop: Shell) -> None:
    shop.until(lambda: "shop-" in shop.try_("top", "pods").stdout, "pods have metrics")
    assert re.search(r"shop-\S+\s+\d+m\s+\d+Mi", shop("top", "pods"))
    assert re.search(r"node-1\s+\d+m\s+\d+%", shop("top", "nodes"))


def test_logs_and_exec_of_a_simulated_pod_say_why_not(kubectl: Shell) -> None:
    kubectl("apply", "-f", kubectl.file("pod.yaml", manifests.POD))
    kubectl("wait", "pod/solo", "--for=condition=Ready", "--timeout=60s")
    assert "simulated" in kubectl.try_("logs", "solo").stderr + kubectl.try_("logs", "solo").stdout
    refused = kubectl.try_("exec", "solo", "--", "ls")
    assert refused.returncode != 0
    assert "simulated" in refused.stderr


def test_kinds_without_a_loop_say_so(kubectl: Shell) -> None:
    done = kubectl.try_("create", "job", "one", "--image=registry.example/one:1")
    assert done.returncode == 0
    assert done.stderr.startswith("Warning: ")
