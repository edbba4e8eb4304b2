"""The other end of the agents' protocol: says what an agent says, as far as a test needs it."""

import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
from websockets.sync.client import ClientConnection, connect

from kuberklone.kinds.node import Node
from kuberklone.kinds.reporting import ERROR, STDOUT
from kuberklone.store import nodes, tokens
from kuberklone.store.transaction import write
from tests.api.running import Api
from tests.store import made
from tests.waiting import until

BOOT, SESSION = "boot-1", "session-1"


@dataclass(slots=True)
class RemoteAgent:
    """Speaks for one node."""

    api: Api
    node: Node
    token: str
    http: httpx.Client
    streams: list[dict[str, Any]] = field(default_factory=list)
    """The requests for streams that it was told of."""

    def say(self, path: str, message: Any, *, status: int = 200) -> Any:
        answer = self.http.post(path, json=message)
        assert answer.status_code == status, answer.text
        return answer.json()

    def register(self, *, session: str = SESSION, boot: str = BOOT, status: int = 200, **more: Any) -> Any:
        said = self.say("/register", {"boot_id": boot, "session": session, **more}, status=status)
        # It said what its machine is, so its record is another one by now.
        with self.api.store.snapshot() as connection:
            (self.node,) = nodes.with_uids(connection, [self.node.uid])
        return said

    def report(self, *pods: dict[str, Any], session: str = SESSION, status: int = 200, **more: Any) -> Any:
        return self.say("/report", {"session": session, "boot_id": BOOT, "pods": list(pods), **more}, status=status)

    def pods(self, **parameters: Any) -> Any:
        answer = self.http.get("/pods", params=parameters)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def connect(self, stream_id: str) -> ClientConnection:
        return connect(
            f"ws://127.0.0.1:{self.api.port}/agent/v1/streams/{stream_id}",
            additional_headers={"Authorization": f"Bearer {self.token}"},
            proxy=None,
        )

    @contextmanager
    def answering(self, answer: Callable[[ClientConnection, dict[str, Any]], None]) -> Iterator[None]:
        """Meanwhile, wait for the next stream that somebody asks for, connect, and let `answer` do the rest."""
        after = self.pods()["revision"]

        def serve() -> None:
            # An answer may come before there is news.
            told = until(lambda: self.pods(after=after, wait=5)["streams"], within_s=15, what="a stream is asked for")
            self.streams += told
            for wanted in told:
                with self.connect(wanted["id"]) as connection:
                    answer(connection, wanted)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield
        finally:
            thread.join()


def frame(text: str, channel: int = STDOUT) -> bytes:
    return bytes([channel]) + text.encode()


def failure(message: str, code: int) -> bytes:
    return frame(f'{{"status":"Failure","message":"{message}","code":{code}}}', ERROR)


@contextmanager
def speaking(api: Api, name: str = "node-1", *, registers: bool = True) -> Iterator[RemoteAgent]:
    """The agent of a new node."""
    (node,) = made.add_nodes(api.store, made.node(name, provider="docker", boot_id=BOOT))
    with write(api.store) as transaction:
        token = str(tokens.create_for_node(transaction, node.uid))
    http = httpx.Client(
        base_url=f"http://127.0.0.1:{api.port}/agent/v1",
        headers={"authorization": f"Bearer {token}"},
        trust_env=False,
        timeout=30,
    )
    with closing(http):
        agent = RemoteAgent(api=api, node=node, token=token, http=http)
        if registers:
            agent.register()
        yield agent
