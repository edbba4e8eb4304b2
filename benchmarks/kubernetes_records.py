"""Pods over the Kubernetes API: created with validation and admission, read singly, listed and deleted by thousands."""

import http.client
import json
import time

from benchmarks import clusters, hammering, programs
from benchmarks.measurement import Benchmark, Figure, Place, Values
from benchmarks.programs import Running
from kuberklone.chance import Chance
from kuberklone.kinds.objects.v1.namespace import DEFAULT

_PODS = 10_000
_WARM_UP_S = 2
_SECONDS = 6
_LISTS = 5
_PATH = f"/api/v1/namespaces/{DEFAULT}/pods"
_CREATED, _CREATED_P99 = "pods created", "p99 of a create"
_DELETED = "10,000 pods deleted"
_READ, _LISTED, _TABLE = "pods read", "list of 10,000 pods", "table of 10,000 pods in pages of 500"
_TABLE_FORM = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"

# What `kubectl run` and a Deployment's template have: labels, a port, resources, an environment and a probe.
_BODY = json.dumps(
    {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"generateName": "web-", "labels": {"app": "web", "pod-template-hash": "5d4f8b7c9"}},
        "spec": {
            "containers": [
                {
                    "name": "web",
                    "image": "registry.k8s.io/pause:3.10",
                    "ports": [{"containerPort": 80, "protocol": "TCP"}],
                    "env": [{"name": "STAGE", "value": "production"}],
                    "resources": {"requests": {"cpu": "100m", "memory": "64Mi"}, "limits": {"memory": "128Mi"}},
                    "readinessProbe": {"httpGet": {"path": "/", "port": 80}},
                }
            ]
        },
    }
)


def prepare(place: Place) -> None:
    """As many pods as are listed."""
    with clusters.opened(place.url) as store:
        clusters.add_pods(store, clusters.shuffled_pods(_PODS, chance=Chance(clusters.SEED)))


def measure(place: Place) -> Values:
    with programs.api(place) as api:
        # Lists first: what is created afterwards would be listed as well.
        listed = min(_seconds_of_a_list(api) for _ in range(_LISTS))
        table = min(_seconds_of_a_table(api) for _ in range(_LISTS))
        for number in range(hammering.CONNECTIONS):
            _create(api, f"read-{number}")
        read = _hammer(api, "GET", f"{_PATH}/read-{{n}}", status=200)
        created = _hammer(api, "POST", f"{_PATH}?fieldValidation=Strict", status=201, body=_BODY)
        # Last, so that all else is measured with the pods there.
        deleted = _seconds_of_a_deletion(api)
    return {
        _CREATED: created["requests"] / created["seconds"],
        _CREATED_P99: created["p99_ms"],
        _READ: read["requests"] / read["seconds"],
        _LISTED: listed,
        _TABLE: table,
        _DELETED: deleted,
    }


def _hammer(api: Running, method: str, path: str, *, status: int, body: str = "") -> dict[str, float]:
    hammering.hammer(api.url, method, path, seconds=_WARM_UP_S, status=status, body=body)
    found = hammering.hammer(api.url, method, path, seconds=_SECONDS, status=status, body=body)
    assert found["errors"] == 0, f"some requests failed: {found}"
    return found


def _create(api: Running, name: str) -> None:
    body = json.loads(_BODY)
    body["metadata"] = {"name": name}
    connection = http.client.HTTPConnection("127.0.0.1", api.port)
    connection.request("POST", _PATH, json.dumps(body), {"Content-Type": "application/json"})
    assert connection.getresponse().status == 201
    connection.close()


def _seconds_of_a_list(api: Running) -> float:
    begun = time.perf_counter()
    found = _ask(api, "/api/v1/pods", "application/json")
    took = time.perf_counter() - begun
    assert len(json.loads(found)["items"]) == _PODS
    return took


def _seconds_of_a_table(api: Running) -> float:
    """What `kubectl get pods` does."""
    begun = time.perf_counter()
    rows, going_on = 0, ""
    while True:
        page = json.loads(_ask(api, f"/api/v1/pods?limit=500{going_on}", _TABLE_FORM))
        rows += len(page["rows"])
        if "continue" not in page["metadata"]:
            break
        going_on = f"&continue={page['metadata']['continue']}"
    assert rows == _PODS
    return time.perf_counter() - begun


def _seconds_of_a_deletion(api: Running) -> float:
    """Of all but those that were created last, by one request."""
    begun = time.perf_counter()
    found = _ask(api, f"{_PATH}?labelSelector=app!%3Dweb", "application/json", method="DELETE")
    took = time.perf_counter() - begun
    assert len(json.loads(found)["items"]) == _PODS + hammering.CONNECTIONS
    return took


def _ask(api: Running, path: str, accept: str, *, method: str = "GET") -> bytes:
    connection = http.client.HTTPConnection("127.0.0.1", api.port)
    connection.request(method, path, headers={"Accept": accept})
    answer = connection.getresponse()
    body = answer.read()
    assert answer.status == 200
    connection.close()
    return body


BENCHMARK = Benchmark(
    name="kubernetes",
    title="Pods over the Kubernetes API at 64 connections",
    figures=(
        Figure(name=_CREATED, unit="pods/s", better="more", target=2_000),
        Figure(name=_CREATED_P99, unit="ms", better="less", decimals=1),
        Figure(name=_READ, unit="pods/s", better="more", target=4_000),
        Figure(name=_LISTED, unit="s", better="less", target=1.0, decimals=2),
        Figure(name=_TABLE, unit="s", better="less", target=2.0, decimals=2),
        Figure(name=_DELETED, unit="s", better="less", target=30, decimals=1),
    ),
    prepare=prepare,
    measure=measure,
)
