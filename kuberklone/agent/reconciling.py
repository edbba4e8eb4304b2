"""Makes the engine match what the cluster wants, again and again: look, decide, act, report.

Nothing is remembered of what should have happened: each pass looks at what is. A nudge only makes the next pass come
sooner.
"""

import threading
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Protocol

from kuberklone import logs
from kuberklone.agent import decide, status
from kuberklone.agent.assignments import Assignment
from kuberklone.agent.decide import Plan
from kuberklone.agent.facts import Container, Memory
from kuberklone.agent.inventory import Inventory
from kuberklone.agent.standing import Standing, View
from kuberklone.agent.status import Surroundings
from kuberklone.agent.workers import Workers
from kuberklone.clock import SystemClock
from kuberklone.errors import EngineError
from kuberklone.kinds.pod import FINISHED
from kuberklone.kinds.reporting import PodReport

# Without any nudge: what a lost event of the engine costs. A look takes the engine a few milliseconds.
_RESYNC_MS = 10_000
# Nudges that come together are one pass.
_PACE_S = 0.05
_RETRY_FIRST_S = 0.5
_RETRY_MAX_S = 5.0

_log = logs.get()


class Nudge:
    """Wakes a loop. Several nudges before it looks are one."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def __call__(self) -> None:
        self._event.set()

    def wait(self, seconds: float) -> None:
        self._event.wait(seconds)
        self._event.clear()


class Observer(Protocol):
    """Whoever is told what is true of the pods."""

    def observe(
        self,
        reports: Iterable[PodReport],
        *,
        removed: Iterable[str],
        assigned: Mapping[str, Assignment],
        now_ms: int,
    ) -> None: ...


class Reconciler:
    def __init__(
        self,
        inventory: Inventory,
        workers: Workers,
        *,
        standing: Standing,
        observer: Observer,
        address: str,
        nudge: Nudge,
        clock: SystemClock,
    ) -> None:
        self._inventory = inventory
        self._workers = workers
        self._standing = standing
        self._observer = observer
        self._address = address
        self._nudge = nudge
        self._clock = clock
        self._touched: set[str] = set()
        self._lock = threading.Lock()
        self.seen: tuple[Container, ...] = ()
        """What there was at the last look."""

    def touched(self, container_id: str) -> None:
        """Something happened to a container."""
        with self._lock:
            self._touched.add(container_id)
        self._nudge()

    def run(self, stop: threading.Event) -> None:
        retry_s = _RETRY_FIRST_S
        while not stop.is_set():
            try:
                wake_ms = self.run_once()
                retry_s = _RETRY_FIRST_S
            except EngineError as error:
                _log.warning("engine does not answer", error=str(error))
                self._nudge.wait(retry_s)
                retry_s = min(_RETRY_MAX_S, retry_s * 2)
                continue
            self._nudge.wait(max(0.0, (wake_ms - self._clock.steady_ms()) / 1000))
            stop.wait(_PACE_S)

    def run_once(self) -> int:
        """One pass; when the next is due. Raises EngineError when the engine cannot be looked at."""
        with self._lock:
            self._inventory.forget(self._touched)
            self._touched.clear()
        busy = self._workers.busy()
        containers = self.seen = self._inventory.look()
        view = self._standing.view()
        memory = self._workers.memory(busy_before=busy)
        now_ms = self._clock.steady_ms()
        assignments = view.assignments
        pods = None if assignments is None else {uid: each.pod for uid, each in assignments.items()}
        plan = decide.decide(pods, containers, node=view.node, memory=memory, now_ms=now_ms)
        self._workers.take_on(plan.actions, assignments or {}, self._standing.permits)
        self._workers.forget_all_but(containers, pods or {})
        self._report(view, containers, plan, memory=memory, now_ms=now_ms)
        wakes_ms = [now_ms + _RESYNC_MS, plan.wake_ms, self._workers.wake_ms()]
        return min(moment_ms for moment_ms in wakes_ms if moment_ms is not None)

    def _report(self, view: View, containers: Sequence[Container], plan: Plan, *, memory: Memory, now_ms: int) -> None:
        if view.assignments is None:
            return
        around = Surroundings(node_address=self._address, now_ms=now_ms, blocked=plan.blocked)
        by_pod = {
            uid: tuple(own)
            for uid, own in groupby(sorted(containers, key=lambda each: each.pod_uid), lambda each: each.pod_uid)
        }
        reports = []
        for uid, each in view.assignments.items():
            own = [one for one in by_pod.get(uid, ()) if one.boot_id == view.node.boot_id]
            # What has finished is final, and of a deleted pod nothing is left to tell.
            if each.pod.phase not in FINISHED and (own or not each.pod.deleting):
                reports.append(status.report(each.pod, own, images=each.images, memory=memory, around=around))
        self._observer.observe(reports, removed=plan.removed, assigned=view.assignments, now_ms=now_ms)
