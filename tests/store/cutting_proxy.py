"""Stands between a program and its Postgres, and cuts the connection at the COMMIT it is told to cut."""

import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Literal

Cut = Literal["before", "after", "late"]
_BYTES = 65536


class Proxy:
    """Passes everything on until `cut` is set; then the next COMMIT ends its connection.

    `before`: the COMMIT never reaches the server. `after`: the server has answered it, but nobody hears the answer.
    `late`: the program sees a broken connection at once, and the COMMIT arrives when `deliver` is set.
    """

    def __init__(self, server: Path) -> None:
        self._server = server
        self.cut: Cut | None = None
        self.deliver = threading.Event()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    def close(self) -> None:
        # Closing alone does not wake a thread that waits in accept.
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._accepting.join()
        self._listening.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        server = socket.socket(socket.AF_UNIX)
        server.connect(str(self._server))
        pair = _Pair(client, server)
        threading.Thread(target=pair.pass_answers, daemon=True).start()
        with suppress(OSError):
            while wish := client.recv(_BYTES):
                if self.cut is not None and b"COMMIT" in wish:
                    cut, self.cut = self.cut, None
                    if cut == "before":
                        break
                    pair.is_deaf = True
                    if cut == "late":
                        client.shutdown(socket.SHUT_RDWR)
                        self.deliver.wait()
                server.sendall(wish)
            if pair.is_deaf:
                pair.answered.wait()
        pair.close()


class _Pair:
    def __init__(self, client: socket.socket, server: socket.socket) -> None:
        self._client = client
        self._server = server
        self.is_deaf = False
        self.answered = threading.Event()

    def pass_answers(self) -> None:
        with suppress(OSError):
            while answer := self._server.recv(_BYTES):
                if self.is_deaf:
                    self.answered.set()
                    break
                self._client.sendall(answer)
        self.answered.set()
        self.close()

    def close(self) -> None:
        for end in (self._client, self._server):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()


@contextmanager
def running(server: Path) -> Iterator[Proxy]:
    with closing(Proxy(server)) as proxy:
        yield proxy
