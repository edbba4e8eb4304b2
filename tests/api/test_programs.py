"""Pods that run programs: what a person says becomes a container of the document."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from kuberklone.kinds.pod_request import IMAGE
from kuberklone.store import pods
from tests.api.running import Api, running


def _spec(api: Api, body: dict[str, Any]) -> dict[str, Any]:
    added = api.post("/add_pod", body)
    with api.store.snapshot() as connection:
        (pod,) = pods.with_uids(connection, [added["uid"]])
    return msgspec.json.decode(pod.spec, type=dict[str, Any])


def test_a_program_is_written_down_as_it_was_said(api: Api) -> None:
    spec = _spec(
        api,
        {
            "cpus": 0.5, "memory": "64Mi", "image": "python:3.13-slim", "command": ["python", "-c"],
            "args": ["print(1)"], "env": {"MODE": "fast", "EMPTY": ""}, "working_dir": "/tmp",
            "restart_policy": "OnFailure", "limits": {"cpus": 1, "memory": "128Mi"}, "termination_grace_seconds": 3,
        },
    )  # fmt: skip
    assert spec["containers"] == [
        {
            "name": "main",
            "image": "python:3.13-slim",
            "command": ["python", "-c"],
            "args": ["print(1)"],
            "env": [{"name": "MODE", "value": "fast"}, {"name": "EMPTY", "value": ""}],
            "workingDir": "/tmp",
            "resources": {
                "requests": {"cpu": "0.5", "memory": "64Mi"},
                "limits": {"cpu": "1", "memory": "128Mi"},
            },
        }
    ]
    assert (spec["restartPolicy"], spec["terminationGracePeriodSeconds"]) == ("OnFailure", 3)


def test_a_pod_of_cpus_alone_runs_what_waits(api: Api) -> None:
    spec = _spec(api, {"cpus": 2})
    (container,) = spec["containers"]
    assert (container["image"], set(container)) == (IMAGE, {"name", "image", "resources"})
    assert "terminationGracePeriodSeconds" not in spec


def test_a_program_gets_ten_seconds_to_end(api: Api) -> None:
    assert _spec(api, {"cpus": 1, "command": ["sleep", "9"]})["terminationGracePeriodSeconds"] == 10


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"image": ""}, "image"),
        ({"image": "a b"}, "image"),
        ({"image": "x" * 600}, "image"),
        ({"image": "a\0"}, "image"),
        ({"command": "sleep"}, "command"),
        ({"command": ["a\0"]}, "command[0]"),
        ({"args": ["a", "\0"]}, "args[1]"),
        ({"env": {"": "x"}}, "env.''"),
        ({"env": {"A=B": "x"}}, "env.'A=B'"),
        ({"env": {"A": "\0"}}, "env.'A'"),
        ({"env": {"A": 1}}, "env[...]"),
        ({"working_dir": "tmp"}, "working_dir"),
        ({"restart_policy": "Sometimes"}, "restart_policy"),
        ({"limits": {"cpus": 0.5}}, "limits.cpus"),
        ({"memory": "2Gi", "limits": {"memory": "1Gi"}}, "limits.memory"),
        ({"limits": {"disk": 1}}, "limits.disk"),
        ({"termination_grace_seconds": -1}, "termination_grace_seconds"),
    ],
)
def test_a_program_that_cannot_run_is_refused(api: Api, body: dict[str, Any], field: str) -> None:
    before = api.written()
    answer = api.http.post("/add_pod", json={"cpus": 1, **body})
    assert (answer.status_code, answer.json()["field"]) == (422, field)
    assert api.written() == before


def test_nodes_may_be_containers_where_their_agents_can_come_in(migrated_sqlite_url: str, tmp_path: Path) -> None:
    body = {"cpus": 2, "provider": "docker"}
    with running(migrated_sqlite_url, tmp_path) as plain:
        assert plain.post("/add_node", body, status=409)["type"] == "urn:kuberklone:problem:refused"
    with running(migrated_sqlite_url, tmp_path, with_tls=True) as secure:
        assert secure.post("/add_node", body)["provider"] == "docker"
