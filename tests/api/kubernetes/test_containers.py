"""Logs of containers and commands inside them: asked by a client, answered by an agent that connects to the API."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from kuberklone.api.kubernetes.request import Query
from kuberklone.api.kubernetes.subresources import log
from kuberklone.kinds.pod import Pod
from kuberklone.kinds.reporting import CLOSE, ERROR, RESIZE, STDERR, STDIN, STDOUT
from tests.api.kubernetes.client import PODS, refused
from tests.api.remote_agent import RemoteAgent, failure, frame, speaking
from tests.api.running import Api
from tests.store import made

V5, V4 = "v5.channel.k8s.io", "v4.channel.k8s.io"
SUCCESS = frame('{"metadata":{},"status":"Success"}', ERROR)


@pytest.fixture
def agent(api: Api) -> Iterator[RemoteAgent]:
    with speaking(api) as speaker:
        yield speaker


@pytest.fixture
def pod(agent: RemoteAgent) -> Pod:
    """web, which runs on the agent's node."""
    web = made.pod("web", spec='{"containers":[{"name":"main","image":"registry.example/web:1"}]}')
    return made.bound_pod(agent.api.store, agent.node, web, phase="Running", started_ms=1)


def entered(agent: RemoteAgent, query: str, *, path: str = "exec", protocols: tuple[str, ...] = (V5, V4)) -> Any:
    url = f"ws://127.0.0.1:{agent.api.port}{PODS}/web/{path}?{query}"
    return connect(url, subprotocols=list(protocols), proxy=None)  # type: ignore[arg-type]


def frames(socket: ClientConnection) -> list[tuple[int, str]]:
    """All that comes until the server closes."""
    return [(each[0], each[1:].decode()) for each in socket if isinstance(each, bytes)]


# ---------------------------------------------------------------------------------------------------------------- logs


def test_a_log_is_shown_with_all_that_was_asked_for(agent: RemoteAgent, pod: Pod) -> None:
    def answer(connection: ClientConnection, _: dict[str, Any]) -> None:
        connection.send(frame("one\n"))
        connection.send(frame("two\n", STDERR))
        connection.send(SUCCESS)

    query = "tailLines=5&sinceSeconds=60&timestamps=true&limitBytes=900&container=main"
    with agent.answering(answer):
        shown = agent.api.http.get(f"{PODS}/web/log?{query}")
    assert (shown.status_code, shown.text) == (200, "one\ntwo\n")
    assert shown.headers["content-type"] == "text/plain"
    (asked,) = agent.streams
    assert (asked["kind"], asked["pod_uid"], asked["container"]) == ("logs", pod.uid, "main")
    assert (asked["tail_lines"], asked["since_seconds"], asked["limit_bytes"]) == (5, 60, 900)
    assert (asked["timestamps"], asked["follow"]) == (True, False)


def test_what_an_agent_cannot_show_is_a_bad_request(agent: RemoteAgent, pod: Pod) -> None:
    def answer(connection: ClientConnection, _: dict[str, Any]) -> None:
        connection.send(failure("container main is waiting to start", 400))

    with agent.answering(answer):
        status = refused(agent.api.http.get(f"{PODS}/web/log"), 400, "BadRequest")
    assert "waiting to start" in status["message"]


def test_an_earlier_run_that_was_not_is_not_asked_for(agent: RemoteAgent, pod: Pod) -> None:
    status = refused(agent.api.http.get(f"{PODS}/web/log?previous=true"), 400, "BadRequest")
    assert "previous terminated" in status["message"]
    assert agent.streams == []


@pytest.mark.parametrize(
    ("since", "seconds"),
    [
        pytest.param("2026-11-23T10:00:00Z", 60, id="in UTC"),
        pytest.param("2026-11-23T11:00:00+01:00", 60, id="of another zone"),
        pytest.param("2026-11-23T10:00:00.400Z", 60, id="parts of a second are not left out"),
        pytest.param("2026-11-23T12:00:00Z", 1, id="the future is now"),
    ],
)
def test_a_time_becomes_an_age(since: str, seconds: int) -> None:
    now = datetime(2026, 11, 23, 10, 1, tzinfo=UTC)
    query = Query(f"sinceTime={since.replace('+', '%2B')}".encode())
    assert log.read(query, wall_ms=int(now.timestamp() * 1000)).since_seconds == seconds


# ------------------------------------------------------------------------------------------------------------ commands


@pytest.mark.parametrize("protocol", [V5, V4])
def test_a_command_runs_with_its_input_outputs_and_end(agent: RemoteAgent, pod: Pod, protocol: str) -> None:
    heard: list[tuple[int, bytes]] = []
    ended = json.dumps(
        {
            "metadata": {},
            "status": "Failure",
            "reason": "NonZeroExitCode",
            "details": {"causes": [{"reason": "ExitCode", "message": "3"}]},
        }
    )

    def answer(connection: ClientConnection, _: dict[str, Any]) -> None:
        for _number in range(2):
            message = connection.recv(10)
            assert isinstance(message, bytes)
            heard.append((message[0], message[1:]))
        connection.send(frame("out", STDOUT))
        connection.send(frame("err", STDERR))
        connection.send(frame(ended, ERROR))

    query = "command=sh&command=-c&command=exit+3&stdin=true&stdout=true&stderr=true"
    with agent.answering(answer), entered(agent, query, protocols=(protocol,)) as socket:
        assert socket.subprotocol == protocol
        socket.send(bytes([STDIN]) + b"typed")
        socket.send(bytes([CLOSE, STDIN]))
        assert frames(socket) == [(STDOUT, "out"), (STDERR, "err"), (ERROR, ended)]
        assert socket.close_code == 1000
    assert heard == [(STDIN, b"typed"), (CLOSE, bytes([STDIN]))]
    (asked,) = agent.streams
    assert (asked["kind"], asked["command"], asked["stdin"]) == ("exec", ["sh", "-c", "exit 3"], True)


def test_only_what_was_asked_for_goes_either_way(agent: RemoteAgent, pod: Pod) -> None:
    def answer(connection: ClientConnection, _: dict[str, Any]) -> None:
        # The size of a terminal that is none, and input that nobody announced, are not passed on.
        with pytest.raises(TimeoutError):
            connection.recv(0.2)
        connection.send(frame("out", STDOUT))
        connection.send(frame("err", STDERR))
        connection.send(SUCCESS)

    with agent.answering(answer), entered(agent, "command=ls&stdout=true&stderr=false") as socket:
        socket.send(bytes([STDIN]) + b"typed")
        socket.send(bytes([RESIZE]) + b'{"Width":80,"Height":24}')
        assert [channel for channel, _ in frames(socket)] == [STDOUT, ERROR]


def test_a_terminal_has_a_size_and_one_output(agent: RemoteAgent, pod: Pod) -> None:
    def answer(connection: ClientConnection, _: dict[str, Any]) -> None:
        message = connection.recv(10)
        assert isinstance(message, bytes)
        connection.send(frame(message[1:].decode(), STDOUT))
        connection.send(SUCCESS)

    with agent.answering(answer), entered(agent, "command=sh&stdin=true&stdout=true&tty=true") as socket:
        socket.send(bytes([RESIZE]) + b'{"Width":80,"Height":24}')
        assert frames(socket)[0] == (STDOUT, '{"Width":80,"Height":24}')
    assert agent.streams[0]["tty"] is True


def test_attaching_is_to_the_container_itself(agent: RemoteAgent, pod: Pod) -> None:
    with agent.answering(lambda connection, _: connection.send(SUCCESS)):
        with entered(agent, "stdout=true", path="attach") as socket:
            assert [channel for channel, _ in frames(socket)] == [ERROR]
    assert (agent.streams[0]["kind"], agent.streams[0]["command"]) == ("attach", [])


def test_a_client_that_hangs_up_ends_the_command(agent: RemoteAgent, pod: Pod) -> None:
    def answer(connection: ClientConnection, _: dict[str, Any]) -> None:
        connection.send(frame("going on", STDOUT))
        with pytest.raises(ConnectionClosed):
            connection.recv(10)

    with agent.answering(answer), entered(agent, "command=sh&stdout=true") as socket:
        socket.recv(10)


@pytest.mark.parametrize(
    ("query", "protocols", "code"),
    [
        pytest.param("stdout=true", (V5,), 422, id="no command"),
        pytest.param("command=ls&stdout=false&stderr=false", (V5,), 422, id="nothing to carry"),
        pytest.param("command=ls&container=other", (V5,), 400, id="no such container"),
        pytest.param("command=ls", ("v3.channel.k8s.io",), 400, id="a protocol that nobody speaks any more"),
    ],
)
def test_what_cannot_be_entered_is_refused_by_an_answer(
    agent: RemoteAgent, pod: Pod, query: str, protocols: tuple[str, ...], code: int
) -> None:
    with pytest.raises(InvalidStatus) as answered, entered(agent, query, protocols=protocols):
        pass
    assert answered.value.response.status_code == code
    assert json.loads(answered.value.response.body or b"")["kind"] == "Status"
    assert agent.streams == []


def test_spdy_gets_an_answer_that_names_what_works(agent: RemoteAgent, pod: Pod) -> None:
    upgrade = {"connection": "Upgrade", "upgrade": "SPDY/3.1"}
    answer = agent.api.http.post(f"{PODS}/web/exec?command=ls", headers=upgrade)
    assert "kubectl from 1.30 on" in refused(answer, 501, "NotImplemented")["message"]
