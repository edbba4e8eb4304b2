"""Lists what a Docker Engine holds of the cluster, again and again, in a thread of its own.

Relisting is the truth: the engine's stream of events blocks for ever where it hangs and ends silently where it is cut.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass

from controllers.node.facts import Machine
from controllers.node.provider import Look, State
from kuberklone.clock import Clock
from kuberklone.engine import connection
from kuberklone.engine.connection import Engine
from kuberklone.engine.machines import Machines, NodeContainer, PodContainer
from kuberklone.errors import KuberkloneError

# How long a container that vanished by itself may go unnoticed; a list of a hundred takes the engine some 10 ms.
RELIST_S = 1.0
# An engine that is away is not asked more often than it takes a person to start it.
_RELIST_AWAY_S = 3.0
# An older list may be of an engine that hangs or is gone.
_FRESH_S = 5.0
# Listing takes milliseconds; whatever takes this long hangs.
_TIMEOUT_S = 5.0

_STATES: dict[str, State] = {"Running": "Running", "Frozen": "Frozen"}


@dataclass(frozen=True, slots=True, kw_only=True)
class List:
    """What there was at some moment after `began_at`."""

    began_at: float
    nodes: list[NodeContainer]
    pods: list[PodContainer]

    def holds(self, node_uid: str) -> bool:
        return any(node.uid == node_uid for node in self.nodes) or any(pod.node_uid == node_uid for pod in self.pods)

    def look(self, busy: frozenset[str]) -> Look:
        """What is known by it, but for nodes at which work was under way since."""
        containers = {node.uid: node for node in self.nodes}
        running: dict[str, set[str]] = {}
        for pod in self.pods:
            if not pod.ended:
                running.setdefault(pod.node_uid, set()).add(pod.pod_uid)
        remnants = {pod.node_uid: pod for pod in self.pods if pod.node_uid not in containers}
        machines = [*map(_machine, self.nodes), *map(_remnant, remnants.values())]
        return Look(
            machines=[machine for machine in machines if machine.uid not in busy],
            busy=busy,
            states={uid: _STATES.get(node.state, "Gone") for uid, node in containers.items()},
            running_pods={uid: frozenset(pods) for uid, pods in running.items()},
        )


class Lister:
    """The thread that lists, and its latest list."""

    def __init__(self, socket: str, cluster: Callable[[], str], clock: Clock) -> None:
        self._socket = socket
        self._cluster = cluster
        self._clock = clock
        self._again = threading.Event()
        self._lock = threading.Lock()
        self._latest: List | None = None
        self._trouble: str | None = None

    def begin(self) -> None:
        # A daemon: a thread that waits for an engine that hangs must not keep the process from ending.
        threading.Thread(target=self._run, name="docker-lists", daemon=True).start()

    def list_again(self) -> None:
        """Something has changed, so do not wait for the next turn."""
        self._again.set()

    def latest(self) -> List | None:
        """None where there is none that is fresh."""
        with self._lock:
            latest = self._latest
        fresh = latest is not None and self._clock.monotonic() - latest.began_at <= _FRESH_S
        return latest if fresh else None

    def trouble(self) -> str | None:
        """Why the last try ended without a list."""
        with self._lock:
            return self._trouble

    def forget(self) -> None:
        with self._lock:
            self._latest = None
        self._again.set()

    def _run(self) -> None:
        engine: Engine | None = None
        while True:
            self._again.clear()
            began_at = self._clock.monotonic()
            try:
                engine = engine or connection.connect(self._socket, timeout_s=_TIMEOUT_S)
                machines = Machines(engine, cluster=self._cluster())
                # Pods second: the container of a node is made before those of its pods.
                nodes = machines.nodes()
                self._keep(List(began_at=began_at, nodes=nodes, pods=machines.pods()), None)
                self._again.wait(RELIST_S)
            except Exception as error:  # noqa: BLE001 - the outermost boundary of a thread: the next list needs it
                self._keep(None, str(error) if isinstance(error, KuberkloneError) else repr(error))
                if engine is not None:
                    engine.close()
                    engine = None
                self._again.wait(_RELIST_AWAY_S)

    def _keep(self, found: List | None, trouble: str | None) -> None:
        with self._lock:
            # An engine that fails once has not changed anything: until it is too old, the last list is good.
            self._latest, self._trouble = found or self._latest, trouble


def _machine(node: NodeContainer) -> Machine:
    return Machine(
        name=node.name,
        uid=node.uid,
        boot_id=node.boot_id,
        running=node.state == "Running",
        # One that was made and never started is no machine yet; to boot it is to start it.
        remnant=node.state == "Made",
    )


def _remnant(pod: PodContainer) -> Machine:
    return Machine(name=pod.node_name, uid=pod.node_uid, boot_id=pod.boot_id, running=False, remnant=True)
