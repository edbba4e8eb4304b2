"""The README's real nodes as they are written there: each shell block, in order, against a real engine.

Only where the cluster listens and keeps its data differs, and its times: as short as a busy machine allows.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from kuberklone.engine import labels
from kuberklone.engine.connection import Engine
from kuberklone.store import identity
from kuberklone.store.database import Store
from tests import waiting
from tests.cli.processes import free_port
from tests.docs.reading import ROOT, blocks
from tests.engine import cgroups, containers, engine, networks, remove_all  # noqa: F401 - a fixture
from tests.machines.cluster import TIMES
from tests.system import terminals
from tests.system.terminals import FirstTerminal, SecondTerminal

pytestmark = [pytest.mark.process, pytest.mark.timeout(600)]

_FIRST_TERMINAL = "make up"
_MADE_WITHIN_S = 240.0
_CONVERGED_WITHIN_S = 120.0
_NODES = ["node-1", "node-2", "node-3"]
_PODS = [f"clock-{number}" for number in range(1, 7)]


@dataclass(slots=True, kw_only=True)
class Session:
    """The person at both terminals, what the engine knows, and what is remembered from earlier steps."""

    first: FirstTerminal
    second: SecondTerminal
    url: str
    home: Path
    engine: Engine
    left_node_1: set[str] = field(default_factory=set)

    def get(self, path: str) -> list[dict]:
        answer = httpx.get(f"{self.url}{path}", trust_env=False, timeout=terminals.DEADLINE_S)
        items: list[dict] = answer.raise_for_status().json()["items"]
        return items

    def until(self, condition: Callable[[], object], what: str) -> None:
        waiting.until(condition, within_s=_CONVERGED_WITHIN_S, what=what)

    def all_ready(self) -> bool:
        return sorted(node["name"] for node in self.get("/nodes") if node["status"] == "Ready") == _NODES

    def where_pods_run(self) -> dict[str, str]:
        return {pod["name"]: pod["node"] for pod in self.get("/pods") if pod["status"] == "Running"}

    def has_left_node_1(self) -> bool:
        where = self.where_pods_run()
        return sorted(where) == _PODS and "node-1" not in {where[name] for name in self.left_node_1}

    def cluster_id(self) -> str | None:
        """None before there is a cluster."""
        if not (self.home / "kuberklone.db").exists():
            return None
        store = Store(f"sqlite:///{self.home / 'kuberklone.db'}", writer="test")
        try:
            with store.snapshot() as connection:
                return identity.cluster_id(connection)
        finally:
            store.close()

    def running(self, role: labels.Role) -> list[str]:
        """The containers of the cluster that the engine runs."""
        cluster = self.cluster_id()
        assert cluster is not None
        return sorted(
            each["Id"]
            for each in containers(self.engine, cluster)
            if each["State"] == "running" and each["Labels"][labels.ROLE] == role
        )


def makes_images(session: Session, _said: str) -> None:
    for image in ("kuberklone:latest", "kuberklone-pause:latest"):
        assert session.engine.api.images(name=image), image


def starts(session: Session, said: str) -> None:
    assert session.url.replace("localhost", "127.0.0.1") in said
    assert f"docker kill kuberklone-{session.cluster_id()}-node-1" in said
    session.until(session.all_ready, "three nodes are Ready")


def adds_pods(session: Session, said: str) -> None:
    assert [name for name in _PODS if name in said] == _PODS
    session.until(lambda: sorted(session.where_pods_run()) == _PODS, "all pods run")
    assert set(session.where_pods_run().values()) == set(_NODES), "load is spread"
    session.until(lambda: _ticks(session.second.run("kuberklone logs clock-1")) >= 3, "clock-1 has written three lines")
    session.until(lambda: len(_answered(session, "SELECT name FROM v_usage")) == 9, "all have been measured")


def shows_them(session: Session, said: str) -> None:
    assert [name for name in _PODS if name in said] == _PODS
    assert _ticks(said) == 3


def tells_use(session: Session, said: str) -> None:
    rows = [line.split() for line in said.splitlines()]
    used = {row[1]: int(row[4]) for row in rows if len(row) == 5 and row[0] in ("Node", "Pod")}
    assert sorted(used) == sorted(_NODES + _PODS)
    assert min(used.values()) > 0, "whatever runs takes memory"
    version = session.engine.api.version()["Version"]
    assert [row[0] for row in rows if len(row) == 4 and row[2] == version] == _NODES


def kills_a_node(session: Session, said: str) -> None:
    assert f"kuberklone-{session.cluster_id()}-node-1" in said
    session.left_node_1 = {pod["name"] for pod in session.get("/pods") if pod["node"] == "node-1"}
    assert session.left_node_1
    session.until(session.has_left_node_1, "its pods run on other nodes")
    session.until(session.all_ready, "the node has been restarted")


def tells_what_happened(session: Session, said: str) -> None:
    rows = [line.split() for line in said.splitlines()]
    nodes = [row for row in rows if len(row) == 4 and row[0] in _NODES]
    assert [row[:3] for row in nodes] == [[name, "Ready", "docker"] for name in _NODES]
    assert int(nodes[0][3]) >= 1, "node-1 was restarted"
    placements = [row for row in rows if len(row) == 5 and row[0] in _PODS]
    ended = {(row[0], row[1]) for row in placements if row[4] == "NodeUnreachable"}
    assert {(name, "node-1") for name in session.left_node_1} <= ended
    assert {row[0]: row[1] for row in placements if row[3] == "-"} == session.where_pods_run()
    _interrupts(session)


def _interrupts(session: Session) -> None:
    """What the README says about Ctrl-C and the next `up`, which has no block of its own."""
    nodes = session.running("node")
    assert len(nodes) == len(_NODES)
    session.first.interrupt()
    session.first.ended()
    assert session.running("node") == nodes, "Ctrl-C leaves the nodes"
    session.until(lambda: not session.running("pod"), "the pods have stopped at the end of the grant")
    session.first.run(_block("make up"))
    session.until(session.all_ready, "the nodes are heard again")
    session.until(lambda: len(session.running("pod")) == len(_PODS), "the pods run again")
    session.until(lambda: sorted(session.where_pods_run()) == _PODS, "the cluster knows")
    assert session.running("node") == nodes, "the next `up` takes them over"


def stops(session: Session, said: str) -> None:
    assert "stopped pid" in said
    session.first.ended()
    cluster = session.cluster_id()
    assert cluster is not None
    assert (containers(session.engine, cluster), networks(session.engine, cluster), cgroups(cluster)) == ([], [], [])


_STEPS: list[Callable[[Session, str], None]] = [
    makes_images,
    starts,
    adds_pods,
    shows_them,
    tells_use,
    kills_a_node,
    tells_what_happened,
    stops,
]


def _ticks(said: str) -> int:
    return [line.strip() for line in said.splitlines()].count("tick")


def _answered(session: Session, question: str) -> list[dict]:
    rows: list[dict] = json.loads(session.second.run(f'kuberklone sql --json "{question}"'))
    return rows


def _written() -> list[str]:
    return [block.text for block in blocks(ROOT / "README.md", language="sh", section="Real nodes")]


def _block(start: str) -> str:
    (found,) = [text for text in _written() if text.startswith(start)]
    return found


@pytest.fixture
def session(engine: Engine, tmp_path: Path) -> Iterator[Session]:  # noqa: F811 - the fixture
    port = free_port()
    environ = terminals.environment(tmp_path, port=port, demo=False, database_url=None) | {
        "KUBERKLONE_TLS_PORT": str(free_port()),
        "KUBERKLONE_DOCKER_SOCKET": engine.socket,
        **{f"KUBERKLONE_{name}": value for name, value in TIMES.items()},
    }
    home = Path(environ["HOME"]) / ".kuberklone"
    with terminals.two(terminals.checkout(tmp_path / "checkout", with_images=True), environ) as (first, second):
        session = Session(first=first, second=second, url=f"http://localhost:{port}", home=home, engine=engine)
        yield session
    # Only once nobody makes any more; nothing is left of a test that succeeds.
    if (cluster := session.cluster_id()) is not None:
        remove_all(engine, cluster)


def test_the_readmes_real_nodes_run_as_written(session: Session) -> None:
    for text, outcome in zip(_written(), _STEPS, strict=True):
        if text.startswith(_FIRST_TERMINAL):
            said = session.first.run(text)
        else:
            said = session.second.run(text, within_s=_MADE_WITHIN_S)
        outcome(session, said)
