"""Machines that are containers in a Docker Engine: works at many of them at once, and never lets a pass wait.

One thread lists what exists (`docker_lists`), and some others work, one node at a time. So an engine that hangs keeps
nobody else waiting: its lists just grow old, and what is not known is left alone.
"""

import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass

from controllers.node.docker_lists import Lister
from controllers.node.docker_steps import Steps
from controllers.node.provider import Look
from kuberklone import logs
from kuberklone.clock import Clock
from kuberklone.engine import connection, networks
from kuberklone.engine.connection import Engine
from kuberklone.engine.machines import Machines, Wanted
from kuberklone.errors import EngineTimeout, EngineUnavailable, KuberkloneError, LeadershipLost
from kuberklone.kinds.node import Node
from kuberklone.store.transaction import Fence

# Making a container on a busy machine takes some seconds; whatever takes longer hangs.
_TIMEOUT_S = 30.0
# The engine makes no more containers per second with more threads than this.
_THREADS = 8
_BACKOFF_FIRST_S, _BACKOFF_MAX_S = 0.5, 5.0

_log = logs.get()


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
        self._cluster = cluster
        self._gateway = gateway
        self._order = order
        self._clock = clock
        self._leads_for_s = leads_for_s
        self._always = always
        self._begun = False
        self._lister = Lister(socket, cluster, clock)
        self._connection = _Connection(socket)
        self._lock = threading.Lock()
        self._tasks: queue.SimpleQueue[_Task] = queue.SimpleQueue()  # one task per node at most
        self._work: dict[str, _Work] = {}
        self._failures: list[tuple[str, str]] = []
        self._fence: Fence | None = None
        self._confirmed_at = 0.0

    # ------------------------------------------------------------------------------------------- asked by the passes

    def look(self) -> Look | None:
        latest = self._lister.latest()
        if latest is None:
            return None
        now = self._clock.monotonic()
        with self._lock:
            busy = frozenset(
                uid
                for uid, work in self._work.items()
                if work.under_way or work.ended_at >= latest.began_at or work.not_before > now
            )
            # Of nodes that are gone nothing needs to be remembered.
            self._work = {uid: work for uid, work in self._work.items() if uid in busy or latest.holds(uid)}
        return latest.look(busy)

    def confirm(self, fence: Fence, at: float, *, wanted: bool) -> None:
        with self._lock:
            self._fence, self._confirmed_at = fence, at
        if (wanted or self._always) and not self._begun:
            self._begun = True
            self._lister.begin()
            for number in range(_THREADS):
                threading.Thread(target=self._work_for_ever, name=f"docker-{number}", daemon=True).start()

    def is_working(self) -> bool:
        latest = self._lister.latest()
        if latest is None:
            # A first list is about to come, unless the engine is away.
            return self._lister.trouble() is None
        with self._lock:
            return any(work.under_way or work.ended_at >= latest.began_at for work in self._work.values())

    def boot(self, node: Node) -> None:
        name, uid, boot_id, fence = node.name, node.uid, node.boot_id, self._fence
        assert boot_id is not None, "a boot is written before it is asked for"
        assert fence is not None, "nothing is asked for before a leadership is confirmed"

        def wanted() -> Wanted:
            engine = self._connection.engine()
            address = networks.ensure(engine, cluster=self._cluster(), gateway=self._gateway)
            return self._order(node, fence, address)

        self._ask(uid, f"boot {name}", lambda steps: steps.boot(name, uid, boot_id, wanted))

    def remove(self, name: str, uid: str) -> None:
        self._ask(uid, f"remove {name}", lambda steps: steps.remove(name, uid))

    def stop_pods(self, name: str, uid: str, pods: frozenset[str], *, end_machine: bool) -> None:
        self._ask(uid, f"stop pods of {name}", lambda steps: steps.stop(name, uid, pods, end_machine=end_machine))

    def trouble(self) -> list[str]:
        trouble = self._lister.trouble()
        return [] if trouble is None else [trouble]

    def failures(self) -> list[tuple[str, str]]:
        with self._lock:
            told, self._failures = self._failures, []
        return told

    def forget(self) -> None:
        with self._lock:
            self._fence = None
        self._lister.forget()

    def _ask(self, uid: str, what: str, run: Callable[[Steps], None]) -> None:
        with self._lock:
            assert self._fence is not None, "nothing is asked for before a leadership is confirmed"
            work = self._work.setdefault(uid, _Work(under_way=False))
            if work.under_way:
                return
            work.under_way = True
            task = _Task(uid=uid, what=what, fence=self._fence, run=run)
        self._tasks.put(task)

    # ------------------------------------------------------------------------------------------------- other threads

    def _work_for_ever(self) -> None:
        while True:
            task = self._tasks.get()
            trouble = self._do(task)
            now = self._clock.monotonic()
            with self._lock:
                work = self._work[task.uid]
                work.under_way, work.ended_at = False, now
                work.failures = 0 if trouble is None else work.failures + 1
                work.not_before = now + _backoff_s(work.failures)
                if trouble is not None:
                    self._failures.append((task.uid, trouble))
            self._lister.list_again()

    def _do(self, task: _Task) -> str | None:
        """What went wrong."""
        try:
            machines = Machines(self._connection.engine(), cluster=self._cluster())
            task.run(Steps(machines, allowed=lambda: self._check(task.fence)))
        except LeadershipLost:
            return None  # whoever leads now does it, or we do it again when we know that it is us
        except KuberkloneError as error:
            if isinstance(error, EngineUnavailable | EngineTimeout):
                self._connection.drop()
            _log.warning("docker work failed", controller="node", outcome=task.what, error=str(error))
            return str(error)
        except Exception as error:  # noqa: BLE001 - the outermost boundary of a thread: the next task needs it
            _log.error("docker work failed", controller="node", outcome=task.what, exc_info=error)
            return f"{type(error).__name__}: {error}"
        return None

    def _check(self, fence: Fence) -> None:
        with self._lock:
            if self._fence != fence or self._clock.monotonic() - self._confirmed_at > self._leads_for_s:
                raise LeadershipLost


class _Connection:
    """The engine as all workers share it, connected when it is needed."""

    def __init__(self, socket: str) -> None:
        self._socket = socket
        self._lock = threading.Lock()
        self._engine: Engine | None = None

    def engine(self) -> Engine:
        with self._lock:
            if self._engine is None:
                self._engine = connection.connect(self._socket, timeout_s=_TIMEOUT_S)
            return self._engine

    def drop(self) -> None:
        # Not closed: other threads may be asking by it, and it closes with the last of them.
        with self._lock:
            self._engine = None


def _backoff_s(failures: int) -> float:
    if failures == 0:
        return 0.0
    return min(_BACKOFF_MAX_S, _BACKOFF_FIRST_S * 2.0 ** min(failures - 1, 10))
