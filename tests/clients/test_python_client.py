"""The official Python client: typed calls, watches and an informer."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from kubernetes import client, config, watch
from kubernetes.client.exceptions import ApiException

from tests import waiting
from tests.clients.conftest import DEADLINE_S, Cluster

pytestmark = pytest.mark.process


@pytest.fixture
def api(cluster: Cluster) -> Iterator[Any]:
    with config.new_client_from_config(str(cluster.kubeconfig)) as made:
        yield made


def _pod(name: str) -> Any:
    container = client.V1Container(name="main", image="registry.example/web:1")
    return client.V1Pod(metadata=client.V1ObjectMeta(name=name), spec=client.V1PodSpec(containers=[container]))


def _runs(core: Any, name: str, namespace: str) -> bool:
    return core.read_namespaced_pod(name, namespace).status.phase == "Running"


def _is_gone(core: Any, name: str, namespace: str) -> bool:
    try:
        core.read_namespaced_pod(name, namespace)
    except ApiException as error:
        return (error.status, error.reason) == (404, "Not Found")
    return False


def test_the_life_of_a_pod(api: Any, namespace: str) -> None:
    core = client.CoreV1Api(api)
    made = core.create_namespaced_pod(namespace, _pod("web"))
    assert made.metadata.uid
    waiting.until(lambda: _runs(core, "web", namespace), within_s=DEADLINE_S, what="it runs")
    patched = core.patch_namespaced_pod("web", namespace, {"metadata": {"labels": {"a": "b"}}})
    assert patched.metadata.labels == {"a": "b"}
    assert [pod.metadata.name for pod in core.list_namespaced_pod(namespace, label_selector="a=b").items] == ["web"]
    assert core.delete_namespaced_pod("web", namespace, grace_period_seconds=0).metadata.name == "web"
    waiting.until(lambda: _is_gone(core, "web", namespace), within_s=DEADLINE_S, what="it is gone")


def test_nodes_are_whole(api: Any) -> None:
    """Its models refuse a document in which a required member is missing or has another type."""
    for node in client.CoreV1Api(api).list_node().items:
        assert {condition.type for condition in node.status.conditions} >= {"Ready", "MemoryPressure"}
        assert node.status.node_info.kubelet_version


def test_a_deployment_is_rolled_out(api: Any, namespace: str) -> None:
    apps = client.AppsV1Api(api)
    template = client.V1PodTemplateSpec(metadata=client.V1ObjectMeta(labels={"app": "a"}), spec=_pod("x").spec)
    wanted = client.V1Deployment(
        metadata=client.V1ObjectMeta(name="a"),
        spec=client.V1DeploymentSpec(
            replicas=2, selector=client.V1LabelSelector(match_labels={"app": "a"}), template=template
        ),
    )
    apps.create_namespaced_deployment(namespace, wanted)

    def available() -> bool:
        return apps.read_namespaced_deployment("a", namespace).status.available_replicas == 2

    waiting.until(available, within_s=DEADLINE_S, what="both replicas are available")


def test_a_watch_tells_a_pods_way(api: Any, namespace: str) -> None:
    core = client.CoreV1Api(api)
    listed = core.list_namespaced_pod(namespace)
    core.create_namespaced_pod(namespace, _pod("web"))
    seen: list[tuple[str, str]] = []
    stream = watch.Watch()
    for event in stream.stream(
        core.list_namespaced_pod, namespace, resource_version=listed.metadata.resource_version, timeout_seconds=60
    ):
        seen.append((event["type"], event["object"].status.phase))
        # It runs on, and is told of once more, while it is on its way out.
        if seen[-1] == ("MODIFIED", "Running") and event["object"].metadata.deletion_timestamp is None:
            core.delete_namespaced_pod("web", namespace)
        if seen[-1][0] == "DELETED":
            stream.stop()
    assert seen[0] == ("ADDED", "Pending")
    assert seen[-1][0] == "DELETED"


def test_an_older_version_is_refused(api: Any, namespace: str) -> None:
    core = client.CoreV1Api(api)
    core.create_namespaced_config_map(namespace, {"metadata": {"name": "one"}, "data": {"a": "b"}})
    first, second = (core.read_namespaced_config_map("one", namespace) for _ in range(2))
    first.data = {"a": "c"}
    core.replace_namespaced_config_map("one", namespace, first)
    with pytest.raises(ApiException) as refused:
        core.replace_namespaced_config_map("one", namespace, second)
    assert refused.value.status == 409


def test_pages_are_one_moment(api: Any, namespace: str) -> None:
    core = client.CoreV1Api(api)
    for number in range(5):
        core.create_namespaced_secret(namespace, {"metadata": {"name": f"s-{number}"}, "stringData": {"a": "b"}})
    first = core.list_namespaced_secret(namespace, limit=2)
    core.delete_namespaced_secret("s-4", namespace)
    names = [secret.metadata.name for secret in first.items]
    token = first.metadata._continue
    while token:
        page = core.list_namespaced_secret(namespace, limit=2, _continue=token)
        names += [secret.metadata.name for secret in page.items]
        token = page.metadata._continue
    assert names == [f"s-{number}" for number in range(5)]


def test_an_informer_keeps_a_copy(api: Any, namespace: str) -> None:
    informers = pytest.importorskip("kubernetes.informer")
    core = client.CoreV1Api(api)
    informer = informers.SharedInformer(core.list_namespaced_pod, namespace=namespace)
    deleted = threading.Event()
    informer.add_event_handler("DELETED", lambda _: deleted.set())
    informer.start()
    try:
        core.create_namespaced_pod(namespace, _pod("web"))

        def cached() -> bool:
            return [pod.metadata.name for pod in informer.cache.list() if pod.status.phase == "Running"] == ["web"]

        waiting.until(cached, within_s=DEADLINE_S, what="the informer's copy has the running pod")
        core.delete_namespaced_pod("web", namespace)
        assert deleted.wait(DEADLINE_S)
    finally:
        informer.stop()


def test_the_dynamic_client_finds_kinds_by_discovery(api: Any, namespace: str) -> None:
    dynamic = pytest.importorskip("kubernetes.dynamic").DynamicClient(api)
    maps = dynamic.resources.get(api_version="v1", kind="ConfigMap")
    applied = maps.server_side_apply(
        body={"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "one"}, "data": {"a": "b"}},
        namespace=namespace,
        field_manager="a-test",
    )
    assert applied.data.a == "b"
