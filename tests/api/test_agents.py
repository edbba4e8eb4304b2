"""What agents say and ask: with a real API, and with messages as an agent sends them."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import httpx
import pytest

from kuberklone.kinds.node import Node
from kuberklone.store import nodes, tokens
from kuberklone.store.transaction import write
from tests.api.running import Api
from tests.store import made

BOOT, SESSION = "boot-1", "session-1"


class Agent:
    """Speaks for one node."""

    def __init__(self, api: Api, node: Node) -> None:
        self.api = api
        self.node = node
        with write(api.store) as transaction:
            self.token = str(tokens.create_for_node(transaction, node.uid))
        self.http = httpx.Client(
            base_url=f"http://127.0.0.1:{api.port}/agent/v1",
            headers={"authorization": f"Bearer {self.token}"},
            trust_env=False,
            timeout=30,
        )

    def say(self, path: str, message: Any, *, status: int = 200) -> Any:
        answer = self.http.post(path, json=message)
        assert answer.status_code == status, answer.text
        return answer.json()

    def register(self, *, session: str = SESSION, boot: str = BOOT, status: int = 200, **more: Any) -> Any:
        return self.say("/register", {"boot_id": boot, "session": session, **more}, status=status)

    def report(self, *pods: dict[str, Any], session: str = SESSION, status: int = 200, **more: Any) -> Any:
        return self.say(
            "/report", {"session": session, "boot_id": BOOT, "pods": list(pods), **more}, status=status
        )

    def pods(self, **parameters: Any) -> Any:
        answer = self.http.get("/pods", params=parameters)
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest.fixture
def agent(api: Api) -> Iterator[Agent]:
    """The agent of node-1, which has registered."""
    (node,) = made.add_nodes(api.store, made.node(provider="docker"))
    made_agent = Agent(api, node)
    with closing(made_agent.http):
        made_agent.register()
        # It said what its machine is, so its record is another one by now.
        with api.store.snapshot() as connection:
            (made_agent.node,) = nodes.named(connection, [node.name])
        yield made_agent


def test_a_session_begins_with_a_beat(agent: Agent) -> None:
    said = agent.register(session="session-2")
    assert (said["node_name"], said["node_uid"], said["seq"]) == ("node-1", agent.node.uid, 2)
    print(said)
    print(agent.say("/beat", {"session": "session-2", "seq": 3}))
    pod = made.bound_pod(agent.api.store, agent.node, made.pod("web"))
    print(agent.pods())
    print(agent.report({"uid": pod.uid, "phase": "Running", "started_ago_ms": 5}, session="session-2"))
    print(agent.pods())
