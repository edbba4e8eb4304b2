"""The README's session as it is written there: each of its shell blocks, in order, against real processes.

One thing is changed: the port 8080 becomes a free one. `make up` gets `ARGS=--demo` from the environment where the
classroom's times are tried. Each step has an outcome that the README promises; it is waited for, never slept for.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from tests import waiting
from tests.cli.processes import free_port
from tests.docs.reading import ROOT, blocks
from tests.system import terminals
from tests.system.terminals import FirstTerminal, SecondTerminal

_PORT = "localhost:8080"
_FIRST_TERMINAL = "make up"
_NODES = ["node-1", "node-2", "node-3", "node-4"]
_PODS = ["pod-1", "pod-2", "pod-3", "pod-4"]


@dataclass(slots=True, kw_only=True)
class Session:
    """The person at both terminals, and what they remember from earlier steps."""

    first: FirstTerminal
    second: SecondTerminal
    url: str
    # Silence, patience and the back-off before a restart, and the time of a busy machine.
    patience_s: float
    remembered: dict[str, tuple] = field(default_factory=dict)

    def get(self, path: str) -> list[dict]:
        answer = httpx.get(f"{self.url}{path}", trust_env=False, timeout=terminals.DEADLINE_S)
        items: list[dict] = answer.raise_for_status().json()["items"]
        return items

    def until(self, condition: Callable[[], object], what: str) -> None:
        waiting.until(condition, within_s=self.patience_s, what=what)

    def nodes(self, status: str) -> list[str]:
        return sorted(node["name"] for node in self.get("/nodes") if node["status"] == status)

    def where_pods_run(self) -> dict[str, str]:
        return {pod["name"]: pod["node"] for pod in self.get("/pods") if pod["status"] == "Running"}

    def has_left_node_1(self) -> bool:
        where = self.where_pods_run()
        return sorted(where) == _PODS and "node-1" not in where.values()

    def everything(self) -> tuple:
        """What must survive: who exists, where it runs, and that it runs."""
        nodes = [(node["name"], node["uid"], node["status"], node["restarts"]) for node in self.get("/nodes")]
        pods = [(pod["name"], pod["uid"], pod["status"], pod["node"]) for pod in self.get("/pods")]
        return sorted(nodes), sorted(pods)


def _answers(said: str) -> list[dict]:
    """The JSON documents that were printed first, whether or not a line ends between them."""
    decoder, found, at = json.JSONDecoder(), [], 0
    while said[at:].lstrip().startswith("{"):
        document, at = decoder.raw_decode(said, said.index("{", at))
        found.append(document)
    return found


def starts(session: Session, said: str) -> None:
    assert session.url.replace("localhost", "127.0.0.1") in said
    assert "fail-node node-1" in said


def shows_three_nodes(session: Session, said: str) -> None:
    assert [name for name in _NODES if name in said] == _NODES[:3]
    session.until(lambda: session.nodes("Ready") == _NODES[:3], "three nodes are Ready")


def adds_a_node(session: Session, said: str) -> None:
    added, listed = _answers(said)
    assert (added["name"], added["cpus"]) == ("node-4", 4)
    assert sorted(node["name"] for node in listed["items"]) == _NODES
    session.until(lambda: session.nodes("Ready") == _NODES, "four nodes are Ready")


def adds_four_pods(session: Session, said: str) -> None:
    added, listed = _answers(said)
    assert [pod["name"] for pod in added["items"]] == _PODS
    assert sorted(pod["name"] for pod in listed["items"]) == _PODS
    session.until(lambda: sorted(session.where_pods_run()) == _PODS, "four pods run")
    assert set(session.where_pods_run().values()) == set(_NODES), "load is spread"
    session.remembered["uids"] = tuple(pod["uid"] for pod in session.get("/pods") if pod["node"] == "node-1")


def fails_a_node(session: Session, said: str) -> None:
    (answer,) = _answers(said)
    assert answer["not_ready_by"] < answer["pods_move_by"]
    assert answer["not_ready_by"] < answer["restart_at"]
    session.until(session.has_left_node_1, "its pods run on other nodes")


def shows_them_moved(session: Session, said: str) -> None:
    (listed,) = _answers(said)
    pods = listed["items"]
    assert sorted(pod["name"] for pod in pods if pod["status"] == "Running" and pod["node"] != "node-1") == _PODS
    assert not {pod["uid"] for pod in pods} & set(session.remembered["uids"]), "a pod that moves is a new pod"
    assert "NodeNotReady" in said
    assert "Evicted" in said
    session.until(lambda: session.nodes("Ready") == _NODES, "the failed node has been restarted")
    assert [node["restarts"] for node in session.get("/nodes") if node["name"] == "node-1"] == [1]
    session.remembered["everything"] = session.everything()


def kills_everything(session: Session, _said: str) -> None:
    assert session.first.ended() != 0
    session.until(lambda: not _is_answered(session.url), "nobody answers")


def starts_again(session: Session, _said: str) -> None:
    session.until(lambda: _is_answered(session.url), "it answers")


def is_as_it_was(session: Session, said: str) -> None:
    nodes, pods = _answers(said)
    assert sorted(node["name"] for node in nodes["items"]) == _NODES
    assert sorted(pod["name"] for pod in pods["items"]) == _PODS
    assert session.everything() == session.remembered["everything"]


def tells_the_history(session: Session, said: str) -> None:
    where_now = session.where_pods_run()
    rows = [line.split() for line in said.splitlines()]
    # name, node, bound, ended, why_ended
    placements = [row for row in rows if len(row) == 5 and row[0] in _PODS]
    assert len(placements) == 5
    assert [row[1] for row in placements if row[4] == "NodeUnreachable"] == ["node-1"]
    assert {row[0]: row[1] for row in placements if row[3] == "-"} == where_now
    # at, writer, type, name
    assert {tuple(row[1:]) for row in rows if len(row) == 4} >= {
        ("up", "ADDED", "node-1"),
        ("api", "ADDED", "node-4"),
        ("node_health", "MODIFIED", "node-1"),
    }


def asks_the_file(session: Session, said: str) -> None:
    rows = sorted(line.split("|") for line in said.splitlines() if "|" in line)
    free = {node["name"]: node["cpus_free"] for node in session.get("/nodes")}
    assert {name: float(cpus) for name, _, cpus in rows} == free


def stops(session: Session, said: str) -> None:
    assert "stopped pid" in said
    assert session.first.ended() == 0


_STEPS: list[Callable[[Session, str], None]] = [
    starts,
    shows_three_nodes,
    adds_a_node,
    adds_four_pods,
    fails_a_node,
    shows_them_moved,
    kills_everything,
    starts_again,
    is_as_it_was,
    tells_the_history,
    asks_the_file,
    stops,
]


def _is_answered(url: str) -> bool:
    try:
        return httpx.get(f"{url}/livez", trust_env=False, timeout=terminals.DEADLINE_S).is_success
    except httpx.TransportError:
        return False


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture(
    params=[
        pytest.param((True, False), id="demo"),
        pytest.param((False, False), id="default times"),
        pytest.param((True, True), id="demo on Postgres"),
    ]
)
def session(request: pytest.FixtureRequest, tmp_path: Path, port: int) -> Iterator[Session]:
    demo, on_postgres = request.param
    database_url = str(request.getfixturevalue("postgres_url")) if on_postgres else None
    environ = terminals.environment(tmp_path, port=port, demo=demo, database_url=database_url)
    with terminals.two(terminals.checkout(tmp_path / "checkout"), environ) as (first, second):
        yield Session(first=first, second=second, url=f"http://localhost:{port}", patience_s=60.0 if demo else 150.0)


def test_the_readme_session_runs_as_written(session: Session, port: int, request: pytest.FixtureRequest) -> None:
    on_postgres = "Postgres" in request.node.callspec.id
    written = [block.text for block in blocks(ROOT / "README.md", language="sh", section="A session")]
    for text, outcome in zip(written, _STEPS, strict=True):
        if on_postgres and outcome is asks_the_file:
            continue  # There is no file to ask.
        if text.strip() == _FIRST_TERMINAL:
            said = session.first.run(text)
        else:
            said = session.second.run(text.replace(_PORT, f"localhost:{port}"))
        outcome(session, said)
