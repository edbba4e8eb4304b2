"""What is asked for is what is written, and what is answered is durable."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from kuberklone.kinds.pod import Pod
from kuberklone.store import nodes, pods
from tests.api.running import Api


def _pod(api: Api, name: str) -> Pod:
    with api.store.snapshot() as connection:
        found = pods.named(connection, "default", name)
    assert found is not None
    return found


def test_a_node_has_the_defaults(api: Api) -> None:
    made = api.post("/add_node", {"cpus": 4})
    assert {name: made[name] for name in ("name", "status", "cpus", "cpus_used", "cpus_free", "pods")} == {
        "name": "node-1", "status": "Pending", "cpus": 4, "cpus_used": 0, "cpus_free": 4, "pods": 0,
    }  # fmt: skip
    assert (made["memory_bytes"], made["pods_max"], made["provider"]) == (8 * 2**30, 110, "simulated")
    assert api.get("/nodes")["items"] == [made]


def test_a_node_keeps_all_that_was_said(api: Api) -> None:
    made = api.post(
        "/add_node",
        {
            "cpus": "500m", "name": "small", "memory": "1.5Gi", "labels": {"zone": "a"}, "provider": "external",
            "taints": [{"key": "dedicated", "value": "batch", "effect": "NoSchedule"}],
        },
    )  # fmt: skip
    assert (made["name"], made["cpus"], made["memory_bytes"]) == ("small", 0.5, 1_610_612_736)
    assert made["provider"] == "external"
    # Every node has three labels more, as kubelets give them.
    assert made["labels"] == {
        "zone": "a", "kubernetes.io/hostname": "small", "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64",
    }  # fmt: skip
    assert made["taints"][0] | {"time_added_ms": None} == {
        "key": "dedicated", "value": "batch", "effect": "NoSchedule", "time_added_ms": None,
    }  # fmt: skip
    with api.store.snapshot() as connection:
        assert nodes.named(connection, ["small"])[0].cpu_millis == 500


@pytest.mark.parametrize(
    ("body", "names"),
    [
        pytest.param({"count": 3}, ["{}-1", "{}-2", "{}-3"], id="numbered"),
        pytest.param({"count": 2, "name": "web"}, ["web-1", "web-2"], id="numbered after a name"),
        pytest.param({"count": 1, "name": "web"}, ["web"], id="one keeps its name"),
    ],
)
@pytest.mark.parametrize("noun", ["node", "pod"])
def test_several_are_answered_as_a_list(api: Api, noun: str, body: dict[str, Any], names: list[str]) -> None:
    made = api.post(f"/add_{noun}", {"cpus": 1, **body})
    assert [item["name"] for item in made["items"]] == [name.format(noun) for name in names]


def test_numbers_go_on_beside_names_that_were_given(api: Api) -> None:
    api.post("/add_pod", {"cpus": 1, "name": "pod-7"})
    assert api.post("/add_pod", {"cpus": 1})["name"] == "pod-8"


def test_the_largest_number_of_pods_at_once(api: Api) -> None:
    assert len(api.post("/add_pod", {"cpus": 1, "count": 5_000})["items"]) == 5_000
    assert api.get("/status")["pods"] == {"Pending": 5_000}


def test_a_pod_keeps_what_was_written_and_derives_what_is_decided_on(api: Api) -> None:
    api.post(
        "/add_pod",
        {
            "cpus": "0.5", "name": "job", "memory": "1Gi", "priority": 7, "labels": {"app": "x"},
            "node_selector": {"zone": "a"}, "start_delay_seconds": 1.5, "run_seconds": 2, "exit_code": 3,
            "tolerations": [{"key": "gpu", "operator": "Exists", "effect": "NoSchedule"}],
        },
    )  # fmt: skip
    pod = _pod(api, "job")
    spec = json.loads(pod.spec)
    assert spec["containers"][0]["resources"] == {"requests": {"cpu": "0.5", "memory": "1Gi"}}
    assert (spec["nodeSelector"], spec["priority"], spec["restartPolicy"]) == ({"zone": "a"}, 7, "Never")
    assert spec["tolerations"] == [
        {"operator": "Exists", "key": "gpu", "effect": "NoSchedule"},
        {"operator": "Exists", "key": "node.kubernetes.io/not-ready", "effect": "NoExecute", "tolerationSeconds": 5},
        {"operator": "Exists", "key": "node.kubernetes.io/unreachable", "effect": "NoExecute", "tolerationSeconds": 5},
    ]
    assert (pod.cpu_millis, pod.memory_bytes, pod.priority) == (500, 2**30, 7)
    assert (pod.start_delay_ms, pod.run_ms, pod.planned_exit_code) == (1_500, 2_000, 3)
    assert pod.on_node_failure == "Reschedule"
    assert json.loads(pod.annotations) == {
        "kuberklone.io/on-node-failure": "Reschedule", "kuberklone.io/start-delay-seconds": "1.5",
        "kuberklone.io/run-seconds": "2", "kuberklone.io/exit-code": "3",
    }  # fmt: skip


def test_a_pod_of_which_nothing_is_said_runs_for_ever(api: Api) -> None:
    made = api.post("/add_pod", {"cpus": 2})
    pod = _pod(api, made["name"])
    assert (pod.run_ms, json.loads(pod.spec)["restartPolicy"]) == (None, "Always")
    assert (made["status"], made["node"], made["cpus"], made["memory_bytes"]) == ("Pending", None, 2, 0)


def test_equal_wishes_have_equal_shapes(api: Api) -> None:
    api.post("/add_pod", {"cpus": "500m", "name": "a"})
    api.post("/add_pod", {"cpus": 0.5, "name": "b"})
    api.post("/add_pod", {"cpus": 0.5, "name": "c", "node_selector": {"zone": "a"}})
    shapes = [_pod(api, name).shape for name in "abc"]
    assert shapes[0] == shapes[1] != shapes[2]


def test_many_at_once_get_names_of_their_own_and_all_are_durable(api: Api) -> None:
    with ThreadPoolExecutor(16) as clients:
        made = list(clients.map(lambda _: api.post("/add_pod", {"cpus": 1}), range(300)))
    assert len({pod["name"] for pod in made}) == 300
    assert {pod["uid"] for pod in made} == {pod["uid"] for pod in api.get("/pods")["items"]}


def test_one_of_many_that_want_the_same_name_gets_it(api: Api) -> None:
    def ask(_: int) -> int:
        return api.http.post("/add_pod", json={"cpus": 1, "name": "only"}).status_code

    with ThreadPoolExecutor(16) as clients:
        answers = list(clients.map(ask, range(32)))
    assert sorted(answers) == [201] + [409] * 31


@pytest.mark.parametrize("content_type", ["application/x-www-form-urlencoded", "text/plain", ""])
def test_whatever_a_client_calls_its_body_it_is_read_as_json(api: Api, content_type: str) -> None:
    answer = api.http.post("/add_pod", content=b'{"cpus": 1}', headers={"content-type": content_type})
    assert answer.status_code == 201
