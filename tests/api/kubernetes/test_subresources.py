"""What stands below an object: its status, its scale, the binding and the eviction of a pod, and what is not there."""

from typing import Any

import httpx
import pytest

from tests.api.kubernetes.client import JSON_PATCH, MERGE, NAMESPACES, NODES, PODS, patched, pod, refused
from tests.api.running import Api

DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"
CONTROLLERS = "/api/v1/namespaces/default/replicationcontrollers"
BUDGETS = "/apis/policy/v1/namespaces/default/poddisruptionbudgets"
LABELS = {"app": "web"}
TEMPLATE = {
    "metadata": {"labels": LABELS},
    "spec": {"containers": [{"name": "web", "image": "registry.example/web:1"}]},
}


def deployment(api: Api, replicas: int = 2) -> dict[str, Any]:
    spec = {"replicas": replicas, "selector": {"matchLabels": LABELS}, "template": TEMPLATE}
    created: dict[str, Any] = api.post(DEPLOYMENTS, {"metadata": {"name": "web"}, "spec": spec})
    return created


def node(api: Api, name: str = "first", cpu: str = "1") -> None:
    api.post(NODES, {"metadata": {"name": name}, "status": {"capacity": {"cpu": cpu, "memory": "4Gi"}}})


# -------------------------------------------------------------------------------------------------------------- status


def test_a_status_is_written_by_its_own_path_and_leaves_everything_else(api: Api) -> None:
    before = deployment(api)
    answer = patched(api, f"{DEPLOYMENTS}/web/status", {"spec": {"replicas": 7}, "status": {"readyReplicas": 1}})
    assert answer.json()["status"]["readyReplicas"] == 1
    after = api.get(f"{DEPLOYMENTS}/web")
    assert after["spec"] == before["spec"]
    assert after["metadata"]["generation"] == before["metadata"]["generation"]
    assert api.get(f"{DEPLOYMENTS}/web/status") == after


def test_a_write_of_the_object_leaves_the_status(api: Api) -> None:
    deployment(api)
    patched(api, f"{DEPLOYMENTS}/web/status", {"status": {"readyReplicas": 1}})
    patched(api, f"{DEPLOYMENTS}/web", {"spec": {"replicas": 3}, "status": {"readyReplicas": 3}})
    assert api.get(f"{DEPLOYMENTS}/web")["status"]["readyReplicas"] == 1


# --------------------------------------------------------------------------------------------------------------- scale


def test_a_scale_says_how_many_there_shall_be_and_by_which_labels_they_are_known(api: Api) -> None:
    created = deployment(api)
    scale = api.get(f"{DEPLOYMENTS}/web/scale")
    assert (scale["kind"], scale["apiVersion"]) == ("Scale", "autoscaling/v1")
    assert scale["spec"] == {"replicas": 2}
    assert scale["status"] == {"replicas": 0, "selector": "app=web"}
    assert scale["metadata"]["uid"] == created["metadata"]["uid"]


def test_the_selector_of_an_old_kind_is_told_in_the_same_way(api: Api) -> None:
    api.post(CONTROLLERS, {"metadata": {"name": "web"}, "spec": {"selector": LABELS, "template": TEMPLATE}})
    assert api.get(f"{CONTROLLERS}/web/scale")["status"]["selector"] == "app=web"


@pytest.mark.parametrize(
    ("as_", "patch"),
    [
        pytest.param(MERGE, {"spec": {"replicas": 5}}, id="merge patch"),
        pytest.param(JSON_PATCH, [{"op": "replace", "path": "/spec/replicas", "value": 5}], id="JSON patch"),
    ],
)
def test_a_scale_can_be_patched(api: Api, as_: str, patch: Any) -> None:
    before = deployment(api)
    assert patched(api, f"{DEPLOYMENTS}/web/scale", patch, as_=as_).json()["spec"] == {"replicas": 5}
    after = api.get(f"{DEPLOYMENTS}/web")
    assert after["spec"] == {**before["spec"], "replicas": 5}
    assert after["metadata"]["generation"] == before["metadata"]["generation"] + 1


def test_a_scale_that_was_changed_since_it_was_read_is_not_written_over(api: Api) -> None:
    deployment(api)
    scale = api.get(f"{DEPLOYMENTS}/web/scale")
    patched(api, f"{DEPLOYMENTS}/web/scale", {"spec": {"replicas": 5}})
    # As kubectl sends it: without a Content-Type.
    scale["spec"]["replicas"] = 9
    content = httpx.Request("PUT", "http://localhost", json=scale).content
    refused(api.http.put(f"{DEPLOYMENTS}/web/scale", content=content), 409, "Conflict")
    assert api.get(f"{DEPLOYMENTS}/web")["spec"]["replicas"] == 5


def test_fewer_than_none_is_refused_and_a_dry_run_writes_nothing(api: Api) -> None:
    deployment(api)
    before = api.written()
    refused(patched(api, f"{DEPLOYMENTS}/web/scale", {"spec": {"replicas": -1}}), 422, "Invalid")
    dry = patched(api, f"{DEPLOYMENTS}/web/scale", {"spec": {"replicas": 9}}, dryRun="All")
    assert dry.json()["spec"] == {"replicas": 9}
    assert api.written() == before


# ------------------------------------------------------------------------------------------------------------- binding


def rows(api: Api) -> dict[str, int]:
    """How much is in every table. The store may take a revision for what it then refuses."""
    return {table: count for table, count in api.written().items() if table != "revision"}


def bound(api: Api, name: str, node_name: str, **metadata: Any) -> httpx.Response:
    body = {"metadata": {"name": name, **metadata}, "target": {"kind": "Node", "name": node_name}}
    return api.http.post(f"{PODS}/{name}/binding", json=body)


def asking(name: str, cpu: str) -> dict[str, Any]:
    containers = [{"name": "main", "image": "registry.example/a:1", "resources": {"requests": {"cpu": cpu}}}]
    return pod(name, spec={"containers": containers})


def test_a_scheduler_from_outside_binds_pods(api: Api) -> None:
    node(api)
    api.post(PODS, pod("a"))
    answer = bound(api, "a", "first")
    assert (answer.status_code, answer.json()["status"]) == (201, "Success")
    assert api.get(f"{PODS}/a")["spec"]["nodeName"] == "first"
    refused(bound(api, "a", "first"), 409, "Conflict")


def test_it_cannot_give_a_node_more_than_the_node_has(api: Api) -> None:
    node(api, cpu="1")
    api.post(PODS, asking("large", "800m"))
    api.post(PODS, asking("small", "300m"))
    assert bound(api, "large", "first").status_code == 201
    assert "no room" in refused(bound(api, "small", "first"), 409, "Conflict")["message"]
    assert "nodeName" not in api.get(f"{PODS}/small")["spec"]


def test_the_older_way_names_the_pod_in_the_body(api: Api) -> None:
    node(api)
    api.post(PODS, pod("a"))
    body = {"metadata": {"name": "a"}, "target": {"kind": "Node", "name": "first"}}
    api.post("/api/v1/namespaces/default/bindings", body)
    assert api.get(f"{PODS}/a")["spec"]["nodeName"] == "first"


def test_a_binding_that_cannot_be_is_refused_and_writes_nothing(api: Api) -> None:
    node(api)
    api.post(PODS, pod("a"))
    before = rows(api)
    refused(bound(api, "a", "nowhere"), 404, "NotFound")
    refused(bound(api, "nobody", "first"), 404, "NotFound")
    refused(bound(api, "a", "first", uid="another"), 409, "Conflict")
    refused(api.http.post(f"{PODS}/a/binding", json={"target": {"kind": "Moon", "name": "first"}}), 422, "Invalid")
    refused(api.http.post(f"{PODS}/a/binding", json={"target": {"kind": "Node"}}), 422, "Invalid")
    assert api.http.post(f"{PODS}/a/binding", params={"dryRun": "All"}, json={"target": {"name": "first"}}).is_success
    assert rows(api) == before


# ------------------------------------------------------------------------------------------------------------ eviction


def running_pod(api: Api, name: str) -> None:
    api.post(PODS, pod(name, labels=LABELS))
    assert bound(api, name, "first").status_code == 201
    conditions = [{"type": "Ready", "status": "True"}]
    patched(api, f"{PODS}/{name}/status", {"status": {"phase": "Running", "conditions": conditions}})


def evicted(api: Api, name: str, **options: Any) -> httpx.Response:
    body = {
        "apiVersion": "policy/v1",
        "kind": "Eviction",
        "metadata": {"name": name, "namespace": "default"},
        "deleteOptions": options,
    }
    return api.http.post(f"{PODS}/{name}/eviction", json=body)


def budget(api: Api, allowed: int) -> None:
    spec = {"minAvailable": 1, "selector": {"matchLabels": LABELS}}
    created = api.post(BUDGETS, {"metadata": {"name": "web"}, "spec": spec})
    status = {
        "disruptionsAllowed": allowed,
        "currentHealthy": 1 + allowed,
        "desiredHealthy": 1,
        "expectedPods": 1 + allowed,
        "observedGeneration": created["metadata"]["generation"],
    }
    answer = patched(api, f"{BUDGETS}/web/status", {"status": status})
    assert answer.status_code == 200, answer.text


def test_an_eviction_deletes_a_pod_that_no_budget_guards(api: Api) -> None:
    node(api)
    running_pod(api, "a")
    answer = evicted(api, "a", gracePeriodSeconds=7)
    assert (answer.status_code, answer.json()["status"]) == (201, "Success")
    assert api.get(f"{PODS}/a")["metadata"]["deletionGracePeriodSeconds"] == 7


def test_a_budget_lets_so_many_go_and_no_more(api: Api) -> None:
    node(api)
    for name in ("a", "b"):
        running_pod(api, name)
    budget(api, allowed=1)
    assert evicted(api, "a").status_code == 201
    status = refused(evicted(api, "b"), 429, "TooManyRequests")
    assert [cause["reason"] for cause in status["details"]["causes"]] == ["DisruptionBudget"]
    assert "deletionTimestamp" not in api.get(f"{PODS}/b")["metadata"]


def test_a_dry_run_asks_the_budget_and_takes_nothing(api: Api) -> None:
    node(api)
    running_pod(api, "a")
    budget(api, allowed=1)
    before = api.written()
    for _ in range(2):
        assert evicted(api, "a", dryRun=["All"]).status_code == 201
    assert api.written() == before


def test_an_eviction_of_something_else_is_refused(api: Api) -> None:
    node(api)
    running_pod(api, "a")
    refused(evicted(api, "nobody"), 404, "NotFound")
    refused(evicted(api, "a", preconditions={"uid": "another"}), 409, "Conflict")
    body = {"metadata": {"name": "b"}}
    refused(api.http.post(f"{PODS}/a/eviction", json=body), 400, "BadRequest")


# ---------------------------------------------------------------------------------------------------------- namespaces


def test_who_has_emptied_a_namespace_takes_its_finalizer_away(api: Api) -> None:
    created = api.post(NAMESPACES, {"metadata": {"name": "shop"}})
    api.http.delete(f"{NAMESPACES}/shop")
    emptied = {**created, "spec": {"finalizers": []}}
    emptied["metadata"] = {"name": "shop"}
    assert api.http.put(f"{NAMESPACES}/shop/finalize", json=emptied).status_code == 200
    refused(api.http.get(f"{NAMESPACES}/shop"), 404, "NotFound")


# -------------------------------------------------------------------------------------------------- logs and containers


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "log"), ("GET", "exec?command=ls"), ("POST", "exec?command=ls"), ("GET", "attach"), ("POST", "attach")],
)
def test_a_simulated_pod_says_why_it_cannot_be_looked_into(api: Api, method: str, path: str) -> None:
    node(api)
    running_pod(api, "a")
    status = refused(api.http.request(method, f"{PODS}/a/{path}"), 400, "BadRequest")
    assert "simulated node" in status["message"]


@pytest.mark.parametrize(
    ("path", "message"),
    [
        pytest.param("log", "does not have a host assigned", id="it has no node"),
        pytest.param("log?container=other", "container other is not valid for pod", id="no such container"),
        pytest.param("exec?command=ls&container=other", "container other is not valid for pod", id="nor to enter"),
    ],
)
def test_a_pod_that_cannot_be_asked_says_why(api: Api, path: str, message: str) -> None:
    api.post(PODS, pod("a"))
    assert message in refused(api.http.get(f"{PODS}/a/{path}"), 400, "BadRequest")["message"]


def test_of_several_containers_one_has_to_be_named(api: Api) -> None:
    containers = [{"name": name, "image": "registry.example/a:1"} for name in ("one", "two")]
    api.post(PODS, pod("a", spec={"containers": containers}))
    status = refused(api.http.get(f"{PODS}/a/log"), 400, "BadRequest")
    assert "choose one of: [one two]" in status["message"]


@pytest.mark.parametrize(
    ("query", "code", "reason"),
    [
        ("tailLines=-1", 422, "Invalid"),
        ("tailLines=many", 400, "BadRequest"),
        ("limitBytes=0", 422, "Invalid"),
        ("sinceSeconds=0", 422, "Invalid"),
        ("sinceTime=yesterday", 400, "BadRequest"),
        ("sinceSeconds=5&sinceTime=2026-11-23T09:53:47Z", 422, "Invalid"),
        ("follow=perhaps", 400, "BadRequest"),
    ],
)
def test_options_of_a_log_that_cannot_be_are_refused(api: Api, query: str, code: int, reason: str) -> None:
    api.post(PODS, pod("a"))
    refused(api.http.get(f"{PODS}/a/log?{query}"), code, reason)


def test_a_command_is_needed_to_enter_a_container(api: Api) -> None:
    api.post(PODS, pod("a"))
    refused(api.http.get(f"{PODS}/a/exec"), 422, "Invalid")


@pytest.mark.parametrize("path", ["portforward", "proxy", "ephemeralcontainers", "resize"])
def test_what_is_not_served_says_so_with_a_reason(api: Api, path: str) -> None:
    api.post(PODS, pod("a"))
    status = refused(api.http.get(f"{PODS}/a/{path}"), 501, "NotImplemented")
    assert f"pods/{path} is not served: " in status["message"]


def test_what_kubernetes_has_not_either_is_not_found(api: Api) -> None:
    api.post(PODS, pod("a"))
    refused(api.http.get(f"{PODS}/a/colour"), 404, "NotFound")
