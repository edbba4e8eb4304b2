"""An agent that really joined: all its threads in the test's own process, an API with TLS, and a real engine."""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from kuberklone.agent.kept import Directory
from kuberklone.agent.link import Link
from kuberklone.agent.membership import Entrance
from kuberklone.agent.options import Options
from kuberklone.agent.process import Agent, identify
from kuberklone.engine import connection
from kuberklone.errors import KuberkloneError
from kuberklone.kinds import token
from kuberklone.kinds.node import Node
from kuberklone.kinds.pod import Pod
from kuberklone.store import nodes, pods
from tests.agent.node_on_engine import WITHIN_S
from tests.api.running import Api
from tests.engine import IMAGE, SOCKET, TIMEOUT_S
from tests.store import made
from tests.waiting import until

Answer = TypeVar("Answer")


@dataclass
class Joined:
    """The machine and its cluster."""

    api: Api
    node_name: str
    cluster: str
    failures: list[Exception] = field(default_factory=list)

    def node(self) -> Node:
        with self.api.store.snapshot() as connection_:
            (found,) = nodes.named(connection_, [self.node_name])
        return found

    def add(self, *command: str, moves: bool = True, **body: Any) -> Pod:
        """A pod that the scheduler has bound to the node; `moves` if it is started elsewhere when the node is lost."""
        wanted = {"cpus": 0.1, "image": IMAGE, "command": list(command)} | body
        name = self.api.post("/add_pod", wanted)["name"]
        if not moves:
            made.change_pod(self.api.store, self.pod(name), on_node_failure="Delete")
        # The node's record changes when its agent registers, and then the binding is lost, as a scheduler's would be.
        self.until(lambda: made.bind(self.api.store, self.node(), [self.pod(name)]), f"{name} is bound")
        return self.pod(name)

    def pod(self, name: str) -> Pod:
        found = self.find(name)
        assert found is not None
        return found

    def find(self, name: str) -> Pod | None:
        with self.api.store.snapshot() as connection_:
            return pods.named(connection_, "default", name)

    def until(self, condition: Callable[[], Answer | None], what: str) -> Answer:
        return until(condition, within_s=WITHIN_S, what=what)

    def until_it_is(self, name: str, **columns: Any) -> Pod:
        def fits() -> Pod | None:
            found = self.find(name)
            return found if found and all(getattr(found, each) == value for each, value in columns.items()) else None

        return self.until(fits, f"{name} is {columns}; it is {self.find(name)}")


def options(api: Api, folder: Path) -> Options:
    """Those of a machine that joins with a token that was just made."""
    text = api.post("/add_token", {})["token"]
    return Options(
        server=f"https://127.0.0.1:{api.tls_port}",
        token=token.parse(text),
        state_dir=folder,
        docker_socket=SOCKET,
        pause_image=IMAGE,
        cpus="4",
        memory="4Gi",
    )


@contextmanager
def running(api: Api, wanted: Options, *, engine_s: float = TIMEOUT_S) -> Iterator[Joined]:
    """Joins, or comes back, and runs until the end of the block or until it cannot go on."""
    stop = threading.Event()
    with ExitStack() as stack:
        engine = connection.connect(wanted.docker_socket, timeout_s=engine_s)
        stack.callback(engine.close)
        kept = Directory(wanted.state_dir)
        stack.callback(kept.close)
        entrance = Entrance(wanted, kept, stop=stop)
        tls = entrance.tls()
        identity = identify(wanted, engine, kept, entrance, tls)
        link = stack.enter_context(Link(wanted.server, token=identity.token, tls=tls))
        joined = Joined(api=api, node_name=identity.node_name, cluster=identity.cluster)
        agent = Agent(wanted, identity, engine=engine, link=link, kept=kept, keeper=None)

        def run() -> None:
            try:
                agent.run(stop)
            except KuberkloneError as error:
                joined.failures.append(error)

        thread = threading.Thread(target=run, name="agent")
        thread.start()
        try:
            yield joined
        finally:
            stop.set()
            thread.join()
