"""The far end of an agent's connection: answers what a test wants, and keeps what it was told."""

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import msgspec

from kuberklone.agent.link import Link


@dataclass(frozen=True, slots=True)
class Answer:
    status: int = 200
    body: Any = None


@dataclass
class RemoteApi:
    """Answers in turn; when none is left it accepts everything."""

    port: int
    answers: deque[Answer] = field(default_factory=deque)
    told: list[tuple[str, Any]] = field(default_factory=list)
    """Paths, and the messages that came to them."""

    def will(self, status: int, body: Any = None) -> None:
        self.answers.append(Answer(status, body))

    def refuse(self, status: int, kind: str, detail: str = "because", **more: Any) -> None:
        """Answer with a problem, as the API does."""
        self.will(status, {"type": f"urn:kuberklone:problem:{kind}", "detail": detail} | more)

    def messages(self, path: str) -> list[Any]:
        return [message for where, message in self.told if where.endswith(path)]


@contextmanager
def answering() -> Iterator[tuple[RemoteApi, Link]]:
    """An API that is only a test's word, and a connection to it."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers["content-length"]))
            api.told.append((self.path, msgspec.json.decode(raw)))
            self._answer()

        def do_GET(self) -> None:
            api.told.append((self.path.partition("?")[0], None))
            self._answer()

        def _answer(self) -> None:
            answer = api.answers.popleft() if api.answers else Answer()
            body = answer.body if isinstance(answer.body, bytes) else msgspec.json.encode(answer.body or {})
            self.send_response(answer.status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        api = RemoteApi(port=server.server_address[1])
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            with Link(f"http://127.0.0.1:{api.port}", token="kk.it.secret", tls=None) as link:
                yield api, link
        finally:
            server.shutdown()
            thread.join()
