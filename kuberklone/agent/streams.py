"""Carries logs and commands between people and containers: for each request a WebSocket to the API, opened from here.

Frames are those of Kubernetes' v5.channel.k8s.io: the first byte names the channel, and the last frame of an ended
stream is a Status on the channel for errors.
"""

import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec
from websockets.exceptions import WebSocketException
from websockets.sync.client import ClientConnection, connect

from kuberklone import logs
from kuberklone.agent import decide
from kuberklone.agent.facts import Container
from kuberklone.agent.link import Link
from kuberklone.agent.standing import Standing
from kuberklone.clock import SystemClock
from kuberklone.engine.pod_streams import Command, Connection, LogPart, PodStreams
from kuberklone.errors import EngineError
from kuberklone.kinds import reporting
from kuberklone.kinds.reporting import StreamRequest

# Each is a thread and two connections; a person has a few, and whoever opens more waits for one of them to end.
_STREAMS_MAX = 32
_CONNECT_S = 10.0
# How many requests are remembered, so that one that is listed twice is served once.
_REMEMBERED = 1_000
_FRAME_BYTES_MAX = 1024 * 1024

_NOT_FOUND, _BAD_REQUEST, _FAILED, _BUSY = 404, 400, 500, 503

_log = logs.get()


class _Refusal(Exception):
    """Why there is nothing to be carried."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


class Streams:
    def __init__(
        self,
        link: Link,
        engine: PodStreams,
        *,
        standing: Standing,
        seen: Callable[[], Sequence[Container]],
        clock: SystemClock,
    ) -> None:
        self._link = link
        self._engine = engine
        self._standing = standing
        self._seen = seen
        self._clock = clock
        self._begun: dict[str, None] = {}
        self._free = threading.BoundedSemaphore(_STREAMS_MAX)

    def begin(self, requests: Iterable[StreamRequest]) -> None:
        """Serve what is not served yet. Called by one thread."""
        for request in requests:
            if request.id in self._begun:
                continue
            self._begun[request.id] = None
            if len(self._begun) > _REMEMBERED:
                del self._begun[next(iter(self._begun))]
            threading.Thread(target=self._serve, args=(request,), name="stream", daemon=True).start()

    def _serve(self, request: StreamRequest) -> None:
        """One stream, from its beginning to its end; nobody but its reader needs to know how it ends."""
        try:
            with self._connected(request.id) as socket:
                if not self._free.acquire(blocking=False):
                    _finish(socket, _failure("too many streams to this node; end one of them", _BUSY))
                    return
                try:
                    _finish(socket, self._carry(request, socket))
                finally:
                    self._free.release()
        except (WebSocketException, OSError) as error:
            _log.info("stream ended early", error=str(error))
        except Exception as error:  # noqa: BLE001 - the outermost boundary of a thread: nobody else would say so
            _log.error("stream failed", exc_info=error)

    def _connected(self, stream_id: str) -> ClientConnection:
        url = "ws" + self._link.server.removeprefix("http") + f"{reporting.PREFIX}/streams/{stream_id}"
        return connect(
            url,
            ssl=self._link.tls,
            additional_headers=self._link.headers,
            open_timeout=_CONNECT_S,
            max_size=_FRAME_BYTES_MAX,
            compression=None,
            proxy=None,
        )

    def _carry(self, request: StreamRequest, socket: ClientConnection) -> dict[str, Any]:
        try:
            container = self._container(request)
            if request.kind == "logs":
                return self._logs(request, container, socket)
            return self._command(request, container, socket)
        except _Refusal as refusal:
            return _failure(str(refusal), refusal.code)
        except EngineError as error:
            return _failure(str(error), _FAILED)

    def _container(self, request: StreamRequest) -> Container:
        assignment = (self._standing.view().assignments or {}).get(request.pod_uid)
        if assignment is None:
            raise _Refusal("the pod is not on this node", _NOT_FOUND)
        pod = assignment.pod
        name = request.container or next(iter(pod.mains), "")
        if name not in (*pod.init, *pod.mains):
            known = ", ".join((*pod.init, *pod.mains))
            raise _Refusal(f"the pod has no container {name}; it has {known}", _NOT_FOUND)
        own = [each for each in self._seen() if each.pod_uid == pod.uid and each.name == name]
        newest = decide.newest_of(own).get(name)
        if request.previous and newest is not None:
            newest = decide.newest_of(each for each in own if each.attempt < newest.attempt).get(name)
        if newest is None or newest.state == "Created":
            what = "has not run before" if request.previous else "is waiting to start"
            raise _Refusal(f"container {name} of pod {pod.name} {what}", _BAD_REQUEST)
        return newest

    def _logs(self, request: StreamRequest, container: Container, socket: ClientConnection) -> dict[str, Any]:
        since_s = None
        if request.since_seconds is not None:
            since_s = self._clock.wall_ms() // 1000 - request.since_seconds
        log = self._engine.log(
            container.id,
            LogPart(
                follow=request.follow,
                tail_lines=request.tail_lines,
                since_s=since_s,
                timestamps=request.timestamps,
            ),
        )
        # Whoever reads may leave while the container is silent.
        _when_closed(socket, log.close)
        left = request.limit_bytes
        try:
            for _, piece in log.read():
                socket.send(bytes([reporting.STDOUT]) + piece[:left])
                if left is not None:
                    left -= len(piece)
                    if left <= 0:
                        break
        finally:
            log.close()
        return {"status": "Success"}

    def _command(self, request: StreamRequest, container: Container, socket: ClientConnection) -> dict[str, Any]:
        if container.state != "Running":
            raise _Refusal(f"container {container.name} does not run", _BAD_REQUEST)
        exec_id = ""
        if request.kind == "exec":
            exec_id = self._engine.prepare(
                container.id, Command(words=request.command, stdin=request.stdin, tty=request.tty)
            )
            process = self._engine.start(exec_id, tty=request.tty)
        else:
            process = self._engine.attach(container.id, stdin=request.stdin, tty=request.tty)
        feed = _Feed(socket, process, resize=lambda width, height: self._resize(exec_id, container, width, height))
        threading.Thread(target=feed.run, name="stream-input", daemon=True).start()
        try:
            for channel, piece in process.read():
                socket.send(bytes([channel]) + piece)
        finally:
            process.close()
        return _ended(self._engine.exit_code(exec_id) if exec_id else 0)

    def _resize(self, exec_id: str, container: Container, width: int, height: int) -> None:
        try:
            self._engine.resize(width=width, height=height, exec_id=exec_id, container_id=container.id)
        except EngineError as error:
            _log.info("terminal not resized", error=str(error))  # it has ended, or is no terminal


class _Size(msgspec.Struct, rename="pascal"):
    width: int = 0
    height: int = 0


class _Feed:
    """From the reader to the process: input, its end, the size of the terminal."""

    def __init__(self, socket: ClientConnection, process: Connection, *, resize: Callable[[int, int], None]) -> None:
        self._socket = socket
        self._process = process
        self._resize = resize

    def run(self) -> None:
        try:
            for frame in self._socket:
                if isinstance(frame, bytes) and frame:
                    self._take(frame[0], frame[1:])
        except (WebSocketException, OSError):
            pass  # either end is gone; the other direction notices as well
        self._process.close()

    def _take(self, channel: int, data: bytes) -> None:
        if channel == reporting.STDIN:
            self._process.write(data)
        elif channel == reporting.CLOSE and data[:1] == bytes([reporting.STDIN]):
            self._process.end_input()
        elif channel == reporting.RESIZE:
            try:
                size = msgspec.json.decode(data, type=_Size)
            except msgspec.DecodeError:
                return
            self._resize(size.width, size.height)


def _when_closed(socket: ClientConnection, then: Callable[[], None]) -> None:
    def wait() -> None:
        try:
            for _ in socket:
                pass
        except (WebSocketException, OSError):
            pass
        then()

    threading.Thread(target=wait, name="stream-reader", daemon=True).start()


def _ended(exit_code: int | None) -> dict[str, Any]:
    if not exit_code:
        return {"status": "Success"}
    return {
        "status": "Failure",
        "reason": "NonZeroExitCode",
        "message": f"command terminated with non-zero exit code: exit status {exit_code}",
        "details": {"causes": [{"reason": "ExitCode", "message": str(exit_code)}]},
    }


def _failure(message: str, code: int) -> dict[str, Any]:
    reasons = {_NOT_FOUND: "NotFound", _BAD_REQUEST: "BadRequest", _BUSY: "ServiceUnavailable"}
    return {"status": "Failure", "reason": reasons.get(code, "InternalError"), "message": message, "code": code}


def _finish(socket: ClientConnection, status: dict[str, Any]) -> None:
    status = {"metadata": {}, **status}
    socket.send(bytes([reporting.ERROR]) + msgspec.json.encode(status))
