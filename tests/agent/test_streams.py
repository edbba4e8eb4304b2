"""Logs and commands, from a container of a real engine to whoever connects; a WebSocket server stands for the API."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import Queue
from typing import Any

import msgspec
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import Server, ServerConnection, serve

from kuberklone.agent.link import Link
from kuberklone.agent.streams import Streams
from kuberklone.chance import Chance
from kuberklone.clock import SYSTEM
from kuberklone.engine.pod_streams import PodStreams
from kuberklone.kinds.reporting import CLOSE, ERROR, RESIZE, STDERR, STDIN, STDOUT, StreamRequest
from tests.agent.node_on_engine import WITHIN_S, NodeOnEngine, program

pytestmark = pytest.mark.process

_chance = Chance()


class Reader:
    """Whoever asked for a stream: reads frames and sends some."""

    def __init__(self) -> None:
        self.frames: Queue[tuple[int, bytes] | None] = Queue()
        self.path = ""
        self.authorization = ""
        self._connected: Queue[ServerConnection] = Queue()
        self._leave = threading.Event()

    def serve(self, connection: ServerConnection) -> None:
        assert connection.request is not None
        self.path = connection.request.path
        self.authorization = connection.request.headers["authorization"]
        self._connected.put(connection)
        try:
            for frame in connection:
                assert isinstance(frame, bytes)
                self.frames.put((frame[0], frame[1:]))
        except ConnectionClosed:
            pass
        self.frames.put(None)

    def send(self, channel: int, data: bytes) -> None:
        connection = self._connected.get(timeout=WITHIN_S)
        connection.send(bytes([channel]) + data)
        self._connected.put(connection)

    def leave(self) -> None:
        self._connected.get(timeout=WITHIN_S).close()

    def until(self, text: str) -> str:
        """What was written, once it contains the text."""
        seen = ""
        while text not in seen:
            frame = self.frames.get(timeout=WITHIN_S)
            assert frame is not None, f"it ended after {seen!r}"
            seen += frame[1].decode()
        return seen

    def everything(self) -> tuple[dict[int, str], dict[str, Any]]:
        """All that was written, by channel, and the status at the end."""
        texts: dict[int, str] = {}
        while (frame := self.frames.get(timeout=WITHIN_S)) is not None:
            texts[frame[0]] = texts.get(frame[0], "") + frame[1].decode()
        status: dict[str, Any] = msgspec.json.decode(texts.pop(ERROR))
        return texts, status


Ask = Callable[..., Reader]


@contextmanager
def _listening(readers: dict[str, Reader]) -> Iterator[Server]:
    def handle(connection: ServerConnection) -> None:
        assert connection.request is not None
        readers[connection.request.path.rpartition("/")[2]].serve(connection)

    with serve(handle, "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def ask(node: NodeOnEngine) -> Iterator[Ask]:
    """Ask for a stream of the node."""
    readers: dict[str, Reader] = {}
    with _listening(readers) as server:
        port = server.socket.getsockname()[1]
        with Link(f"http://127.0.0.1:{port}", token="kk.it.secret", tls=None) as link:
            streams = Streams(
                link,
                PodStreams(node.engine),
                standing=node.standing,
                seen=lambda: node.reconciler.seen,
                clock=SYSTEM,
            )

            def begin(pod_uid: str, **wanted: Any) -> Reader:
                request = StreamRequest(id=_chance.uid(), **{"kind": "logs", "pod_uid": pod_uid} | wanted)
                reader = readers[request.id] = Reader()
                streams.begin([request])
                # The API names a stream in every answer until somebody connects.
                streams.begin([request])
                return reader

            yield begin


@pytest.fixture
def shell(node: NodeOnEngine, image: str) -> str:
    """A pod that waits, in which commands can be run."""
    uid = node.add(program(image, "sleep", "1000000"))
    node.report(uid, phase="Running")
    return uid


@pytest.fixture
def writer(node: NodeOnEngine, image: str) -> str:
    """A pod that wrote five lines and ended."""
    uid = node.add(program(image, "sh", "-c", "seq 5; echo trouble >&2"), restartPolicy="Never")
    node.report(uid, phase="Succeeded")
    return uid


# ------------------------------------------------------------------------------------------------ logs


def test_a_log_is_sent_and_ends(ask: Ask, writer: str) -> None:
    reader = ask(writer)
    texts, status = reader.everything()
    assert sorted(texts[STDOUT].splitlines()) == ["1", "2", "3", "4", "5", "trouble"]
    assert status["status"] == "Success"
    assert reader.path.startswith("/agent/v1/streams/")
    assert reader.authorization == "Bearer kk.it.secret"


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        pytest.param({"tail_lines": 2}, ["5", "trouble"], id="its last lines"),
        pytest.param({"tail_lines": 0}, [], id="none of it"),
        pytest.param({"limit_bytes": 4}, ["1", "2"], id="its first bytes"),
        pytest.param({"container": "main", "tail_lines": 1}, ["trouble"], id="of the container that is named"),
        pytest.param({"since_seconds": 3600, "tail_lines": 1}, ["trouble"], id="of the last hour"),
    ],
)
def test_a_part_of_a_log_can_be_asked_for(
    ask: Ask, node: NodeOnEngine, image: str, wanted: dict[str, Any], expected: list[str]
) -> None:
    uid = node.add(program(image, "sh", "-c", "seq 5; sleep 0.2; echo trouble >&2"), restartPolicy="Never")
    node.report(uid, phase="Succeeded")
    texts, status = ask(uid, **wanted).everything()
    assert texts.get(STDOUT, "").splitlines() == expected
    assert status["status"] == "Success"


def test_lines_carry_their_moments_when_asked_for(ask: Ask, writer: str) -> None:
    texts, _ = ask(writer, timestamps=True, tail_lines=1).everything()
    moment, _, line = texts[STDOUT].strip().partition(" ")
    assert moment.endswith("Z")
    assert line


def test_whoever_follows_reads_on_until_they_leave(ask: Ask, node: NodeOnEngine, image: str) -> None:
    uid = node.add(
        program(image, "sh", "-c", "echo first; while ! test -e /tmp/go; do sleep 0.1; done; echo second; sleep 1000")
    )
    node.report(uid, phase="Running")
    reader = ask(uid, follow=True)
    reader.until("first")
    ask(uid, kind="exec", command=["touch", "/tmp/go"]).everything()
    reader.until("second")
    reader.leave()
    before = {thread.name for thread in threading.enumerate()}
    node.until(lambda: _streams() == 0, f"no thread waits for a log nobody reads; there were {before}")


def _streams() -> int:
    return sum(thread.name.startswith("stream") for thread in threading.enumerate())


def test_the_run_before_can_be_read(ask: Ask, node: NodeOnEngine, image: str) -> None:
    uid = node.add(program(image, "sh", "-c", "hostname; date +%s%N; exit 1"))
    node.report(uid, reason="CrashLoopBackOff")
    texts, _ = ask(uid, previous=True).everything()
    assert texts[STDOUT] == node.output(uid, attempt=0)
    assert texts[STDOUT] != node.output(uid, attempt=1)


@pytest.mark.parametrize(
    ("wanted", "code", "words"),
    [
        pytest.param({"pod_uid": "somebody-else's"}, 404, "not on this node", id="no such pod"),
        pytest.param({"container": "nothing"}, 404, "no container nothing; it has main", id="no such container"),
        pytest.param({"previous": True}, 400, "has not run before", id="it ran only once"),
        pytest.param({"kind": "exec", "command": ["true"]}, 400, "does not run", id="it has ended"),
    ],
)
def test_what_cannot_be_carried_is_refused_in_words(
    ask: Ask, writer: str, wanted: dict[str, Any], code: int, words: str
) -> None:
    pod_uid = wanted.pop("pod_uid", writer)
    texts, status = ask(pod_uid, **wanted).everything()
    assert texts == {}
    assert (status["status"], status["code"]) == ("Failure", code)
    assert words in status["message"]


def test_a_container_that_has_not_started_has_no_log(ask: Ask, node: NodeOnEngine) -> None:
    uid = node.add(program("kuberklone-test/nothing:1", "true"))
    node.report(uid, reason="ErrImageNeverPull")
    _, status = ask(uid).everything()
    assert (status["code"], "waiting to start" in status["message"]) == (400, True)


# ------------------------------------------------------------------------------------------------ commands


def test_a_command_writes_on_two_channels_and_succeeds(ask: Ask, shell: str) -> None:
    texts, status = ask(shell, kind="exec", command=["sh", "-c", "echo out; echo err >&2"]).everything()
    assert texts == {STDOUT: "out\n", STDERR: "err\n"}
    assert status["status"] == "Success"


def test_a_command_that_fails_tells_its_exit_code_as_kubernetes_does(ask: Ask, shell: str) -> None:
    _, status = ask(shell, kind="exec", command=["sh", "-c", "exit 7"]).everything()
    assert (status["status"], status["reason"]) == ("Failure", "NonZeroExitCode")
    assert status["details"]["causes"] == [{"reason": "ExitCode", "message": "7"}]


def test_a_command_reads_until_its_input_ends(ask: Ask, shell: str) -> None:
    reader = ask(shell, kind="exec", command=["cat"], stdin=True)
    reader.send(STDIN, b"one\n")
    reader.until("one\n")
    reader.send(STDIN, b"two\n")
    reader.send(CLOSE, bytes([STDIN]))
    texts, status = reader.everything()
    assert texts[STDOUT] == "two\n"
    assert status["status"] == "Success"


def test_a_terminal_has_the_size_that_is_asked_for(ask: Ask, shell: str) -> None:
    # It asks again and again, for a size may come before the terminal is there.
    waits = "test -t 0 && echo terminal; read x; echo done"
    reader = ask(shell, kind="exec", command=["sh", "-c", waits], stdin=True, tty=True)
    reader.until("terminal")
    reader.send(RESIZE, b'{"Width":132,"Height":43}')
    reader.send(RESIZE, b"nonsense")
    reader.send(STDIN, b"go on\n")
    texts, status = reader.everything()
    assert "done" in texts[STDOUT]
    assert status["status"] == "Success"


def test_a_command_ends_when_its_reader_leaves(ask: Ask, node: NodeOnEngine, shell: str) -> None:
    reader = ask(shell, kind="exec", command=["cat"], stdin=True)
    reader.send(STDIN, b"hello\n")
    reader.until("hello")
    reader.leave()
    # What it reads ends with its reader, so the program does.
    node.until(
        lambda: len(node.engine.api.top(node.inspected(shell)["Id"])["Processes"]) == 1, "only the pod's own runs"
    )
    node.until(lambda: _streams() == 0, "no thread is left")


def test_the_container_s_own_input_and_output_can_be_joined(ask: Ask, node: NodeOnEngine, image: str) -> None:
    uid = node.add(program(image, "sh", "-c", "while read line; do echo got $line; done", stdin=True))
    node.report(uid, phase="Running")
    reader = ask(uid, kind="attach", stdin=True)
    reader.send(STDIN, b"something\n")
    reader.until("got something")
    reader.leave()
    node.until(lambda: _streams() == 0, "no thread is left")
