"""A cluster of real processes for real clients, shared by all their tests; each test has a namespace of its own."""

import itertools
import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from tests import waiting
from tests.cli import processes
from tests.clients import programs
from tests.clients.programs import Kubectl

# Two cores are shared with everything else that is being tested; clients of our own time out at half a minute.
DEADLINE_S = 60.0
# A command that runs longer waits for something that does not come.
COMMAND_S = 90

_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    port: int
    home: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def kubeconfig(self) -> Path:
        """Written by `kuberklone up`."""
        return self.home / "kubeconfig"

    def get(self, path: str) -> dict:
        answer = httpx.get(f"{self.url}{path}", trust_env=False, timeout=DEADLINE_S)
        document: dict = answer.raise_for_status().json()
        return document

    def create(self, path: str, document: dict) -> dict:
        answer = httpx.post(f"{self.url}{path}", json=document, trust_env=False, timeout=DEADLINE_S)
        created: dict = answer.raise_for_status().json()
        return created


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """`kuberklone up` with the classroom's times and three simulated nodes, all Ready."""
    home = tmp_path_factory.mktemp("cluster")
    port = processes.free_port()
    environ = {"KUBERKLONE_HOME": str(home / "home")}
    with processes.up(home, "--demo", "--nodes", "3", port=port, environ=environ):
        cluster = Cluster(port=port, home=home / "home")
        waiting.until(lambda: _ready_nodes(cluster) == 3, within_s=DEADLINE_S, what="three nodes are Ready")
        yield cluster


def _ready_nodes(cluster: Cluster) -> int:
    return sum(node["status"] == "Ready" for node in cluster.get("/nodes")["items"])


@pytest.fixture
def namespace(cluster: Cluster) -> str:
    """A new namespace, Active and with its default service account."""
    name = f"test-{next(_numbers)}"
    cluster.create("/api/v1/namespaces", {"metadata": {"name": name}})
    account = f"/api/v1/namespaces/{name}/serviceaccounts?fieldSelector=metadata.name%3Ddefault"
    waiting.until(lambda: cluster.get(account)["items"], within_s=DEADLINE_S, what="the default service account")
    return name


@dataclass(frozen=True, slots=True, kw_only=True)
class Shell:
    """One version of kubectl, as a person has it who works in one namespace."""

    program: Kubectl
    cluster: Cluster
    namespace: str
    folder: Path
    started: list[subprocess.Popen] = field(default_factory=list)
    environ: dict[str, str] = field(default_factory=dict)
    """Variables that a test adds."""

    def __call__(self, *arguments: str, stdin: str | None = None, status: int = 0) -> str:
        """Run a command and give what it printed; fails when its exit code is another one."""
        done = self.try_(*arguments, stdin=stdin)
        said = f"kubectl {' '.join(arguments)}\n{done.stdout}{done.stderr}"
        assert done.returncode == status, f"exit code {done.returncode} of {said}"
        assert "Traceback" not in said, said
        return done.stdout + (done.stderr if status else "")

    def try_(self, *arguments: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run a command, whatever comes of it."""
        return subprocess.run(
            self._command(arguments), input=stdin, capture_output=True, text=True, check=False, timeout=COMMAND_S,
            cwd=self.folder, env=self._environ,
        )  # fmt: skip

    def start(self, *arguments: str) -> Callable[[], str]:
        """Start a command that goes on; what it has printed so far. The fixture ends it."""
        output = self.folder / f"output-{next(_numbers)}"
        with output.open("w") as stream:
            process = subprocess.Popen(
                self._command(arguments), stdout=stream, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                cwd=self.folder, env=self._environ,
            )  # fmt: skip
        self.started.append(process)
        return output.read_text

    def until(self, condition: Callable[[], object], what: str) -> None:
        waiting.until(condition, within_s=DEADLINE_S, what=what)

    def file(self, name: str, text: str) -> str:
        path = self.folder / name
        path.write_text(text)
        return str(path)

    def _command(self, arguments: tuple[str, ...]) -> list[str]:
        # The discovery cache is kept by host and port, and other tests use the same port with other kinds.
        return [str(self.program.path), "--cache-dir", str(self.folder / "cache"), "-n", self.namespace, *arguments]

    @property
    def _environ(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("KUBE")}
        return kept | {"KUBECONFIG": str(self.cluster.kubeconfig), "HOME": str(self.folder)} | self.environ


@pytest.fixture
def shell(request: pytest.FixtureRequest, cluster: Cluster, namespace: str, tmp_path: Path) -> Iterator[Callable]:
    """Makes a Shell of a version of kubectl."""
    made: list[Shell] = []

    def of(program: Kubectl) -> Shell:
        made.append(Shell(program=program, cluster=cluster, namespace=namespace, folder=tmp_path))
        return made[-1]

    yield of
    for shell in made:
        for process in shell.started:
            process.kill()
            process.wait()


def _versions(wanted: Callable[[tuple[Kubectl, ...]], list[Kubectl]]) -> list:
    found = programs.kubectls()
    if not found:
        return [pytest.param(None, id="no kubectl")]
    return [pytest.param(each, id=str(each)) for each in wanted(found)]


@pytest.fixture(params=_versions(list))
def every_kubectl(request: pytest.FixtureRequest, shell: Callable[[Kubectl], Shell]) -> Shell:
    """Each version there is."""
    return _shell_of(request.param, shell)


# The oldest, the first that sends protobuf, and the newest, whose informers stream their lists: what differs between
# the others is tried by `every_kubectl`.
@pytest.fixture(
    params=_versions(
        lambda found: sorted({found[0], *(k for k in found if k.minor == 32), found[-1]}, key=lambda k: k.minor)
    )
)
def kubectl(request: pytest.FixtureRequest, shell: Callable[[Kubectl], Shell]) -> Shell:
    """The versions that differ most."""
    return _shell_of(request.param, shell)


def _shell_of(program: Kubectl | None, shell: Callable[[Kubectl], Shell]) -> Shell:
    if program is None:
        pytest.skip(f"needs kubectl 1.{programs.OLDEST_MINOR} or later on PATH, or named by {programs.VARIABLE}")
    return shell(program)
