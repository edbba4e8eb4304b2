"""Deleting, restarting, failing and healing write wishes; the controllers make them so."""

import pytest

from kuberklone.store import faults, nodes
from tests.api.running import Api


@pytest.mark.parametrize("by_body", [pytest.param(True, id="by body"), pytest.param(False, id="by parameter")])
def test_a_restart_is_asked_for(api: Api, by_body: bool) -> None:
    api.post("/add_node", {"cpus": 1})
    if by_body:
        answer = api.http.put("/restart_node", json={"name": "node-1"})
    else:
        answer = api.http.put("/restart_node?name=node-1")
    assert (answer.status_code, answer.json()["name"]) == (202, "node-1")
    with api.store.snapshot() as connection:
        assert nodes.named(connection, ["node-1"])[0].restarts_wanted == 1


def test_the_same_name_twice_is_one_name(api: Api) -> None:
    api.post("/add_node", {"cpus": 1})
    assert api.http.put("/restart_node?name=node-1", json={"name": "node-1"}).status_code == 202


def test_a_deleted_node_is_terminating_and_takes_no_orders(api: Api) -> None:
    api.post("/add_node", {"cpus": 1})
    answer = api.http.request("DELETE", "/delete_node", json={"name": "node-1"})
    assert (answer.status_code, answer.json()["status"]) == (202, "Terminating")
    assert api.http.delete("/delete_node?name=node-1").status_code == 202
    refusal = api.http.put("/restart_node?name=node-1")
    assert refusal.status_code == 409
    assert "being deleted" in refusal.json()["detail"]


def test_a_deleted_pod_that_is_nowhere_is_gone(api: Api) -> None:
    api.post("/add_pod", {"cpus": 1})
    answer = api.http.delete("/delete_pod?name=pod-1")
    assert (answer.status_code, answer.json()["status"]) == (202, "Terminating")
    assert api.get("/pods") == {"items": []}


def test_a_fault_is_a_row_until_it_is_healed(api: Api) -> None:
    api.post("/add_node", {"cpus": 1})
    answer = api.post("/fail_node", {"name": "node-1", "kind": "freeze"}, status=202)
    assert (answer["kind"], answer["not_ready_by"], answer["restart_at"]) == ("freeze", None, None)
    with api.store.snapshot() as connection:
        assert [fault.kind for fault in faults.all_faults(connection)] == ["freeze"]
    assert api.get("/nodes/node-1")["fault"]["kind"] == "freeze"
    assert api.post("/heal_node", {"name": "node-1"}, status=202)["name"] == "node-1"
    assert api.get("/nodes/node-1")["fault"] is None


def test_a_node_that_is_not_simulated_cannot_be_made_to_fail(api: Api) -> None:
    api.post("/add_node", {"cpus": 1, "provider": "external"})
    assert "simulated nodes only" in api.post("/fail_node", {"name": "node-1"}, status=409)["detail"]
