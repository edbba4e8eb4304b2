"""The README's use of kubectl as it is written there: each of its shell blocks, in order, with two versions.

Nothing is changed. Which version `kubectl` is, where the cluster listens and where it keeps its data come from the
environment. The oldest and the newest are taken; all are tried by tests/clients.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from tests import waiting
from tests.cli.processes import free_port
from tests.clients import programs
from tests.clients.programs import Kubectl
from tests.docs.reading import ROOT, blocks
from tests.system import terminals
from tests.system.terminals import FirstTerminal, SecondTerminal

pytestmark = pytest.mark.process

_FIRST_TERMINAL = "make up"
_NEW_IMAGE = "registry.example/web:2"


@dataclass(slots=True, kw_only=True)
class Session:
    """The person at both terminals, and the pods that they remember from earlier steps."""

    first: FirstTerminal
    second: SecondTerminal
    url: str
    home: Path
    remembered: set[str] = field(default_factory=set)

    def get(self, path: str) -> list[dict]:
        answer = httpx.get(f"{self.url}{path}", trust_env=False, timeout=terminals.DEADLINE_S)
        items: list[dict] = answer.raise_for_status().json()["items"]
        return items

    def pods(self) -> list[dict]:
        """Those of the shop that run and are not on their way out."""
        return [
            pod
            for pod in self.get("/api/v1/namespaces/shop/pods")
            if pod["status"]["phase"] == "Running" and "deletionTimestamp" not in pod["metadata"]
        ]

    def until(self, condition: Callable[[], object], what: str) -> None:
        waiting.until(condition, within_s=terminals.DEADLINE_S, what=what)


def _names(pods: list[dict]) -> set[str]:
    return {pod["metadata"]["name"] for pod in pods}


def _images(pods: list[dict]) -> set[str]:
    return {pod["spec"]["containers"][0]["image"] for pod in pods}


def _rows(said: str, *, name: str) -> list[list[str]]:
    """The cells of each printed row that begins with such a name."""
    return [line.split() for line in said.splitlines() if re.match(name, line)]


def starts(session: Session, said: str) -> None:
    kubeconfig = session.home / "kubeconfig"
    assert f"export KUBECONFIG={kubeconfig}" in said
    assert session.url.replace("localhost", "127.0.0.1") in kubeconfig.read_text()


def shows_three_nodes(session: Session, said: str) -> None:
    assert [row[0] for row in _rows(said, name="node-")] == ["node-1", "node-2", "node-3"]
    assert not (session.home.parent / ".kube" / "config").exists(), "a person's own kubeconfig is theirs"


def applies_the_file(session: Session, said: str) -> None:
    assert re.findall(r"^(\S+) created$", said, re.MULTILINE) == [
        "namespace/shop",
        "node/shop-1",
        "node/shop-2",
        "deployment.apps/web",
        "poddisruptionbudget.policy/web",
    ]
    assert "successfully rolled out" in said
    # name, ready, status, restarts, age, IP, node
    rows = _rows(said, name="web-")
    assert [row[1:3] for row in rows] == [["1/1", "Running"]] * 4
    assert {row[6] for row in rows} == {"shop-1", "shop-2"}
    assert len({row[5] for row in rows}) == 4, "each has an address"
    session.remembered = _names(session.pods())


def rolls_out(session: Session, said: str) -> None:
    assert "successfully rolled out" in said
    session.until(lambda: len(session.pods()) == 4, "four pods run")
    pods = session.pods()
    assert _images(pods) == {_NEW_IMAGE}
    assert not _names(pods) & session.remembered
    watched = _rows(said, name="web-")
    assert {row[0] for row in watched if row[2] == "Terminating"} <= session.remembered
    assert {row[0] for row in watched if row[2] in {"Pending", "ContainerCreating"}} <= _names(pods)
    assert {row[0] for row in watched} > session.remembered, "the watch told of pods that came"


def drains_a_node(session: Session, said: str) -> None:
    assert "node/shop-1 drained" in said
    evicted = set(re.findall(r"^pod/(web-\S+) evicted", said, re.MULTILINE))
    assert evicted
    session.until(lambda: len(session.pods()) == 4, "four pods run")
    pods = session.pods()
    assert {pod["spec"]["nodeName"] for pod in pods} == {"shop-2"}
    assert not evicted & _names(pods)
    session.remembered = _names(pods)


def tells_the_history(session: Session, said: str) -> None:
    # name, node, bound, ended, why_ended
    placements = [row for row in _rows(said, name="web-") if len(row) == 5]
    assert {row[0] for row in placements if row[3] == "-"} == session.remembered
    assert {row[1] for row in placements if row[4] == "Evicted"} == {"shop-1"}
    assert len([row for row in placements if row[4] == "ScaledDown"]) == 4
    # at, writer, type, name: one ReplicaSet for each image
    changes = [row for row in map(str.split, said.splitlines()) if len(row) == 4 and row[3].startswith("web-")]
    assert [row[2] for row in changes if row[1] == "deployment"].count("ADDED") == 2
    assert "replicaset" in {row[1] for row in changes}


def lets_it_take_pods_again(session: Session, said: str) -> None:
    assert "node/shop-1 uncordoned" in said
    (row,) = _rows(said, name="shop-1")
    assert row[1] == "Ready"
    assert _names(session.pods()) == session.remembered


def deletes_and_stops(session: Session, said: str) -> None:
    assert len(re.findall(r'^\S+ "\S+" deleted', said, re.MULTILINE)) == 5
    assert "stopped pid" in said
    assert session.first.ended() == 0


_STEPS: list[Callable[[Session, str], None]] = [
    starts,
    shows_three_nodes,
    applies_the_file,
    rolls_out,
    drains_a_node,
    tells_the_history,
    lets_it_take_pods_again,
    deletes_and_stops,
]


def _oldest_and_newest() -> list:
    found = programs.kubectls()
    ends = dict.fromkeys([found[0], found[-1]]) if found else [None]
    return [pytest.param(each, id=str(each or "no kubectl")) for each in ends]


@pytest.fixture(params=_oldest_and_newest())
def session(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Session]:
    program: Kubectl | None = request.param
    if program is None:
        pytest.skip(f"needs kubectl 1.{programs.OLDEST_MINOR} or later on PATH, or named by {programs.VARIABLE}")
    port = free_port()
    environ = terminals.environment(tmp_path, port=port, demo=False, database_url=None)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "kubectl").symlink_to(program.path)
    environ["PATH"] = f"{tmp_path / 'bin'}:{environ['PATH']}"
    home = Path(environ["HOME"]) / ".kuberklone"
    with terminals.two(terminals.checkout(tmp_path / "checkout"), environ) as (first, second):
        yield Session(first=first, second=second, url=f"http://localhost:{port}", home=home)


def test_kubectl_runs_as_the_readme_is_written(session: Session) -> None:
    written = [block.text for block in blocks(ROOT / "README.md", language="sh", section="Use kubectl")]
    for text, outcome in zip(written, _STEPS, strict=True):
        said = session.first.run(text) if text.strip() == _FIRST_TERMINAL else session.second.run(text)
        outcome(session, said)
