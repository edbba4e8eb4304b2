"""Machines that are containers in a Docker Engine: looks at them all the time, and works at many of them at once.

A pass of the controller never waits for the engine. One thread lists what exists, every second and after each piece of
work, and some others work, one node at a time; so an engine that hangs keeps nobody else waiting: its looks just grow
old, and what is not known is left alone. Relisting is the truth: the engine's own stream of events ends in silence.
"""

import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from controllers.node.docker_steps import Steps
from controllers.node.facts import Machine
from controllers.node.provider import Look
from kuberklone import logs
from kuberklone.clock import Clock
from kuberklone.engine import connection, networks
from kuberklone.engine.connection import Engine
from kuberklone.engine.machines import Machines, NodeContainer, PodContainer, Wanted
from kuberklone.errors import EngineError, EngineTimeout, EngineUnavailable, KuberkloneError, LeadershipLost
from kuberklone.kinds.node import Node
from kuberklone.store.transaction import Fence

# How long a container that vanished by itself may go unnoticed; a list of a hundred takes the engine some 10 ms.
RELIST_S = 1.0
# An engine that is away is not asked more often than it takes a person to start it.
_RELIST_AWAY_S = 3.0
# An older look may be of an engine that hangs or is gone.
_FRESH_S = 5.0
# Listing takes milliseconds, making a container on a busy machine some seconds; whatever takes longer hangs.
_LIST_TIMEOUT_S = 5.0
_WORK_TIMEOUT_S = 30.0
# The engine makes no more containers per second with more threads than this.
_THREADS = 8
_BACKOFF_FIRST_S, _BACKOFF_MAX_S = 0.5, 5.0

_log = logs.get()
State = Literal["Running", "Frozen", "Gone"]
_GONE: dict[str, State] = {"Running": "Running", "Frozen": "Frozen"}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Listing:
    began_at: float
    nodes: list[NodeContainer]
    pods: list[PodContainer]


@dataclass(slots=True, kw_only=True)
class _Work:
    """What was last asked for at one node."""

    under_way: bool
    ended_at: float = 0.0
    failures: int = 0
    not_before: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Task:
    uid: str
    what: str
    fence: Fence
    run: Callable[[Steps], None]


class DockerProvider:
    """`order` says of what the container of a node is to be made, with a new token in it. `leads_for_s`: for so long
    after it was last confirmed nobody else can have become the leader. `always`: look also while there are no nodes of
    Docker's, for what an earlier life of the cluster may have left."""

    def __init__(
        self,
        *,
        socket: str,
        cluster: Callable[[], str],
        gateway: str,
        order: Callable[[Node, Fence, str], Wanted],
        clock: Clock,
        leads_for_s: float,
        always: bool,
    ) -> None:
        self._socket = socket
        self._cluster = cluster
        self._gateway = gateway
        self._order = order
        self._clock = clock
        self._lock = threading.Lock()
        self._look_now = threading.Event()
        self._tasks: queue.SimpleQueue[_Task] = queue.SimpleQueue()  # one task per node at most
        self._work: dict[str, _Work] = {}
        self._failures: list[tuple[str, str]] = []
        self._listing: _Listing | None = None
        self._trouble: str | None = None
        self._fence: Fence | None = None
        self._confirmed_at = 0.0
        self._engine: Engine | None = None
        self._leads_for_s = leads_for_s
        self._always = always
        self._begun = False

    # ------------------------------------------------------------------------------------------- asked by the passes

    def look(self) -> Look | None:
        now = self._clock.monotonic()
        with self._lock:
            listing = self._listing
            if listing is None or now - listing.began_at > _FRESH_S:
                return None
            busy = {
                uid
                for uid, work in self._work.items()
                if work.under_way or work.ended_at >= listing.began_at or work.not_before > now
            }
        return _look(listing, frozenset(busy))

    def confirm(self, fence: Fence, at: float, *, wanted: bool) -> None:
        with self._lock:
            self._fence, self._confirmed_at = fence, at
            begin = (wanted or self._always) and not self._begun
            self._begun = self._begun or begin
        if begin:
            self._begin()

    def is_working(self) -> bool:
        with self._lock:
            if self._listing is None:
                return self._trouble is None
            return any(work.under_way or work.ended_at >= self._listing.began_at for work in self._work.values())

    def _begin(self) -> None:
        # Daemons: a thread that waits for an engine that hangs must not keep the process from ending.
        threading.Thread(target=self._list_for_ever, name="docker-list", daemon=True).start()
        for number in range(_THREADS):
            threading.Thread(target=self._work_for_ever, name=f"docker-{number}", daemon=True).start()

    def boot(self, node: Node) -> None:
        name, uid, boot_id = node.name, node.uid, node.boot_id
        assert boot_id is not None, "a boot is written before it is asked for"
        fence = self._fence
        assert fence is not None, "nothing is asked for without a look"

        def wanted() -> Wanted:
            return self._order(
                node, fence, networks.ensure(self._connected(), cluster=self._cluster(), gateway=self._gateway)
            )

        self._ask(uid, f"boot {name}", lambda steps: steps.boot(name, uid, boot_id, wanted))

    def remove(self, name: str, uid: str) -> None:
        self._ask(uid, f"remove {name}", lambda steps: steps.remove(name, uid))

    def stop_pods(self, name: str, uid: str, pods: frozenset[str], *, end_machine: bool) -> None:
        self._ask(uid, f"stop pods of {name}", lambda steps: steps.stop(name, uid, pods, end_machine=end_machine))

    def trouble(self) -> list[str]:
        with self._lock:
            return [] if self._trouble is None else [self._trouble]

    def failures(self) -> list[tuple[str, str]]:
        with self._lock:
            told, self._failures = self._failures, []
        return told

    def forget(self) -> None:
        with self._lock:
            self._fence = None
            self._listing = None

    def _ask(self, uid: str, what: str, run: Callable[[Steps], None]) -> None:
        with self._lock:
            assert self._fence is not None, "nothing is asked for without a look"
            work = self._work.setdefault(uid, _Work(under_way=False))
            if work.under_way:
                return
            work.under_way = True
            task = _Task(uid=uid, what=what, fence=self._fence, run=run)
        self._tasks.put(task)

    # ------------------------------------------------------------------------------------------------- other threads

    def _work_for_ever(self) -> None:
        while True:
            self._do(self._tasks.get())

    def _do(self, task: _Task) -> None:
        trouble: str | None = None
        try:
            machines = Machines(self._connected(), cluster=self._cluster())
            task.run(Steps(machines, allowed=lambda: self._check(task.fence)))
        except LeadershipLost:
            pass  # whoever leads now does it
        except KuberkloneError as error:
            trouble = str(error)
            _log.warning("docker work failed", controller="node", outcome=task.what, error=trouble)
        except Exception as error:  # noqa: BLE001 - the outermost boundary of a thread: the next task needs it
            trouble = f"{type(error).__name__}: {error}"
            _log.error("docker work failed", controller="node", outcome=task.what, exc_info=error)
        self._ended(task.uid, trouble)

    def _ended(self, uid: str, trouble: str | None) -> None:
        now = self._clock.monotonic()
        with self._lock:
            work = self._work[uid]
            work.under_way, work.ended_at = False, now
            work.failures = 0 if trouble is None else work.failures + 1
            work.not_before = now + _backoff_s(work.failures)
            if trouble is not None:
                self._failures.append((uid, trouble))
        self._look_now.set()

    def _check(self, fence: Fence) -> None:
        with self._lock:
            if self._fence != fence or self._clock.monotonic() - self._confirmed_at > self._leads_for_s:
                raise LeadershipLost

    def _connected(self) -> Engine:
        with self._lock:
            engine = self._engine
        if engine is None:
            engine = connection.connect(self._socket, timeout_s=_WORK_TIMEOUT_S)
            with self._lock:
                self._engine = engine
        return engine

    def _list_for_ever(self) -> None:
        engine: Engine | None = None
        while True:
            began_at = self._clock.monotonic()
            try:
                engine = engine or connection.connect(self._socket, timeout_s=_LIST_TIMEOUT_S)
                machines = Machines(engine, cluster=self._cluster())
                # Pods second: the container of a node is made before those of its pods.
                nodes = machines.nodes()
                listing = _Listing(began_at=began_at, nodes=nodes, pods=machines.pods())
            except EngineError as error:
                if isinstance(error, EngineUnavailable | EngineTimeout):
                    engine = None
                with self._lock:
                    self._trouble = str(error)
                    self._engine = None
                self._look_now.wait(_RELIST_AWAY_S)
            else:
                self._listed(listing)
                self._look_now.wait(RELIST_S)
            self._look_now.clear()

    def _listed(self, listing: _Listing) -> None:
        present = {node.uid for node in listing.nodes} | {pod.node_uid for pod in listing.pods}
        with self._lock:
            self._listing, self._trouble = listing, None
            # Of nodes that are gone nothing needs to be remembered.
            for uid in [uid for uid, work in self._work.items() if uid not in present and _is_over(work, listing)]:
                del self._work[uid]


def _is_over(work: _Work, listing: _Listing) -> bool:
    return not work.under_way and work.ended_at < listing.began_at and work.not_before <= listing.began_at


def _backoff_s(failures: int) -> float:
    if failures == 0:
        return 0.0
    return min(_BACKOFF_MAX_S, _BACKOFF_FIRST_S * 2.0 ** min(failures - 1, 10))


def _look(listing: _Listing, busy: frozenset[str]) -> Look:
    containers = {node.uid: node for node in listing.nodes}
    running: dict[str, set[str]] = {}
    remnants: dict[str, PodContainer] = {}
    for pod in listing.pods:
        if not pod.ended:
            running.setdefault(pod.node_uid, set()).add(pod.pod_uid)
        if pod.node_uid not in containers:
            remnants[pod.node_uid] = pod
    machines = [
        Machine(
            name=node.name,
            uid=node.uid,
            boot_id=node.boot_id,
            running=node.state == "Running",
            # One that was made and never started is no machine yet; to boot it is to start it.
            remnant=node.state == "Made",
        )
        for node in listing.nodes
    ]
    machines += [
        Machine(name=pod.node_name, uid=uid, boot_id=pod.boot_id, running=False, remnant=True)
        for uid, pod in remnants.items()
    ]
    return Look(
        machines=[machine for machine in machines if machine.uid not in busy],
        busy=busy,
        states={uid: _GONE.get(node.state, "Gone") for uid, node in containers.items()},
        running_pods={uid: frozenset(pods) for uid, pods in running.items()},
    )
