"""Logs of pods: asked of the API, answered by an agent that connects to it."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection

from kuberklone.kinds.pod import Pod
from kuberklone.kinds.reporting import ERROR, STDERR
from tests.api.remote_agent import RemoteAgent, failure, frame, speaking
from tests.api.running import Api
from tests.store import made
from tests.waiting import until


@pytest.fixture
def agent(api: Api) -> Iterator[RemoteAgent]:
    with speaking(api) as speaker:
        yield speaker


@pytest.fixture
def pod(agent: RemoteAgent) -> Pod:
    """web, which runs on the agent's node."""
    return made.bound_pod(agent.api.store, agent.node, made.pod("web"), phase="Running", started_ms=1)


def test_what_a_container_wrote_is_shown(agent: RemoteAgent, pod: Pod) -> None:
    def answer(connection: ClientConnection, _: dict[str, Any]) -> None:
        connection.send(frame("one\n"))
        connection.send(frame("two\n", STDERR))
        connection.send(frame('{"status":"Success"}', ERROR))

    with agent.answering(answer):
        shown = agent.api.http.get(
            "/pods/web/logs",
            params={"tail": 5, "container": "main", "since_seconds": 60, "timestamps": "true", "previous": "true"},
        )
    assert (shown.status_code, shown.text) == (200, "one\ntwo\n")
    assert shown.headers["content-type"].startswith("text/plain")
    (asked,) = agent.streams
    assert (asked["kind"], asked["pod_uid"], asked["container"]) == ("logs", pod.uid, "main")
    assert (asked["tail_lines"], asked["since_seconds"], asked["timestamps"], asked["previous"]) == (5, 60, True, True)


def test_a_log_ends_with_its_connection(agent: RemoteAgent, pod: Pod) -> None:
    with agent.answering(lambda connection, _: connection.send(frame("all\n"))):
        assert agent.api.http.get("/pods/web/logs").text == "all\n"


def test_an_empty_log_is_empty(agent: RemoteAgent, pod: Pod) -> None:
    with agent.answering(lambda connection, _: None):
        shown = agent.api.http.get("/pods/web/logs")
    assert (shown.status_code, shown.text) == (200, "")


def test_a_log_is_followed_as_it_is_written_until_somebody_hangs_up(agent: RemoteAgent, pod: Pod) -> None:
    read_first, hung_up = threading.Event(), threading.Event()

    def answer(connection: ClientConnection, _: dict[str, Any]) -> None:
        connection.send(frame("first\n"))
        assert read_first.wait(10)
        connection.send(frame("second\n"))
        with pytest.raises(ConnectionClosed):
            connection.recv(10)
        hung_up.set()

    with agent.answering(answer):
        with agent.api.http.stream("GET", "/pods/web/logs", params={"follow": "true"}) as shown:
            pieces = shown.iter_text()
            assert next(pieces) == "first\n"
            read_first.set()
            assert next(pieces) == "second\n"
        assert hung_up.wait(10)
    assert agent.streams[0]["follow"] is True


def test_a_silent_log_is_followed_all_the_same(agent: RemoteAgent, pod: Pod) -> None:
    begun = threading.Event()

    def answer(connection: ClientConnection, _: dict[str, Any]) -> None:
        assert begun.wait(10)
        connection.send(frame("late\n"))

    with agent.answering(answer):
        with agent.api.http.stream("GET", "/pods/web/logs", params={"follow": "true"}) as shown:
            begun.set()
            assert list(shown.iter_text()) == ["late\n"]


def test_a_large_log_comes_whole(agent: RemoteAgent, pod: Pod) -> None:
    lines = "x" * 99 + "\n"

    def answer(connection: ClientConnection, _: dict[str, Any]) -> None:
        for _number in range(300):
            connection.send(frame(lines * 100))

    with agent.answering(answer):
        assert len(agent.api.http.get("/pods/web/logs").text) == 300 * 100 * 100


@pytest.mark.parametrize(
    ("said", "status", "detail"),
    [
        pytest.param(failure("no previous container", 400), 409, "no previous container", id="refused"),
        pytest.param(failure("no container db", 404), 404, "no container db", id="not found"),
        pytest.param(frame("what?", ERROR), 502, "nobody understands", id="nonsense"),
    ],
)
def test_what_an_agent_cannot_show_is_said_as_an_error(
    agent: RemoteAgent, pod: Pod, said: bytes, status: int, detail: str
) -> None:
    with agent.answering(lambda connection, _: connection.send(said)):
        answer = agent.api.http.get("/pods/web/logs", params={"follow": "true"})
    assert answer.status_code == status
    assert detail in answer.json()["detail"]


# --------------------------------------------------------------------------------------- where there can be no log


def test_a_simulated_pod_has_no_log_and_says_why(api: Api) -> None:
    (node,) = made.add_nodes(api.store, made.node("sim"))
    made.bound_pod(api.store, node, made.pod("web"), phase="Running", started_ms=1)
    answer = api.http.get("/pods/web/logs")
    assert answer.status_code == 409
    assert "simulated node" in answer.json()["detail"]


def test_a_pod_without_a_node_has_written_nothing(api: Api) -> None:
    made.add_pods(api.store, made.pod("web"))
    answer = api.http.get("/pods/web/logs")
    assert (answer.status_code, "no node yet" in answer.json()["detail"]) == (409, True)


def test_a_pod_that_is_not_there_has_no_log(api: Api) -> None:
    assert api.http.get("/pods/web/logs").status_code == 404


def test_a_node_that_is_not_heard_is_said_at_once(api: Api) -> None:
    (node,) = made.add_nodes(api.store, made.node(provider="docker"))
    made.bound_pod(api.store, node, made.pod("web"))
    made.change_node(api.store, node, ready="Unknown", ready_reason="NodeStatusUnknown")
    answer = api.http.get("/pods/web/logs")
    assert (answer.status_code, answer.json()["type"]) == (502, "urn:kuberklone:problem:node-unreachable")


@pytest.mark.parametrize(
    "parameters",
    [{"tail": -1}, {"tail": "x"}, {"since_seconds": 0}, {"follow": "perhaps"}, {"container": "A B"}, {"lines": 3}],
)
def test_a_question_that_cannot_be_is_refused(agent: RemoteAgent, pod: Pod, parameters: dict[str, Any]) -> None:
    answer = agent.api.http.get("/pods/web/logs", params=parameters)
    assert (answer.status_code, answer.json()["field"]) == (422, *parameters)


# ------------------------------------------------------------------------------------------------- who may connect


def test_nobody_connects_to_a_stream_without_a_token(agent: RemoteAgent, pod: Pod) -> None:
    agent.token = "none"
    with pytest.raises(InvalidStatus) as refused, agent.connect("any"):
        pass
    assert refused.value.response.status_code == 401


def test_a_stream_that_nobody_asked_for_is_not_there(agent: RemoteAgent) -> None:
    with pytest.raises(InvalidStatus) as refused, agent.connect("any"):
        pass
    assert refused.value.response.status_code == 404


def test_an_agent_takes_up_only_the_streams_of_its_own_node(agent: RemoteAgent, pod: Pod) -> None:
    with speaking(agent.api, "node-2") as other:
        after = agent.pods()["revision"]
        shown: list[str] = []
        asking = threading.Thread(target=lambda: shown.append(agent.api.http.get("/pods/web/logs").text))
        asking.start()
        (wanted,) = until(lambda: agent.pods(after=after, wait=1)["streams"], within_s=10, what="the stream is asked")
        assert other.pods()["streams"] == []
        with pytest.raises(InvalidStatus) as refused, other.connect(wanted["id"]):
            pass
        with agent.connect(wanted["id"]) as connection:
            connection.send(frame("mine\n"))
        asking.join()
    assert (refused.value.response.status_code, shown) == (404, ["mine\n"])
