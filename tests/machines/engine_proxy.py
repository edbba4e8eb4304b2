"""A socket between us and a Docker Engine that can fail as engines do: hang, answer 500, do what it is asked and say
nothing. To us it is the engine; the engine behind it stays well."""

import os
import selectors
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from enum import Enum, auto
from pathlib import Path

_CHUNK = 65_536
# How soon a connection notices that the mode has changed.
_LOOK_S = 0.05
_BROKEN = b'{"message":"the disk is on fire"}\n'
_ANSWER_500 = (
    b"HTTP/1.1 500 Internal Server Error\r\nContent-Type: application/json\r\nConnection: close\r\n"
    b"Content-Length: " + str(len(_BROKEN)).encode() + b"\r\n\r\n" + _BROKEN
)


class Mode(Enum):
    WELL = auto()
    HUNG = auto()
    """Connections are accepted and nothing is answered any more."""
    BROKEN = auto()
    """Everything is answered with 500."""


class EngineProxy:
    """Forwards every connection, in the way that `mode` says at each moment."""

    def __init__(self, path: Path, engine: str) -> None:
        self.path = path
        self._engine = engine
        self.mode = Mode.WELL
        self._deaf_to: bytes | None = None
        self.lost = threading.Event()
        """Whether the answer of `lose_next` was lost."""
        self._ending = threading.Event()
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(str(path))
        # Whoever may use the engine may use this: agents in containers come as somebody else, through the group.
        os.chown(path, -1, Path(engine).stat().st_gid)
        path.chmod(0o660)
        self._listening.listen(128)
        self._listening.settimeout(_LOOK_S)
        self._threads = [threading.Thread(target=self._accept, name="engine proxy")]
        self._threads[0].start()

    @property
    def address(self) -> str:
        return f"unix://{self.path}"

    def lose_next(self, request: str) -> None:
        """Forward the next request that begins so (`POST /v1.41/containers/create`), and keep its answer for ever."""
        self.lost.clear()
        self._deaf_to = request.encode()

    def close(self) -> None:
        self._ending.set()
        for thread in self._threads:
            thread.join()
        self._listening.close()
        self.path.unlink(missing_ok=True)

    def _accept(self) -> None:
        while not self._ending.is_set():
            with suppress(TimeoutError):
                client, _ = self._listening.accept()
                thread = threading.Thread(target=self._serve, args=(client,), name="engine proxy connection")
                self._threads.append(thread)
                thread.start()

    def _serve(self, client: socket.socket) -> None:
        with closing(client), closing(socket.socket(socket.AF_UNIX)) as engine, suppress(OSError):
            engine.connect(self._engine)
            self._forward(client, engine)

    def _forward(self, client: socket.socket, engine: socket.socket) -> None:
        deaf = False
        with selectors.DefaultSelector() as ready:
            ready.register(client, selectors.EVENT_READ, engine)
            ready.register(engine, selectors.EVENT_READ, client)
            while not self._ending.is_set():
                for key, _ in ready.select(_LOOK_S):
                    if self.mode is Mode.HUNG:
                        # What has come stays where it is; a moment later it is looked at again.
                        self._ending.wait(_LOOK_S)
                        continue
                    source = key.fileobj
                    assert isinstance(source, socket.socket)
                    chunk = source.recv(_CHUNK)
                    if not chunk:
                        return
                    if source is client and self.mode is Mode.BROKEN:
                        client.sendall(_ANSWER_500)
                        return
                    if source is client and self._is_to_be_lost(chunk):
                        deaf = True
                    if source is engine and deaf:
                        self.lost.set()
                        continue
                    target = key.data
                    assert isinstance(target, socket.socket)
                    target.sendall(chunk)

    def _is_to_be_lost(self, chunk: bytes) -> bool:
        if self._deaf_to is None or not chunk.startswith(self._deaf_to):
            return False
        self._deaf_to = None
        return True


@contextmanager
def running(path: Path, engine: str) -> Iterator[EngineProxy]:
    """A proxy at `path` before the engine's socket `engine`."""
    proxy = EngineProxy(path, engine)
    try:
        yield proxy
    finally:
        proxy.close()
