"""Carries out plans: each action in a thread, no two for one container at a time, failures remembered.

What is decided next must not wait for an engine that hangs, and what has to stop must not wait behind images that are
being pulled; so stopping has threads of its own.
"""

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

from kuberklone import logs
from kuberklone.agent.assignments import Assignment
from kuberklone.agent.decide import Action, Kill, Remove, Run, Signal
from kuberklone.agent.facts import Container, Failure, Key, Memory
from kuberklone.agent.runtime import RunFailure, Runtime
from kuberklone.clock import SystemClock
from kuberklone.engine.pod_containers import PodContainers
from kuberklone.errors import EngineError

# An engine does about seven containers a second whoever asks; more threads only make its calls longer.
_RUNNING_THREADS = 6
_STOPPING_THREADS = 4

# As the kubelet for images and containers: a mistake in a spec is not cured by haste.
_RETRY_FIRST_MS = 10_000
_RETRY_MAX_MS = 300_000
# An engine that does not answer is looked for sooner.
_PASSING_FIRST_MS = 1_000
_PASSING_MAX_MS = 10_000
# What may come without anybody telling us is looked for at an even pace.
_EVEN_REASONS = frozenset({"ErrImageNeverPull"})
# A stop that failed: soon, but not in a loop.
_STOP_RETRY_MS = 1_000

_log = logs.get()

Permission = Callable[[str], bool]


class Workers:
    """Does what plans say. `nudge` is called whenever something was done."""

    def __init__(
        self, runtime: Runtime, containers: PodContainers, *, clock: SystemClock, nudge: Callable[[], None]
    ) -> None:
        self._runtime = runtime
        self._containers = containers
        self._clock = clock
        self._nudge = nudge
        self._lock = threading.Lock()
        self._under_way: set[Key] = set()
        self._resting: dict[Key, int] = {}
        self._signalled: dict[str, int] = {}
        self._failures: dict[Key, Failure] = {}
        self._running = ThreadPoolExecutor(_RUNNING_THREADS, thread_name_prefix="run")
        self._stopping = ThreadPoolExecutor(_STOPPING_THREADS, thread_name_prefix="stop")

    def close(self) -> None:
        """Take on nothing more. What is under way ends by its own deadline, or with the process."""
        self._running.shutdown(wait=False, cancel_futures=True)
        self._stopping.shutdown(wait=False, cancel_futures=True)

    def memory(self, *, busy_before: frozenset[Key] = frozenset()) -> Memory:
        """What is known beside what is listed; `busy_before`: what was under way when the list was asked for."""
        with self._lock:
            self._wake_up()
            return Memory(
                signalled=dict(self._signalled),
                failures=dict(self._failures),
                busy=frozenset(self._under_way | self._resting.keys()) | busy_before,
            )

    def busy(self) -> frozenset[Key]:
        with self._lock:
            return frozenset(self._under_way)

    def wake_ms(self) -> int | None:
        """When something that failed may be tried again."""
        with self._lock:
            return min(self._resting.values(), default=None)

    def forget_all_but(self, containers: Iterable[Container], pods: Iterable[str]) -> None:
        """What is remembered of things that are gone."""
        ids = {container.id for container in containers}
        uids = set(pods)
        with self._lock:
            self._signalled = {each: when for each, when in self._signalled.items() if each in ids}
            self._failures = {key: each for key, each in self._failures.items() if key.pod_uid in uids}

    def take_on(self, actions: Iterable[Action], assignments: dict[str, Assignment], permitted: Permission) -> None:
        """Begin what no other action on the same container stands in the way of; the next plan names the rest again."""
        for action in actions:
            with self._lock:
                if action.key in self._under_way:
                    continue
                self._under_way.add(action.key)
            if isinstance(action, Run):
                self._running.submit(self._run, action, assignments[action.key.pod_uid], permitted)
            else:
                self._stopping.submit(self._stop, action)

    def _run(self, action: Run, assignment: Assignment, permitted: Permission) -> None:
        failure: RunFailure | None = None
        try:
            self._runtime.run(action, assignment, permitted=lambda: permitted(action.key.pod_uid))
        except RunFailure as error:
            failure = error
        except Exception as error:  # noqa: BLE001 - the outermost boundary of a thread: one pod must not end the others
            failure = RunFailure("CreateContainerError", f"{type(error).__name__}: {error}")
        if failure is not None:
            _log.warning(
                "container not started",
                namespace=assignment.pod.namespace,
                name=assignment.pod.name,
                error=f"{failure.reason}: {failure}",
            )
        with self._lock:
            if failure is None:
                self._failures.pop(action.key, None)
            else:
                self._failures[action.key] = self._failure(failure, self._failures.get(action.key))
        self._done(action)

    def _failure(self, error: RunFailure, before: Failure | None) -> Failure:
        first_ms, most_ms = (_PASSING_FIRST_MS, _PASSING_MAX_MS) if error.passing else (_RETRY_FIRST_MS, _RETRY_MAX_MS)
        delay_ms = first_ms
        if before is not None and before.reason == error.reason and error.reason not in _EVEN_REASONS:
            delay_ms = min(most_ms, before.delay_ms * 2)
        return Failure(
            reason=error.reason,
            message=str(error),
            retry_at_ms=self._clock.steady_ms() + delay_ms,
            delay_ms=delay_ms,
            at_start=error.at_start,
        )

    def _stop(self, action: Signal | Kill | Remove) -> None:
        try:
            if isinstance(action, Signal):
                # Noted before: what dies of the signal must not look as if it had ended by itself.
                with self._lock:
                    self._signalled[action.container_id] = self._clock.steady_ms()
                self._containers.signal(action.container_id)
            elif isinstance(action, Kill):
                self._containers.kill(action.container_id)
            else:
                self._containers.remove(action.container_id)
            if action.reason is not None:
                _log.info("container stopped", outcome=type(action).__name__.lower(), reason=action.reason)
        except Exception as error:  # noqa: BLE001 - the outermost boundary of a thread; the next plan tries again
            expected = isinstance(error, EngineError)
            _log.warning("container not stopped", error=str(error), exc_info=None if expected else error)
            with self._lock:
                self._resting[action.key] = self._clock.steady_ms() + _STOP_RETRY_MS
        self._done(action)

    def _done(self, action: Action) -> None:
        with self._lock:
            self._under_way.discard(action.key)
        self._nudge()

    def _wake_up(self) -> None:
        now_ms = self._clock.steady_ms()
        self._resting = {key: until_ms for key, until_ms in self._resting.items() if until_ms > now_ms}
