"""Pods and nodes of the Kubernetes API are the lab API's: one record, whichever way somebody looks at it."""

from typing import Any

import pytest
from sqlalchemy import text

from kuberklone.store import decisions, nodes, pods, use
from kuberklone.store import events as store_events
from kuberklone.store.decisions import Decision
from kuberklone.store.transaction import write
from tests.api.kubernetes.client import MERGE, NODES, PODS, STRATEGIC, names, patched, pod, refused
from tests.api.running import Api

EVENTS = "/api/v1/namespaces/default/events"


def sql(api: Api, question: str) -> list[dict[str, Any]]:
    with api.store.snapshot() as connection:
        return [dict(row._mapping) for row in connection.execute(text(question))]


def test_a_pod_of_either_api_is_seen_by_the_other_and_by_sql(api: Api) -> None:
    api.post("/add_pod", {"cpus": "500m", "memory": "64Mi", "name": "lab", "labels": {"x": "1"}})
    resources = {"requests": {"cpu": "0.5", "memory": "64Mi"}}
    containers = [{"name": "main", "image": "registry.k8s.io/pause:3.10", "resources": resources}]
    api.post(PODS, pod("kube", spec={"containers": containers}, labels={"x": "1"}))
    assert names(api.get(PODS)) == ["kube", "lab"]
    assert {each["name"] for each in api.get("/pods")["items"]} == {"kube", "lab"}
    rows = sql(api, "SELECT name, cpu_millis, memory_bytes, labels, shape, on_node_failure FROM pods ORDER BY name")
    assert [(row["name"], row["cpu_millis"], row["memory_bytes"], row["labels"]) for row in rows] == [
        ("kube", 500, 64 * 2**20, '{"x":"1"}'),
        ("lab", 500, 64 * 2**20, '{"x":"1"}'),
    ]
    # Equal wishes are decided together.
    assert rows[0]["shape"] == rows[1]["shape"]
    # A bare pod goes with its node, as in Kubernetes, unless it says otherwise; pods of the lab API do.
    assert [row["on_node_failure"] for row in rows] == ["Delete", "Reschedule"]


def test_a_pod_may_ask_to_be_made_again_when_its_node_fails(api: Api) -> None:
    api.post(PODS, pod("a", annotations={"kuberklone.io/on-node-failure": "Reschedule"}))
    assert sql(api, "SELECT on_node_failure FROM pods")[0]["on_node_failure"] == "Reschedule"


def test_a_node_of_the_kubernetes_api_is_simulated_unless_it_says_otherwise(api: Api) -> None:
    api.post(NODES, {"metadata": {"name": "a"}, "status": {"capacity": {"cpu": "8", "memory": "16Gi", "pods": "50"}}})
    api.post(NODES, {"metadata": {"name": "b", "annotations": {"kuberklone.io/provider": "external"}}})
    rows = sql(api, "SELECT name, provider, cpu_millis, memory_bytes, pods_max FROM nodes ORDER BY name")
    assert [row["provider"] for row in rows] == ["simulated", "external"]
    assert (rows[0]["cpu_millis"], rows[0]["memory_bytes"], rows[0]["pods_max"]) == (8000, 16 * 2**30, 50)
    assert [each["name"] for each in api.get("/nodes")["items"]] == ["a", "b"]
    with api.store.snapshot() as connection:
        assert use.drifted(connection) == []


def test_cordon_taint_and_label_act_on_the_columns(api: Api) -> None:
    api.post("/add_node", {"cpus": 4, "name": "n"})
    cordoned = patched(api, f"{NODES}/n", {"spec": {"unschedulable": True}}, as_=STRATEGIC).json()
    assert cordoned["spec"]["unschedulable"] is True
    taint = {"key": "dedicated", "value": "batch", "effect": "NoSchedule"}
    patched(api, f"{NODES}/n", {"spec": {"taints": [taint]}}, as_=STRATEGIC)
    patched(api, f"{NODES}/n", {"metadata": {"labels": {"zone": "a"}}}, as_=MERGE)
    with api.store.snapshot() as connection:
        (node,) = nodes.all_nodes(connection)
    assert node.unschedulable
    assert '"dedicated"' in node.taints
    assert '"node.kubernetes.io' not in node.taints, "what follows from health is derived"
    assert '"zone":"a"' in node.labels
    listed = api.get(f"{NODES}/n")["spec"]["taints"]
    assert {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}.items() <= listed[-1].items() or any(
        each["key"] == "node.kubernetes.io/unschedulable" for each in listed
    )
    patched(api, f"{NODES}/n", {"spec": {"unschedulable": None, "taints": None}}, as_=STRATEGIC)
    with api.store.snapshot() as connection:
        (node,) = nodes.all_nodes(connection)
    assert (node.unschedulable, node.taints) == (False, "[]")


def test_deleting_a_node_is_what_the_lab_api_does(api: Api) -> None:
    api.post(NODES, {"metadata": {"name": "a"}})
    api.post("/add_node", {"cpus": 4, "name": "b"})
    gone = api.http.delete(f"{NODES}/a").json()
    assert (gone["kind"], gone["status"]) == ("Status", "Success")
    api.http.delete("/delete_node", params={"name": "b"})
    rows = sql(api, "SELECT name, deletion_cause, deleting_ms FROM nodes ORDER BY name")
    assert [row["deletion_cause"] for row in rows] == ["User", "User"]
    # Its pods move first, so the node is there until its controller has removed the machine.
    assert api.get(f"{NODES}/a")["metadata"]["deletionTimestamp"]


def test_a_pod_that_names_its_node_takes_its_room(api: Api) -> None:
    capacity = {"capacity": {"cpu": "1", "memory": "1Gi", "pods": "110"}}
    api.post(NODES, {"metadata": {"name": "n"}, "status": capacity})
    half = [{"name": "main", "image": "x", "resources": {"requests": {"cpu": "500m"}}}]
    for name in ("a", "b"):
        made = api.post(PODS, pod(name, spec={"nodeName": "n", "containers": half}))
        assert (made["spec"]["nodeName"], made["status"]["phase"]) == ("n", "Pending")
    too_many = api.post(PODS, pod("c", spec={"nodeName": "n", "containers": half}))
    assert (too_many["status"]["phase"], too_many["status"]["reason"]) == ("Failed", "OutOfResources")
    with api.store.snapshot() as connection:
        assert use.drifted(connection) == []
    assert sql(api, "SELECT cpu_millis, pods FROM node_use") == [{"cpu_millis": 1000, "pods": 2}]
    placed = sql(api, "SELECT name, node_name FROM placements ORDER BY name")
    assert placed == [{"name": "a", "node_name": "n"}, {"name": "b", "node_name": "n"}]


def test_a_pod_on_a_node_that_is_not_there_is_kept_for_the_garbage_controller(api: Api) -> None:
    api.post(PODS, pod("a", spec={"nodeName": "nowhere"}))
    with api.store.snapshot() as connection:
        assert [each.name for each in pods.on_missing_nodes(connection)] == ["a"]


def test_where_a_pod_is_can_not_be_changed(api: Api) -> None:
    api.post(PODS, pod("a"))
    refused(patched(api, f"{PODS}/a", {"spec": {"nodeName": "n"}}), 422, "Invalid")


def test_a_pod_that_nothing_runs_goes_at_once(api: Api) -> None:
    api.post(PODS, pod("a"))
    assert api.http.delete(f"{PODS}/a").json()["metadata"]["name"] == "a"
    refused(api.http.get(f"{PODS}/a"), 404, "NotFound")


def test_a_forced_deletion_does_not_wait_for_a_node_that_is_not_heard(api: Api) -> None:
    api.post(NODES, {"metadata": {"name": "n"}})
    api.post(PODS, pod("a", spec={"nodeName": "n"}))
    api.http.delete(f"{PODS}/a", params={"gracePeriodSeconds": "0"})
    refused(api.http.get(f"{PODS}/a"), 404, "NotFound")
    with api.store.snapshot() as connection:
        assert use.drifted(connection) == []


def test_a_client_may_tell_an_event_twice_under_two_names(api: Api) -> None:
    made = api.post(PODS, pod("a"))
    event = {
        "involvedObject": {"kind": "Pod", "name": "a", "namespace": "default", "uid": made["metadata"]["uid"]},
        "reason": "Seen",
        "message": "It was seen.",
        "type": "Normal",
        "source": {"component": "test"},
        "firstTimestamp": "2026-11-23T10:00:00Z",
        "lastTimestamp": "2026-11-23T10:00:00Z",
        "count": 1,
    }
    for name in ("a.1", "a.2"):
        api.post(EVENTS, {**event, "metadata": {"name": name}})
    refused(api.http.post(EVENTS, json={**event, "metadata": {"name": "a.1"}}), 409, "AlreadyExists")
    again = patched(api, f"{EVENTS}/a.1", {"count": 2, "lastTimestamp": "2026-11-23T10:00:05Z"}).json()
    assert (again["count"], again["involvedObject"]["name"], again["source"]) == (2, "a", {"component": "test"})
    fields = f"involvedObject.uid={made['metadata']['uid']},involvedObject.kind=Pod,reason=Seen"
    assert names(api.get(EVENTS, params={"fieldSelector": fields})) == ["a.1", "a.2"]


def test_the_clusters_own_events_are_listed(api: Api) -> None:
    api.post(PODS, pod("a"))
    with write(api.store) as transaction:
        found = pods.named(transaction.connection, "default", "a")
        assert found is not None
        store_events.record(transaction, [store_events.about_pod(found, "Noticed", "It was noticed.")], source="test")
    (event,) = api.get(EVENTS, params={"fieldSelector": "involvedObject.name=a"})["items"]
    assert (event["reason"], event["involvedObject"]["uid"], event["count"]) == ("Noticed", found.uid, 1)
    assert api.get(f"{EVENTS}/{event['metadata']['name']}") == event


@pytest.mark.parametrize("version", ["/api/v1", "/apis/events.k8s.io/v1"])
def test_events_are_shown_in_the_version_that_is_asked_for(api: Api, version: str) -> None:
    api.post(
        EVENTS, {"metadata": {"name": "e"}, "involvedObject": {"kind": "Pod", "name": "a", "namespace": "default"}}
    )
    shown = api.get(f"{version}/namespaces/default/events/e")
    assert shown["apiVersion"] == version.removeprefix("/apis/").removeprefix("/api/")
    regarding = shown["regarding" if "events" in version else "involvedObject"]
    assert regarding["name"] == "a"
    listed = api.get(f"{version}/events")
    assert listed["items"] == [shown]


def test_what_the_scheduler_decided_is_an_event(api: Api) -> None:
    made = api.post(PODS, pod("a"))
    uid = made["metadata"]["uid"]
    with write(api.store) as transaction:
        decision = Decision(pod_uid=uid, outcome="Unschedulable", nodes_evaluated=3, reasons={"Insufficient cpu": 3})
        decisions.record(transaction, [decision])
    fields = f"involvedObject.name=a,involvedObject.namespace=default,involvedObject.uid={uid}"
    (event,) = api.get(EVENTS, params={"fieldSelector": fields})["items"]
    assert (event["reason"], event["type"]) == ("FailedScheduling", "Warning")
    assert event["message"] == "0/3 nodes are available: 3 Insufficient cpu."
    assert api.get(f"{EVENTS}/{event['metadata']['name']}") == event
    assert api.get(EVENTS, params={"fieldSelector": "reason=Scheduled"})["items"] == []
    refused(api.http.get(f"{EVENTS}/a.0123456789abcdef"), 404, "NotFound")
