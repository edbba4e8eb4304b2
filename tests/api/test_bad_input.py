"""Whatever is sent, the answer says what to send instead, and nothing is written."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tests.api.conftest import BODY_BYTES_MAX
from tests.api.running import Api

JSON = {"content-type": "application/json"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Bad:
    """A request and what its answer says."""

    body: bytes | None = None
    path: str = "/add_pod"
    method: str = "POST"
    status: int = 422
    field: str | None = None
    says: str = ""


def _field(field: str, value: str, *, says: str = "send", path: str = "/add_pod", **also: Any) -> Bad:
    body = "{" + ("" if field == "cpus" else '"cpus":1,') + f'"{field}":{value}' + "}"
    return Bad(body=body.encode(), field=also.get("blames", field), says=says, path=path)


_NOT_JSON = {
    "empty body": Bad(body=b"", status=400, says='{"cpus":2}'),
    "malformed": Bad(body=b'{"cpus": 4', status=400, says="not JSON"),
    "not an object": Bad(body=b"[1]", field="body", says="expected `object`"),
    "null": Bad(body=b"null", field="body", says="expected `object`"),
    "NaN": Bad(body=b'{"cpus": NaN}', status=400, says="not JSON"),
    "Infinity": Bad(body=b'{"cpus": -Infinity}', status=400, says="not JSON"),
    "not UTF-8": Bad(body=b'{"cpus": 1, "name": "\xff\xfe"}', status=400, says="not JSON"),
    "UTF-16": Bad(body='{"cpus": 1}'.encode("utf-16"), status=400, says="not JSON"),
    "lone surrogate": Bad(body=b'{"cpus": 1, "name": "\\ud800"}', status=400, says="not JSON"),
    "two values": Bad(body=b'{"cpus": 1}{"cpus": 1}', status=400, says="not JSON"),
    "deep nesting": Bad(body=b'{"cpus":' + b"[" * 5_000 + b"]" * 5_000 + b"}", field="cpus", says="expected"),
    "deep unknown nesting": Bad(body=b'{"x":' + b"[" * 9_000 + b"]" * 9_000 + b"}", field="x", says="no such field"),
    "deep list": Bad(body=b"[" * 19_000, field="body", says="expected `object`"),
    "too large": Bad(body=b'{"cpus": 1' + b" " * BODY_BYTES_MAX + b"}", status=413, says=f"{BODY_BYTES_MAX} bytes"),
    "too large node": Bad(
        body=b'{"cpus": 1' + b" " * BODY_BYTES_MAX + b"}", path="/add_node", status=413, says="too large"
    ),
}

_FIELDS = {
    "cpus missing": Bad(body=b"{}", field="cpus", says='{"cpus":2}'),
    "cpus zero": _field("cpus", "0"),
    "cpus zero with a unit": _field("cpus", '"0m"'),
    "cpus negative": _field("cpus", "-1"),
    "cpus true": _field("cpus", "true"),
    "cpus null": _field("cpus", "null"),
    "cpus list": _field("cpus", "[1]"),
    "cpus words": _field("cpus", '"two"'),
    "cpus empty": _field("cpus", '""'),
    "cpus 1e300": _field("cpus", "1e300"),
    "cpus 1e999": _field("cpus", "1e999", says="out of range"),
    "cpus a hundred digits": _field("cpus", "9" * 100),
    "cpus 2 to the 64": _field("cpus", str(2**64)),
    "cpus a string of a thousand digits": _field("cpus", '"' + "9" * 1000 + '"'),
    "cpus exponent bomb": _field("cpus", '"1e999"'),
    "cpus above the largest": _field("cpus", "1000001"),
    "unknown field": _field("cpu", "2", says="no such field"),
    "memory negative": _field("memory", '"-1Gi"'),
    "memory with a wrong unit": _field("memory", '"1GiB"'),
    "memory false": _field("memory", "false"),
    "memory above 8Pi": _field("memory", '"9Pi"'),
    "name with capitals": _field("name", '"Web"'),
    "name empty": _field("name", '""'),
    "name with a slash": _field("name", '"a/b"'),
    "name with a line end": _field("name", '"a\\n"'),
    "name with a NUL": _field("name", '"a\\u0000b"'),
    "name too long": _field("name", '"' + "a" * 254 + '"'),
    "name too long by its number": Bad(
        body=b'{"cpus":1,"count":10,"name":"' + b"a" * 252 + b'"}', field="name", says="at most 253"
    ),
    "name a number": _field("name", "7"),
    "count zero": _field("count", "0"),
    "count negative": _field("count", "-3"),
    "count fractional": _field("count", "1.5"),
    "count too many": _field("count", "5001"),
    "count huge": _field("count", "9" * 30),
    "priority above the largest": _field("priority", "1000000001"),
    "priority below the smallest": _field("priority", "-2147483649"),
    "priority fractional": _field("priority", "0.5"),
    "labels a list": _field("labels", "[]"),
    "label key with a space": _field("labels", '{"a b":"c"}', blames="labels.a b", says="key such as"),
    "label value with a NUL": _field("labels", '{"a":"\\u0000"}', blames="labels.a", says="send letters"),
    "label value a number": _field("labels", '{"a":1}', blames="labels[...]", says="send"),
    "selector with a bad key": _field("node_selector", '{"/":"c"}', blames="node_selector./", says="key such as"),
    "toleration with a bad effect": _field(
        "tolerations", '[{"key":"a","effect":"No"}]', blames="tolerations[0].effect", says="NoSchedule"
    ),
    "toleration with a bad operator": _field(
        "tolerations", '[{"key":"a","operator":"In"}]', blames="tolerations[0].operator", says="Equal or Exists"
    ),
    "toleration without a key": _field("tolerations", "[{}]", blames="tolerations[0].key", says="Exists"),
    "toleration of a value that must exist": _field(
        "tolerations", '[{"key":"a","operator":"Exists","value":"b"}]', blames="tolerations[0].value", says="leave it"
    ),
    "toleration of negative seconds": _field(
        "tolerations",
        '[{"key":"a","operator":"Exists","toleration_seconds":-1}]',
        blames="tolerations[0].toleration_seconds",
    ),
    "toleration with an unknown field": _field(
        "tolerations", '[{"kee":"a"}]', blames="tolerations[0].kee", says="no such field"
    ),
    "negative start delay": _field("start_delay_seconds", "-1"),
    "absurd start delay": _field("start_delay_seconds", "1e300"),
    "no time to run": _field("run_seconds", "0"),
    "absurd time to run": _field("run_seconds", "1e12"),
    "exit code without an end": _field("exit_code", "1", says="run_seconds"),
    "exit code too large": Bad(body=b'{"cpus":1,"run_seconds":1,"exit_code":256}', field="exit_code", says="255"),
    "exit code negative": Bad(body=b'{"cpus":1,"run_seconds":1,"exit_code":-1}', field="exit_code", says="255"),
    "node cpus zero": _field("cpus", "0", path="/add_node"),
    "node cpus words": _field("cpus", '"many"', path="/add_node"),
    "node memory zero": _field("memory", "0", path="/add_node"),
    "node of an unknown provider": _field("provider", '"moon"', path="/add_node", says="simulated"),
    "node with an unknown field": _field("gpus", "1", path="/add_node", says="no such field"),
    "node count": _field("count", "100000", path="/add_node"),
    "node taint without an effect": _field(
        "taints", '[{"key":"a"}]', path="/add_node", blames="taints[0].effect", says="missing"
    ),
    "node taint with a bad effect": _field(
        "taints", '[{"key":"a","effect":"Never"}]', path="/add_node", blames="taints[0].effect", says="NoExecute"
    ),
    "fault of an unknown kind": Bad(
        path="/fail_node", body=b'{"name":"taken","kind":"flood"}', field="kind", says="crash, freeze"
    ),
    "fault with a word for a flag": Bad(
        path="/fail_node", body=b'{"name":"taken","restart":"no"}', field="restart", says="true or false"
    ),
    "fault of nobody": Bad(path="/fail_node", body=b"{}", field="name", says="missing"),
}

_NAMES = {
    "pod name taken": Bad(body=b'{"cpus":1,"name":"taken"}', status=409, field="name", says="taken exists"),
    "node name taken": Bad(
        path="/add_node", body=b'{"cpus":1,"name":"taken"}', status=409, field="name", says="taken exists"
    ),
    "restart of an unknown node": Bad(
        method="PUT", path="/restart_node?name=nobody", status=404, says="no node named nobody"
    ),
    "restart of no node": Bad(method="PUT", path="/restart_node", field="name", says="?name="),
    "restart of two nodes": Bad(
        method="PUT", path="/restart_node?name=a", body=b'{"name":"b"}', field="name", says="one of them"
    ),
    "restart by a misspelt parameter": Bad(
        method="PUT", path="/restart_node?nmae=taken", field="nmae", says="no such parameter"
    ),
    "restart with an unknown field": Bad(
        method="PUT", path="/restart_node", body=b'{"name":"taken","now":1}', field="now", says="no such field"
    ),
    "deletion of an unknown node": Bad(
        method="DELETE", path="/delete_node", body=b'{"name":"nobody"}', status=404, says="nobody"
    ),
    "deletion of two nodes": Bad(
        method="DELETE", path="/delete_node?name=a", body=b'{"name":"b"}', field="name", says="one of them"
    ),
    "deletion of an unknown pod": Bad(
        method="DELETE", path="/delete_pod?name=nobody", status=404, says="no pod named nobody"
    ),
    "deletion of no pod": Bad(method="DELETE", path="/delete_pod", field="name", says="missing"),
    "deletion of an odd name": Bad(method="DELETE", path="/delete_pod?name=%00", status=404, says="no pod named"),
    "fault of an odd name": Bad(path="/fail_node", body=b'{"name":"\\u0000"}', status=404, says="no node named"),
    "fault of an unknown node": Bad(path="/fail_node", body=b'{"name":"nobody"}', status=404, says="nobody"),
    "healing an unknown node": Bad(path="/heal_node?name=nobody", status=404, says="nobody"),
    "healing a healthy node": Bad(path="/heal_node?name=taken", status=409, says="no injected fault"),
    "unknown node": Bad(method="GET", path="/nodes/nobody", status=404, says="no node named nobody"),
    "unknown pod": Bad(method="GET", path="/pods/nobody", status=404, says="no pod named nobody"),
    "a name that is no name": Bad(method="GET", path="/pods/%00%ff", status=404, says="no pod named"),
}

_ROUTES = {
    "unknown route": Bad(method="GET", path="/pod", status=404, says="nothing at /pod"),
    "unknown route to write to": Bad(path="/add_pods", body=b'{"cpus":1}', status=404, says="nothing at"),
    "wrong method": Bad(method="GET", path="/add_pod", status=405, says="send POST"),
    "wrong method of many": Bad(method="DELETE", path="/nodes", status=405, says="send GET"),
    "a method that no route takes": Bad(method="PATCH", path="/add_pod", status=405, says="send POST"),
    "misspelt filter": Bad(method="GET", path="/pods?stauts=Pending", field="stauts", says="no such parameter"),
    "unknown status": Bad(method="GET", path="/pods?status=Lost", field="status", says="invalid enum value"),
    "unknown node status": Bad(method="GET", path="/nodes?status=ready", field="status", says="invalid enum value"),
    "a node that is no name": Bad(method="GET", path="/pods?node=%00", field="node", says="lower-case"),
    "limit of words": Bad(method="GET", path="/events?limit=many", field="limit", says="expected `int`"),
    "limit of zero": Bad(method="GET", path="/pods?limit=0", field="limit", says=">= 1"),
    "limit beyond integers": Bad(method="GET", path=f"/events?limit={'9' * 40}", field="limit", says="expected"),
    "limit NaN": Bad(method="GET", path="/events?limit=nan", field="limit", says="expected `int`"),
}


def _cases() -> Iterator[Any]:
    for table in (_NOT_JSON, _FIELDS, _NAMES, _ROUTES):
        for sentence, bad in table.items():
            yield pytest.param(bad, id=sentence)


@pytest.mark.parametrize("bad", list(_cases()))
def test_bad_input_is_answered_with_a_problem_and_nothing_is_written(idle_api: Api, bad: Bad) -> None:
    before = idle_api.written()
    answer = idle_api.http.request(bad.method, bad.path, content=bad.body, headers=JSON if bad.body else {})
    _assert_problem(answer, bad)
    after = idle_api.written()
    if bad.status in (404, 409):
        # Only the store knows these names, and what it reserved for a refused operation is a gap in the revisions.
        before["revision"] = after["revision"]
    assert after == before


def _assert_problem(answer: httpx.Response, bad: Bad) -> None:
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    problem = answer.json()
    assert (answer.status_code, problem["status"]) == (bad.status, bad.status), problem
    assert problem.get("field") == bad.field, problem
    assert bad.says in problem["detail"], problem
    assert problem["type"].startswith("urn:kuberklone:problem:")
    assert problem["title"]
    assert "Traceback" not in answer.text
    assert len(answer.content) < 2_000  # a problem does not send back what was sent


def test_a_body_that_grows_too_large_while_it_arrives_is_refused(idle_api: Api) -> None:
    before = idle_api.written()
    pieces = (b" " * 1_000 for _ in range(BODY_BYTES_MAX // 1_000 + 5))
    answer = idle_api.http.post("/add_pod", content=pieces, headers=JSON)
    assert answer.status_code == 413
    assert idle_api.written() == before


def test_the_methods_that_a_route_takes_are_said_in_the_allow_header(idle_api: Api) -> None:
    assert "GET" in idle_api.http.post("/nodes").headers["allow"]


def test_all_or_none_are_made(api: Api) -> None:
    api.post("/add_pod", {"cpus": 1, "name": "web-3"})
    before = api.written()
    problem = api.post("/add_pod", {"cpus": 1, "name": "web", "count": 5}, status=409)
    assert "web-3" in problem["detail"]
    assert api.written() == {**before, "revision": api.written()["revision"]}
