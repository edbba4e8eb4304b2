"""metrics.k8s.io: measured where agents measure, modelled where nobody can, and absent where nobody is heard."""

from typing import Any

import msgspec
import pytest

from kuberklone.kinds.metrics_documents import shares
from kuberklone.kinds.node import Node
from kuberklone.store import nodes, records, usage
from kuberklone.store.records import NODES, Update
from kuberklone.store.transaction import write
from tests.api.kubernetes.client import NODES as NODES_PATH
from tests.api.kubernetes.client import PODS, names, patched, pod, refused
from tests.api.running import Api

METRICS = "/apis/metrics.k8s.io/v1beta1"


def node(api: Api, name: str, *, ready: str = "True", provider: str = "simulated") -> Node:
    capacity = {"cpu": "4", "memory": "8Gi"}
    api.post(NODES_PATH, {"metadata": {"name": name}, "status": {"capacity": capacity}})
    with write(api.store) as transaction:
        (found,) = nodes.named(transaction.connection, {name})
        heard = msgspec.structs.replace(found, ready=ready, provider=provider)
        (written,) = records.update(transaction, NODES, [Update(found, heard)], ("ready", "provider"))
    return written


def running_pod(api: Api, name: str, node_name: str, *requests: dict[str, str]) -> dict[str, Any]:
    containers = [
        {"name": f"c{number}", "image": "registry.example/a:1", "resources": {"requests": each}}
        for number, each in enumerate(requests)
    ]
    created = api.post(PODS, pod(name, spec={"containers": containers}, labels={"app": name}))
    api.post(f"{PODS}/{name}/binding", {"metadata": {"name": name}, "target": {"kind": "Node", "name": node_name}})
    patched(api, f"{PODS}/{name}/status", {"status": {"phase": "Running"}})
    return dict(created)


def test_a_simulated_pod_uses_what_it_asked_for_and_its_node_the_sum(api: Api) -> None:
    node(api, "first")
    running_pod(api, "a", "first", {"cpu": "500m", "memory": "64Mi"}, {"cpu": "250m"})
    running_pod(api, "b", "first", {"cpu": "1"})
    one = api.get(f"{METRICS}/namespaces/default/pods/a")
    assert (one["kind"], one["metadata"]["labels"]) == ("PodMetrics", {"app": "a"})
    assert [(each["name"], each["usage"]) for each in one["containers"]] == [
        ("c0", {"cpu": "500m", "memory": "65536Ki"}),
        ("c1", {"cpu": "250m", "memory": "0Ki"}),
    ]
    whole = api.get(f"{METRICS}/nodes/first")
    assert (whole["kind"], whole["usage"]) == ("NodeMetrics", {"cpu": "1750m", "memory": "65536Ki"})
    assert whole["timestamp"].endswith("Z")
    assert whole["window"] == "10s"


def test_a_real_node_uses_what_its_agent_has_measured(api: Api) -> None:
    real = node(api, "real", provider="docker")
    created = running_pod(api, "a", "real", {"cpu": "500m"})
    assert api.get(f"{METRICS}/nodes")["items"] == []
    with write(api.store) as transaction:
        usage.write_nodes(transaction.connection, [(real.uid, 321, 10 * 2**20)], now_ms=transaction.now_ms)
        uid = created["metadata"]["uid"]
        usage.write_pods(transaction.connection, [(real.uid, uid, 123, 2**20)], now_ms=transaction.now_ms)
    assert api.get(f"{METRICS}/nodes/real")["usage"] == {"cpu": "321m", "memory": "10240Ki"}
    (container,) = api.get(f"{METRICS}/namespaces/default/pods/a")["containers"]
    assert container["usage"] == {"cpu": "123m", "memory": "1024Ki"}


def test_of_a_node_that_is_not_heard_nobody_knows(api: Api) -> None:
    node(api, "heard")
    node(api, "silent", ready="Unknown")
    running_pod(api, "a", "silent", {"cpu": "1"})
    assert names(api.get(f"{METRICS}/nodes")) == ["heard"]
    assert api.get(f"{METRICS}/pods")["items"] == []
    refused(api.http.get(f"{METRICS}/nodes/silent"), 404, "NotFound")


def test_lists_are_chosen_from_by_namespace_and_labels(api: Api) -> None:
    node(api, "first")
    for name in ("a", "b"):
        running_pod(api, name, "first", {"cpu": "100m"})
    assert names(api.get(f"{METRICS}/pods?labelSelector=app%3Db")) == ["b"]
    assert names(api.get(f"{METRICS}/namespaces/default/pods")) == ["a", "b"]
    assert api.get(f"{METRICS}/namespaces/elsewhere/pods")["items"] == []
    refused(api.http.get(f"{METRICS}/pods?labelSelector=a+in"), 400, "BadRequest")


@pytest.mark.parametrize(
    ("total", "weights", "parts"),
    [
        pytest.param(100, [1], [100], id="one container has it all"),
        pytest.param(100, [3, 1], [75, 25], id="by weight"),
        pytest.param(10, [1, 1, 1], [3, 3, 4], id="nothing is lost in rounding"),
        pytest.param(9, [0, 0, 0], [3, 3, 3], id="equal where nobody asked for anything"),
        pytest.param(5, [], [], id="no containers"),
    ],
)
def test_containers_share_what_was_measured_of_their_pod(total: int, weights: list[int], parts: list[int]) -> None:
    assert shares(total, weights) == parts
