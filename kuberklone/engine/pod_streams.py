"""What goes into and comes out of a pod's containers: their logs, commands run inside them, their own terminals."""

import socket
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import urlencode, urlsplit

from msgspec import json

from kuberklone.engine.connection import Engine
from kuberklone.errors import EngineError, EngineTimeout

STDOUT, STDERR = 1, 2

# How long an engine may take to open a connection; what then comes through it may take as long as it likes.
_OPEN_S = 20.0
_PIECE_BYTES = 32 * 1024
_HEADERS_BYTES_MAX = 64 * 1024
_FRAME_HEADER_BYTES = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class LogPart:
    follow: bool = False
    tail_lines: int | None = None
    since_s: int | None = None
    """A moment, in seconds since 1970."""
    timestamps: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    words: list[str]
    stdin: bool = False
    tty: bool = False


class Connection:
    """Both directions of a process inside a container, or its log. Each may be used by a thread of its own."""

    def __init__(self, channel: socket.socket, *, received: bytes, tty: bool) -> None:
        self._channel = channel
        self._received = received
        self._tty = tty

    def read(self) -> Iterator[tuple[int, bytes]]:
        """What it writes, as (STDOUT or STDERR, piece), until it ends or `close`."""
        if self._tty:
            while piece := self._receive():
                yield STDOUT, piece
            return
        while len(header := self._exactly(_FRAME_HEADER_BYTES)) == _FRAME_HEADER_BYTES:
            left = int.from_bytes(header[4:], "big")
            while left and (piece := self._receive(left)):
                left -= len(piece)
                yield header[0], piece

    def write(self, data: bytes) -> None:
        self._channel.sendall(data)

    def end_input(self) -> None:
        """Nothing more will be written: what the process reads ends."""
        self._channel.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        # Wakes a thread that waits in `read`, which closing alone would not; the engine may have been first.
        with suppress(OSError):
            self._channel.shutdown(socket.SHUT_RDWR)
        self._channel.close()

    def _receive(self, most: int = _PIECE_BYTES) -> bytes:
        if self._received:
            piece, self._received = self._received[:most], self._received[most:]
            return piece
        try:
            return self._channel.recv(min(most, _PIECE_BYTES))
        except TimeoutError as error:
            raise EngineTimeout("the Docker Engine stopped in the middle of a log") from error
        except OSError:
            return b""  # closed by us or by the engine

    def _exactly(self, count: int) -> bytes:
        gathered = b""
        while len(gathered) < count and (piece := self._receive(count - len(gathered))):
            gathered += piece
        return gathered


class PodStreams:
    """Opens streams to containers by their ids."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._api = engine.api

    def log(self, container_id: str, part: LogPart) -> Connection:
        """What the container wrote; `close` by another thread ends it."""
        with self._engine.asked("read a container's log"):
            found: dict[str, Any] = self._api.inspect_container(container_id)
        wanted = {
            "stdout": 1,
            "stderr": 1,
            "follow": int(part.follow),
            "timestamps": int(part.timestamps),
            "tail": "all" if part.tail_lines is None else part.tail_lines,
            **({} if part.since_s is None else {"since": part.since_s}),
        }
        path = f"/containers/{container_id}/logs?{urlencode(wanted)}"
        # Version 1.0 of HTTP, in which the body is all that comes until the connection ends.
        request = f"GET /v{self._api.api_version}{path} HTTP/1.0\r\nHost: docker\r\n\r\n"
        tty = bool(found["Config"].get("Tty"))
        # Whoever follows waits for the container; else the engine has it all and only has to send it.
        return self._connection(request.encode(), tty=tty, silence_s=None if part.follow else _OPEN_S)

    def prepare(self, container_id: str, command: Command) -> str:
        """A command inside the container, not started yet; returns its id."""
        with self._engine.asked("run a command in a container"):
            made = self._api.exec_create(container_id, command.words, stdin=command.stdin, tty=command.tty)
        return cast(str, made["Id"])

    def start(self, exec_id: str, *, tty: bool) -> Connection:
        return self._open(f"/exec/{exec_id}/start", {"Detach": False, "Tty": tty}, tty=tty)

    def exit_code(self, exec_id: str) -> int | None:
        with self._engine.asked("look how a command ended"):
            found: dict[str, Any] = self._api.exec_inspect(exec_id)
        return cast(int | None, found["ExitCode"])

    def attach(self, container_id: str, *, stdin: bool, tty: bool) -> Connection:
        """The container's own input and output, from now on."""
        wanted = urlencode({"stream": 1, "stdin": int(stdin), "stdout": 1, "stderr": 1})
        return self._open(f"/containers/{container_id}/attach?{wanted}", {}, tty=tty)

    def resize(self, *, width: int, height: int, exec_id: str = "", container_id: str = "") -> None:
        """Tell a terminal its size: of a command, or of the container."""
        with self._engine.asked("resize a terminal"):
            if exec_id:
                self._api.exec_resize(exec_id, height=height, width=width)
            else:
                self._api.resize(container_id, height, width)

    def _open(self, path: str, body: Mapping[str, object], *, tty: bool) -> Connection:
        """A connection that becomes the process's own.

        Not the SDK's, which loses what the engine sends together with its headers.
        """
        content = json.encode(body)
        request = (
            f"POST /v{self._api.api_version}{path} HTTP/1.1\r\nHost: docker\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
        )
        return self._connection(request.encode() + content, tty=tty, silence_s=None)

    def _connection(self, request: bytes, *, tty: bool, silence_s: float | None) -> Connection:
        with self._engine.asked("open a stream to a container"):
            channel = _connected(self._engine.socket)
            try:
                channel.sendall(request)
                head, received = _headers(channel)
                _check(head, received)
            except BaseException:
                channel.close()
                raise
            channel.settimeout(silence_s)
        return Connection(channel, received=received, tty=tty)


def _connected(address: str) -> socket.socket:
    parts = urlsplit(address)
    if parts.scheme == "unix":
        channel = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        channel.settimeout(_OPEN_S)
        channel.connect(parts.path)
        return channel
    return socket.create_connection((parts.hostname or "", parts.port or 2375), timeout=_OPEN_S)


def _headers(channel: socket.socket) -> tuple[bytes, bytes]:
    """What comes before the empty line, and what was received behind it."""
    gathered = b""
    while b"\r\n\r\n" not in gathered:
        piece = channel.recv(_PIECE_BYTES)
        if not piece or len(gathered) > _HEADERS_BYTES_MAX:
            raise ConnectionError("the engine ended the connection")
        gathered += piece
    head, _, received = gathered.partition(b"\r\n\r\n")
    return head, received


def _check(head: bytes, received: bytes) -> None:
    status = head.split(b" ", 2)[1:2]
    if status not in ([b"101"], [b"200"]):
        raise EngineError(f"the engine refused a stream: {received.decode(errors='replace').strip()[:1000]}")
