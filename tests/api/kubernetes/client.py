"""Requests of the Kubernetes API as tests write them, and the documents that they send."""

from typing import Any

import httpx

from tests.api.running import Api

CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"
PODS = "/api/v1/namespaces/default/pods"
NODES = "/api/v1/nodes"
NAMESPACES = "/api/v1/namespaces"
MERGE = "application/merge-patch+json"
JSON_PATCH = "application/json-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
APPLY = "application/apply-patch+yaml"
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"


def config_map(name: str = "", **metadata: Any) -> dict[str, Any]:
    return {"metadata": {**({"name": name} if name else {}), **metadata}, "data": {"colour": "blue"}}


def pod(name: str = "", *, spec: dict[str, Any] | None = None, **metadata: Any) -> dict[str, Any]:
    containers = [{"name": "main", "image": "registry.k8s.io/pause:3.10"}]
    return {
        "metadata": {**({"name": name} if name else {}), **metadata},
        "spec": {"containers": containers, **(spec or {})},
    }


def patched(api: Api, path: str, patch: Any, *, as_: str = MERGE, **query: str) -> httpx.Response:
    return api.http.patch(path, json=patch, headers={"content-type": as_}, params=query)


def refused(answer: httpx.Response, code: int, reason: str) -> dict[str, Any]:
    """The Status of a refusal, which must be a whole one."""
    assert answer.status_code == code, answer.text
    assert answer.headers["content-type"] == "application/json"
    status: dict[str, Any] = answer.json()
    assert (status["kind"], status["apiVersion"], status["status"]) == ("Status", "v1", "Failure")
    assert (status["code"], status["reason"]) == (code, reason), status
    assert status["message"]
    assert "Traceback" not in answer.text
    return status


def names(listed: dict[str, Any]) -> list[str]:
    return [item["metadata"]["name"] for item in listed["items"]]
