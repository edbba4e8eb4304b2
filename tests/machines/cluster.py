"""`kuberklone up --provider docker`: a whole cluster of real processes whose nodes and pods are containers."""

import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import text

from kuberklone.engine import labels
from kuberklone.engine.connection import Engine
from kuberklone.store import identity
from kuberklone.store.database import Store
from tests import waiting
from tests.cli import processes
from tests.cli.processes import Running
from tests.machines.witness import Witness, watching
from tests.waiting import NeverHappenedError

# A node is silent for this long before it is dead: long enough that two busy cores never make a living one look so.
GRACE_S = 8.0
# Above it lie the judgement, the pods' patience, the back-off, a boot of a container, and a busy machine.
CONVERGED_WITHIN_S = 90.0

TIMES = {
    "HEARTBEAT_INTERVAL_S": "1",
    "NODE_GRACE_S": str(GRACE_S),
    "TOLERATION_S": "1",
    "RESTART_BACKOFF_S": "2",
    "RESTART_BACKOFF_MAX_S": "4",
    # A storm may meet the same node again and again.
    "RESTART_LIMIT": "50",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """The running cluster, seen from all sides: its API, its database, the engine and the engine's own account."""

    engine: Engine
    id: str
    port: int
    store: Store
    witness: Witness
    up: Running
    environ: Mapping[str, str]

    # ------------------------------------------------------------------------------------------------- as a person

    def http(self, method: str, path: str, body: Any = None) -> httpx.Response:
        url = f"http://127.0.0.1:{self.port}{path}"
        return httpx.request(method, url, json=body, trust_env=False, timeout=processes.DEADLINE_S)

    def ask(self, method: str, path: str, body: Any = None) -> dict:
        answer: dict = self.http(method, path, body).raise_for_status().json()
        return answer

    def answers(self) -> bool:
        """Whether there is an API that can do its work."""
        try:
            return self.http("GET", "/readyz").is_success
        except httpx.TransportError:
            return False

    def nodes(self) -> dict[str, dict]:
        return {node["name"]: node for node in self.ask("GET", "/nodes")["items"]}

    def pods(self) -> dict[str, dict]:
        return {pod["name"]: pod for pod in self.ask("GET", "/pods")["items"]}

    def node_of(self, pod: str) -> str:
        node: str = self.pods()[pod]["node"]
        return node

    def docker(self, *arguments: str, check: bool = True) -> str:
        done = subprocess.run(
            ["docker", "-H", self.engine.socket, *arguments], capture_output=True, text=True, check=False
        )
        assert not check or done.returncode == 0, f"docker {' '.join(arguments)}: {done.stderr}"
        return done.stdout

    def machine(self, node: str) -> str:
        """The name of the container that is the node."""
        return labels.node_container(self.id, node)

    def sql(self, question: str, **parameters: Any) -> list[Any]:
        with self.store.snapshot() as connection:
            return list(connection.execute(text(question), parameters).all())

    # ------------------------------------------------------------------------------------------------ what is wanted

    def until(self, condition: Callable[[], object], what: str, *, within_s: float = CONVERGED_WITHIN_S) -> None:
        waiting.until(condition, within_s=within_s, what=what)

    def until_not_ready(self, node: str) -> None:
        self.until(lambda: self.nodes()[node]["status"] not in ("Ready", "Pending"), f"{node} is judged dead")

    def until_moved(self, pod: str, *, away_from: str) -> None:
        self.until(
            lambda: self.pods()[pod]["status"] == "Running" and self.node_of(pod) != away_from,
            f"{pod} runs on another node than {away_from}",
        )

    def converge(self) -> None:
        """Everything is as it should be, the engine holds nothing else, and nothing ran twice on the way."""
        self.until_converged()
        self.check()

    def until_converged(self, *, within_s: float = CONVERGED_WITHIN_S, said: str = "") -> None:
        """What is still wrong after that long is told, and `said` with it."""
        with suppress(NeverHappenedError):
            self.until(lambda: not self.unconverged(), "everything is as it should be", within_s=within_s)
        assert self.unconverged() == [], said

    def check(self) -> None:
        """What must hold at any moment."""
        assert self.witness.twice() == []

    def unconverged(self) -> list[str]:
        """What is not as it should be, in words: every node lives, every pod runs where its row says, and nothing else
        is there."""
        wrong = [f"{row}" for row in self.sql(_NODES_ASTRAY)] + [f"{row}" for row in self.sql(_PODS_ASTRAY)]
        wanted = {row.uid: row for row in self.sql(_PODS_WANTED)}
        running: dict[str, int] = dict.fromkeys(wanted, 0)
        for container in self.containers("pod"):
            marks = container["Labels"]
            pod = wanted.get(marks[labels.POD_UID])
            if pod is None:
                wrong.append(f"a container for nobody: {container['Names']} {container['State']}")
            elif container["State"] == "running":
                running[pod.uid] += 1
                if marks[labels.NODE_UID] != pod.node_uid or marks[labels.BOOT_ID] != pod.boot_id:
                    wrong.append(f"{pod.name} runs on another machine: {container['Names']}")
        wrong += [f"{wanted[uid].name} has {count} running containers" for uid, count in running.items() if count != 1]
        return wrong

    def containers(self, role: labels.Role) -> list[dict]:
        return list(self.engine.api.containers(all=True, filters={"label": labels.query(self.id, role)}))


# A machine that joined by itself has no boot that anybody asked for: what it says it runs is what it runs.
_NODES_ASTRAY = (
    "SELECT n.name, n.machine, n.ready, n.deleting_ms, n.boot_id, h.boot_id AS heard FROM nodes n "
    "LEFT JOIN heartbeats h ON h.node_uid = n.uid WHERE n.ready <> 'True' OR n.deleting_ms IS NOT NULL "
    "OR h.boot_id IS NULL OR n.provider <> 'external' AND (n.machine <> 'Running' OR h.boot_id <> n.boot_id)"
)
_PODS_ASTRAY = (
    "SELECT p.name, p.phase, p.reason, p.node_name, p.deleting_ms FROM pods p "
    "LEFT JOIN nodes n ON n.name = p.node_name WHERE p.deleting_ms IS NOT NULL OR p.phase <> 'Running' OR n.uid IS NULL"
)
_PODS_WANTED = (
    "SELECT p.uid, p.name, n.uid AS node_uid, h.boot_id FROM pods p JOIN nodes n ON n.name = p.node_name "
    "JOIN heartbeats h ON h.node_uid = n.uid WHERE n.provider <> 'simulated'"
)


@contextmanager
def running(
    engine: Engine, folder: Path, *arguments: str, nodes: int = 3, environ: Mapping[str, str] | None = None
) -> Iterator[Cluster]:
    """A cluster with nodes, all Ready; `arguments` are those of `kuberklone up`."""
    port = processes.free_port()
    settings = {
        "KUBERKLONE_HOME": str(folder / "home"),
        "KUBERKLONE_TLS_PORT": str(processes.free_port()),
        "KUBERKLONE_DOCKER_SOCKET": engine.socket,
        "KUBERKLONE_LOG_LEVEL": "info",
        **{f"KUBERKLONE_{name}": value for name, value in TIMES.items()},
        **(environ or {}),
    }
    with processes.up(folder, *arguments, "--nodes", str(nodes), port=port, environ=settings) as up:
        with closing(Store(f"sqlite:///{folder / 'home' / 'kuberklone.db'}", writer="test")) as store:
            with store.snapshot() as connection:
                cluster_id = identity.cluster_id(connection)
            with watching(cluster_id, folder, socket=engine.socket) as witness:
                cluster = Cluster(
                    engine=engine, id=cluster_id, port=port, store=store, witness=witness, up=up, environ=settings
                )
                try:
                    cluster.until(
                        lambda: [node["status"] for node in cluster.nodes().values()] == ["Ready"] * nodes,
                        f"{nodes} nodes are Ready",
                    )
                    yield cluster
                finally:
                    processes.kuberklone("down", environ=settings)
