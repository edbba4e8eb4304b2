"""What is shown follows from the rows: where a pod is, why it waits, where it was, what happened to a node."""

from typing import Any

import msgspec
import pytest

from kuberklone.kinds.node import HEARD, Node
from kuberklone.kinds.pod import Pod
from kuberklone.store import binding, decisions, events, nodes, pods
from kuberklone.store.binding import Binding
from kuberklone.store.decisions import Decision
from kuberklone.store.records import Update
from kuberklone.store.transaction import write
from tests.api.running import Api


def _node(api: Api, name: str) -> Node:
    with api.store.snapshot() as connection:
        return nodes.named(connection, [name])[0]


def _pod(api: Api, name: str) -> Pod:
    with api.store.snapshot() as connection:
        found = pods.named(connection, "default", name)
    assert found is not None
    return found


def _decide(api: Api, decision: Decision) -> None:
    with write(api.store) as transaction:
        decisions.record(transaction, [decision])


def _ready(api: Api, name: str) -> None:
    node = _node(api, name)
    with write(api.store, reserve=1) as transaction:
        changed = msgspec.structs.replace(node, ready="True", ready_reason=HEARD, ready_since_ms=transaction.now_ms)
        nodes.update(transaction, [Update(node, changed)], ("ready", "ready_reason", "ready_since_ms"))


def test_lists_are_in_the_order_in_which_a_person_counts(api: Api) -> None:
    api.post("/add_node", {"cpus": 1, "count": 11})
    assert [node["name"] for node in api.get("/nodes")["items"]] == [f"node-{number}" for number in range(1, 12)]


def test_a_pod_that_nobody_looked_at_says_so(api: Api) -> None:
    api.post("/add_pod", {"cpus": 1})
    shown = api.get("/pods/pod-1")
    assert (shown["why_pending"], shown["waiting"]) == ("the scheduler has not looked at it yet", None)


@pytest.mark.parametrize(
    ("evaluated", "reasons", "sentence"),
    [
        pytest.param(3, {"Insufficient cpu": 3}, "0/3 nodes are available: 3 Insufficient cpu.", id="one reason"),
        pytest.param(
            5,
            {"node(s) were unschedulable": 1, "Insufficient cpu": 4},
            "0/5 nodes are available: 1 node(s) were unschedulable, 4 Insufficient cpu.",
            id="two reasons",
        ),
        pytest.param(0, {}, "no nodes available to schedule pods; add one with POST /add_node", id="no nodes"),
    ],
)
def test_a_pod_that_fits_nowhere_says_why(api: Api, evaluated: int, reasons: dict[str, int], sentence: str) -> None:
    api.post("/add_pod", {"cpus": 64})
    _decide(
        api,
        Decision(pod_uid=_pod(api, "pod-1").uid, outcome="Unschedulable", nodes_evaluated=evaluated, reasons=reasons),
    )
    shown = api.get("/pods/pod-1")
    assert shown["why_pending"] == sentence
    assert (shown["waiting"]["nodes_evaluated"], shown["waiting"]["reasons"]) == (evaluated, reasons)


def _bind(api: Api, pod_name: str, node_name: str) -> None:
    wanted = Binding(pod=_pod(api, pod_name), node_name=node_name, node_revision=_node(api, node_name).revision)
    with write(api.store, reserve=1) as transaction:
        assert binding.bind(transaction, [wanted])


def test_a_pod_that_has_a_node_shows_where_it_is_and_the_node_shows_it(api: Api) -> None:
    api.post("/add_node", {"cpus": 4})
    api.post("/add_pod", {"cpus": 1.5, "memory": "1Gi"})
    _ready(api, "node-1")
    _bind(api, "pod-1", "node-1")
    shown = api.get("/pods/pod-1")
    assert (shown["node"], shown["why_pending"]) == ("node-1", None)
    assert [(place["node"], place["ended_at"]) for place in shown["placements"]] == [("node-1", None)]
    node = api.get("/nodes/node-1")
    assert (node["status"], node["cpus_used"], node["cpus_free"], node["pods"]) == ("Ready", 1.5, 2.5, 1)
    assert node["memory_bytes_used"] == 2**30
    assert [pod["name"] for pod in node["pods_here"]] == ["pod-1"]


def test_a_node_shows_what_changed_and_what_was_said(api: Api) -> None:
    api.post("/add_node", {"cpus": 4})
    _ready(api, "node-1")
    with write(api.store) as transaction:
        note = events.about_node(_node(api, "node-1"), "NodeReady", "It was heard.")
        events.record(transaction, [note], source="test")
    node = api.get("/nodes/node-1")
    newest, first = node["history"]
    assert (newest["type"], newest["writer"]) == ("MODIFIED", "test")
    # The last of a node's conditions is Ready.
    assert newest["changed"]["status.conditions[3].status"] == "True"
    assert (first["type"], first["writer"], first["changed"]) == ("ADDED", "api", {})
    assert [(event["reason"], event["source"]) for event in node["events"]] == [("NodeReady", "test")]
    assert api.get("/events")["items"][0]["message"] == "It was heard."


@pytest.mark.parametrize(
    ("query", "names"),
    [
        pytest.param("", ["a", "b", "c"], id="all"),
        pytest.param("?status=Pending", ["a", "b"], id="by status"),
        pytest.param("?status=Terminating", ["c"], id="on their way out"),
        pytest.param("?node=node-1", ["b", "c"], id="by node"),
        pytest.param("?node=node-1&status=Pending", ["b"], id="by both"),
        pytest.param("?node=nowhere", [], id="by a node that does not exist"),
        pytest.param("?limit=2", ["a", "b"], id="so many"),
    ],
)
def test_pods_can_be_filtered(api: Api, query: str, names: list[str]) -> None:
    api.post("/add_node", {"cpus": 4})
    for name in "abc":
        api.post("/add_pod", {"cpus": 1, "name": name})
    for name in "bc":
        _bind(api, name, "node-1")
    assert api.http.delete("/delete_pod?name=c").status_code == 202
    assert [pod["name"] for pod in api.get(f"/pods{query}")["items"]] == names


def test_events_are_limited_and_the_newest_come_first(api: Api) -> None:
    api.post("/add_node", {"cpus": 4})
    for number in range(5):
        with write(api.store) as transaction:
            note = events.about_node(_node(api, "node-1"), "Said", f"number {number}")
            events.record(transaction, [note], source="test")
    shown = [event["message"] for event in api.get("/events?limit=3")["items"]]
    assert len(shown) == 3
    times = [event["at"] for event in api.get("/events")["items"]]
    assert times == sorted(times, reverse=True)


def test_the_status_counts_everything(api: Api) -> None:
    api.post("/add_node", {"cpus": 4, "count": 2})
    api.post("/add_pod", {"cpus": 1, "count": 3})
    _ready(api, "node-1")
    status: dict[str, Any] = api.get("/status")
    assert (status["nodes"], status["pods"], status["pods_waiting"]) == ({"Ready": 1, "Pending": 1}, {"Pending": 3}, 3)
    assert (status["controllers"], status["halted"]) == ([], [])
    assert status["settings"]["node_grace_s"] == 40
    assert status["revision"] == api.written()["revision"]
