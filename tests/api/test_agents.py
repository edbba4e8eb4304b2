"""What agents say and ask, and that nobody says it for another."""

import http.client
import threading
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import httpx
import pytest

from kuberklone.store import nodes, schema, tokens
from kuberklone.store.removal import remove_pods
from kuberklone.store.transaction import write
from tests.api.remote_agent import BOOT, SESSION, RemoteAgent, speaking
from tests.api.running import Api
from tests.store import made
from tests.waiting import until

MESSAGES: dict[str, dict[str, Any]] = {
    "/register": {"boot_id": BOOT, "session": SESSION},
    "/beat": {"session": SESSION, "seq": 99},
    "/report": {"session": SESSION, "boot_id": BOOT},
}


@pytest.fixture
def agent(api: Api) -> Iterator[RemoteAgent]:
    """The agent of node-1, which has registered."""
    with speaking(api) as speaker:
        yield speaker


def test_an_agent_registers_beats_asks_and_reports(agent: RemoteAgent) -> None:
    registered = agent.register(machine={"os_image": "Debian", "address": "10.0.0.7"}, running=["u1"])
    assert (registered["node_name"], registered["node_uid"]) == ("node-1", agent.node.uid)
    assert agent.say("/beat", {"session": SESSION, "seq": registered["seq"] + 1}) == {"grant_s": 40.0}
    pod = made.bound_pod(agent.api.store, agent.node, made.pod("web", annotations='{"a":"b"}'))
    (assigned,) = agent.pods()["pods"]
    assert (assigned["uid"], assigned["annotations"], assigned["deleting"]) == (pod.uid, {"a": "b"}, False)
    seen = {"uid": pod.uid, "phase": "Running", "started_ago_ms": 5, "status": {"hostIP": "10.0.0.7"}}
    assert agent.report(seen) == {"gone": []}
    assert agent.api.get("/pods/web")["status"] == "Running"


def test_a_pod_to_be_deleted_is_told_with_its_grace_and_goes_when_it_has_stopped(agent: RemoteAgent) -> None:
    api = agent.api
    made.bound_pod(api.store, agent.node, made.pod("web", spec='{"terminationGracePeriodSeconds":7}'))
    api.http.request("DELETE", "/delete_pod", json={"name": "web"})
    (assigned,) = agent.pods()["pods"]
    assert (assigned["deleting"], assigned["deletion_grace_s"]) == (True, 7)
    assert assigned["deleting_ago_ms"] >= 0
    agent.report(removed=[assigned["uid"]])
    assert (agent.pods()["pods"], api.get("/pods")["items"]) == ([], [])


def test_a_report_about_a_pod_that_moved_away_is_told_so(agent: RemoteAgent) -> None:
    with speaking(agent.api, "node-2") as other:
        pod = made.bound_pod(agent.api.store, other.node, made.pod("web"))
    assert agent.report({"uid": pod.uid, "phase": "Running"}) == {"gone": [pod.uid]}
    assert agent.api.get("/pods/web")["status"] == "Pending"


def test_usage_is_in_the_answers_and_in_the_metrics(agent: RemoteAgent) -> None:
    pod = made.bound_pod(agent.api.store, agent.node, made.pod("web"))
    agent.report({"uid": pod.uid, "phase": "Running", "started_ago_ms": 0, "restarts": 3})
    measured = {"cpu_millis": 250, "memory_bytes": 4096}
    agent.say("/beat", {"session": SESSION, "seq": 9, "usage": measured, "pods": [{"uid": pod.uid, **measured}]})
    for path in ("/nodes/node-1", "/pods/web"):
        usage = agent.api.get(path)["usage"]
        assert (usage["cpus"], usage["memory_bytes"]) == (0.25, 4096)
    assert agent.api.get("/pods/web")["restarts"] == 3
    metrics = agent.api.http.get("/metrics").text
    assert 'kuberklone_node_cpu_usage_cores{node="node-1"} 0.25' in metrics
    assert 'kuberklone_pod_memory_usage_bytes{namespace="default",node="node-1",pod="web"} 4096.0' in metrics


def test_the_path_of_the_agents_beats_while_there_are_some(api: Api) -> None:
    def beats() -> int:
        return sum(row["beat"] for row in made.rows(api.store, schema.reporting_paths))

    assert beats() == 0
    with speaking(api):
        first = until(beats, within_s=10, what="the registration beats")
        until(lambda: beats() > first, within_s=10, what="the path beats by itself")


# ------------------------------------------------------------------------------------------------- who may say it


@pytest.mark.parametrize("path", [*MESSAGES, "/join"])
def test_nobody_speaks_without_a_token(api: Api, path: str) -> None:
    before = api.written()
    answer = api.http.post(f"/agent/v1{path}", json=MESSAGES.get(path, {"machine_id": "m"}))
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.json()["type"] == "urn:kuberklone:problem:unauthenticated"
    assert api.written() == before


def _wrong_tokens() -> dict[str, str]:
    return {
        "no token": "hello",
        "an unknown one": f"Bearer kk.bcdfghjklm.{'0' * 64}",
        "another scheme": "Basic a2s6a2s=",
        "letters of all kinds": "Bearer kk.é." + "x" * 70,
        "nothing": "Bearer",
    }


@pytest.mark.parametrize("header", _wrong_tokens().values(), ids=_wrong_tokens().keys())
def test_a_wrong_token_is_no_token(agent: RemoteAgent, header: str) -> None:
    before = agent.api.written()
    answer = agent.http.post("/beat", json=MESSAGES["/beat"], headers=[(b"authorization", header.encode("latin-1"))])
    assert answer.status_code == 401
    assert agent.api.written()["revision"] == before["revision"]


def test_the_secret_counts_and_not_the_id(agent: RemoteAgent) -> None:
    forged = agent.token[:-64] + "0" * 64
    answer = agent.http.post("/beat", json=MESSAGES["/beat"], headers={"authorization": f"Bearer {forged}"})
    assert answer.status_code == 401


def test_a_token_that_has_ended_is_no_token(api: Api) -> None:
    with write(api.store) as transaction:
        _, text = tokens.create(transaction, "join", valid_ms=1)
    made.later(api.store)
    answer = api.http.post("/agent/v1/join", json={"machine_id": "m"}, headers={"authorization": f"Bearer {text}"})
    assert answer.status_code == 401


def test_a_token_that_was_believed_ends_with_its_node(agent: RemoteAgent) -> None:
    with write(agent.api.store) as transaction:
        nodes.delete(transaction, [agent.node])
    # For two seconds more it is believed; what it then meets is a node that is not there.
    answer = agent.http.post("/register", json=MESSAGES["/register"])
    assert answer.status_code == 404
    until(
        lambda: agent.http.post("/register", json=MESSAGES["/register"]).status_code == 401,
        within_s=10,
        what="the token is void",
    )


@pytest.mark.parametrize(
    ("purpose", "path", "status"),
    [
        pytest.param("join", "/beat", 403, id="a token for joining does not beat"),
        pytest.param("admin", "/report", 403, id="an administrator is no node"),
        pytest.param("node", "/join", 403, id="a node does not join others"),
        pytest.param("admin", "/join", 200, id="an administrator may add machines"),
    ],
)
def test_a_token_is_good_for_its_purpose(api: Api, purpose: Any, path: str, status: int) -> None:
    with write(api.store) as transaction:
        _, text = tokens.create(transaction, purpose, subject="u" if purpose == "node" else "")
    body = {"machine_id": "m", **MESSAGES.get(path, {})}
    answer = api.http.post(f"/agent/v1{path}", json=body, headers={"authorization": f"Bearer {text}"})
    assert answer.status_code == status, answer.text


@pytest.mark.parametrize("path", ["//agent/v1/join", "/agent//v1/join", "/agent/v1/join/", "/agent/v1/../v1/join"])
def test_no_spelling_of_a_path_lets_anybody_in(agent: RemoteAgent, path: str) -> None:
    api, body = agent.api, b'{"machine_id":"m"}'
    before = len(api.get("/nodes")["items"])
    for headers in ({}, {"Authorization": f"Bearer {agent.token}"}):
        # Not by httpx, which tidies paths.
        with closing(http.client.HTTPConnection("127.0.0.1", api.port, timeout=10)) as connection:
            connection.request("POST", path, body=body, headers=headers)
            assert connection.getresponse().status in (401, 403, 404)
    assert len(api.get("/nodes")["items"]) == before


def test_an_older_session_is_superseded_for_good(agent: RemoteAgent) -> None:
    agent.register(session="session-2")
    for path, message in MESSAGES.items():
        answer = agent.say(path, message, status=409)
        assert answer["type"] == "urn:kuberklone:problem:superseded"


# ---------------------------------------------------------------------------------------------------- what may be said

_HOSTILE: dict[str, tuple[str, Any]] = {
    "no object": ("/beat", []),
    "a member is missing": ("/beat", {"seq": 3}),
    "a number is text": ("/beat", {"session": SESSION, "seq": "3"}),
    "a number below zero": ("/beat", {"session": SESSION, "seq": -1}),
    "a number no database holds": ("/beat", {"session": SESSION, "seq": 2**70}),
    "an id that would leave a document": ("/register", {"boot_id": 'b","x":"y', "session": "s"}),
    "an id that ends with a line": ("/register", {"boot_id": "b\n", "session": "s"}),
    "an empty session": ("/register", {"boot_id": "b", "session": ""}),
    "a NUL": ("/register", {"boot_id": "b", "session": "s", "machine": {"kernel": "a\0b"}}),
    "a book": ("/register", {"boot_id": "b", "session": "s", "machine": {"kernel": "x" * 1000}}),
    "an unknown phase": ("/report", {**MESSAGES["/report"], "pods": [{"uid": "u", "phase": "Lost"}]}),
    "an address that is none": (
        "/report", {**MESSAGES["/report"], "pods": [{"uid": "u", "phase": "Running", "pod_ip": '1","a":"'}]},
    ),
    "a status that is a list": (
        "/report", {**MESSAGES["/report"], "pods": [{"uid": "u", "phase": "Running", "status": [1]}]},
    ),
    "a status with a column's member": (
        "/report", {**MESSAGES["/report"], "pods": [{"uid": "u", "phase": "Running", "status": {"phase": "Failed"}}]},
    ),
    "a status with a NUL": (
        "/report", {**MESSAGES["/report"], "pods": [{"uid": "u", "phase": "Running", "status": {"hostIP": "\0"}}]},
    ),
    "a moment before time": (
        "/report", {**MESSAGES["/report"], "pods": [{"uid": "u", "phase": "Running", "started_ago_ms": -1}]},
    ),
    "too many at once": ("/report", {**MESSAGES["/report"], "removed": ["u"] * 501}),
}  # fmt: skip


@pytest.mark.parametrize(("path", "message"), _HOSTILE.values(), ids=_HOSTILE.keys())
def test_what_cannot_be_is_refused_and_nothing_is_written(agent: RemoteAgent, path: str, message: Any) -> None:
    before = made.everything(agent.api.store)
    answer = agent.http.post(path, json=message)
    assert answer.status_code == 422, answer.text
    assert answer.json()["field"]
    assert "Traceback" not in answer.text
    after = made.everything(agent.api.store)
    # The path proves itself alive meanwhile.
    del before["reporting_paths"], after["reporting_paths"]
    assert after == before


_HEAD = b'{"session":"s","boot_id":"b","pods":[{"uid":"u","phase":"Running","status":'


@pytest.mark.parametrize(
    "body", [b"", b"{", b"\xff\xfe", _HEAD + b"[" * 100_000], ids=["empty", "half", "no text", "deep"]
)
def test_what_is_no_message_is_refused(agent: RemoteAgent, body: bytes) -> None:
    assert agent.http.post("/report", content=body).status_code == 400


def test_a_status_that_is_no_text_is_refused(agent: RemoteAgent) -> None:
    answer = agent.http.post("/report", content=_HEAD + b'{"hostIP":"\xff"}}]}')
    assert (answer.status_code, answer.json()["field"]) == (422, "pods[0].status")


def test_a_backslash_before_a_harmless_sequence_is_no_nul(agent: RemoteAgent) -> None:
    pod = made.bound_pod(agent.api.store, agent.node, made.pod("web"))
    agent.report({"uid": pod.uid, "phase": "Running", "status": {"hostIP": "\\u0000"}})
    (row,) = made.rows(agent.api.store, schema.pods)
    assert row["status"] == '{"hostIP":"\\\\u0000"}'


# ---------------------------------------------------------------------------------------------------------- the wait


class _Waiting:
    """An agent that waits for news in a thread."""

    def __init__(self, agent: RemoteAgent, *, after: int, wait: float = 20) -> None:
        self.answer: Any = None
        self._thread = threading.Thread(target=self._ask, args=(agent, after, wait))
        self._thread.start()

    def _ask(self, agent: RemoteAgent, after: int, wait: float) -> None:
        self.answer = agent.pods(after=after, wait=wait)

    def is_over(self) -> bool:
        return not self._thread.is_alive()

    def result(self) -> Any:
        until(self.is_over, within_s=15, what="the agent is answered")
        self._thread.join()
        return self.answer


def _settled(agent: RemoteAgent) -> int:
    """A revision after which nothing of the node changed, as the API knows by now."""
    return int(agent.pods(after=agent.pods()["revision"], wait=0.3)["revision"])


def test_an_agent_that_waits_is_woken_by_a_change_of_its_pods(agent: RemoteAgent) -> None:
    waiting = _Waiting(agent, after=_settled(agent))
    pod = made.bound_pod(agent.api.store, agent.node, made.pod("web"))
    answer = waiting.result()
    assert [each["uid"] for each in answer["pods"]] == [pod.uid]


def test_an_agent_that_waits_is_woken_by_the_removal_of_a_pod(agent: RemoteAgent) -> None:
    pod = made.bound_pod(agent.api.store, agent.node, made.pod("web"))
    waiting = _Waiting(agent, after=_settled(agent))
    with write(agent.api.store) as transaction:
        remove_pods(transaction, [made.marked(transaction, pod, "User")])
    assert waiting.result()["pods"] == []


def test_the_pods_of_others_wake_nobody(agent: RemoteAgent) -> None:
    with speaking(agent.api, "node-2") as other:
        waiting, woken = _Waiting(agent, after=_settled(agent)), _Waiting(other, after=_settled(other))
        made.bound_pod(agent.api.store, other.node, made.pod("web"))
        assert len(woken.result()["pods"]) == 1
        assert not waiting.is_over()
        made.bound_pod(agent.api.store, agent.node, made.pod("mine"))
        assert len(waiting.result()["pods"]) == 1


def test_who_missed_a_change_is_answered_at_once(agent: RemoteAgent) -> None:
    before = _settled(agent)
    made.bound_pod(agent.api.store, agent.node, made.pod("web"))
    assert len(_Waiting(agent, after=before).result()["pods"]) == 1


def test_a_wait_ends_by_itself_with_all_there_is(agent: RemoteAgent) -> None:
    made.bound_pod(agent.api.store, agent.node, made.pod("web"))
    assert len(agent.pods(after=_settled(agent), wait=0.05)["pods"]) == 1


@pytest.mark.parametrize(
    "parameters", [{"wait": 31}, {"wait": -1}, {"after": -1}, {"after": "x"}, {"wait": "nan"}, {"until": 3}]
)
def test_a_wait_that_cannot_be_is_refused(agent: RemoteAgent, parameters: dict[str, Any]) -> None:
    assert agent.http.get("/pods", params=parameters).status_code == 422


# ------------------------------------------------------------------------------------------------------------ joining


def test_a_machine_joins_and_speaks_for_its_node(api: Api) -> None:
    made_token = api.post("/add_token", {"hours": 1})["token"]
    asked = {"machine_id": "m-1", "cpus": "1500m", "memory": "2Gi", "labels": {"zone": "a"}}
    bearer = {"authorization": f"Bearer {made_token}"}
    joined = api.http.post("/agent/v1/join", json=asked, headers=bearer).json()
    (node,) = api.get("/nodes")["items"]
    assert (node["name"], node["provider"], node["cpus"]) == (joined["node_name"], "external", 1.5)
    with httpx.Client(base_url=api.http.base_url, headers={"authorization": f"Bearer {joined['token']}"}) as own:
        answer = own.post("/agent/v1/register", json=MESSAGES["/register"])
    assert answer.json()["node_uid"] == joined["node_uid"]


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({}, "machine_id"),
        ({"machine_id": "m", "name": "Not A Name"}, "name"),
        ({"machine_id": "m", "cpus": "many"}, "cpus"),
        ({"machine_id": "m", "memory": -1}, "memory"),
        ({"machine_id": "m", "labels": {"a b": "c"}}, "labels.a b"),
        ({"machine_id": "m", "provider": "simulated"}, "provider"),
    ],
)
def test_a_machine_that_cannot_be_is_refused(api: Api, asked: Any, field: str) -> None:
    bearer = {"authorization": f"Bearer {api.post('/add_token', {})['token']}"}
    before = api.written()
    answer = api.http.post("/agent/v1/join", json=asked, headers=bearer)
    assert (answer.status_code, answer.json()["field"]) == (422, field)
    assert api.written() == before
