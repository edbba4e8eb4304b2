"""People who use a cluster while it is being killed: they add and delete pods and nodes, and make nodes fail.

Everything goes through the API, and what it acknowledged is kept. A request that nobody answered may have been carried
out or not, so nothing is held against it.
"""

import threading
from collections.abc import Callable
from typing import Any

from kuberklone.chance import Chance
from tests.faults.lab import Lab, NobodyAnsweredError
from tests.faults.nursery import DEADLINE_S
from tests.faults.oracles import HOPELESS, Acknowledged

NODES = tuple(f"node-{number}" for number in range(1, 6))
# So many nodes may be broken or missing at once: the rest must have room for all pods.
_BROKEN_MAX = 2
# Pods that run for ever; beyond this number the oldest are deleted. Each takes a quarter of a core.
_LASTING_MAX = 40
_PAUSE_S = 0.02
_FAULTS = ("crash", "crash", "freeze", "partition", "slow")


class Load:
    """Carries out a seeded course of wishes in a thread of its own, until `finish`."""

    def __init__(self, lab: Lab, *, seed: int) -> None:
        self._lab = lab
        self._chance = Chance(seed)
        self._stop = threading.Event()
        self._failure: BaseException | None = None
        self._added: dict[str, str] = {}
        self._deleted: set[str] = set()
        self._maybe_deleted: set[str] = set()
        self._lasting: list[str] = []
        self._broken: dict[str, str] = {}
        self._numbers = {"pod": 0, HOPELESS: 0, "node": len(NODES)}
        self._nodes = list(NODES)
        self.answered = 0
        self._thread = threading.Thread(target=self._run, name="load", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def finish(self) -> Acknowledged:
        """End it and make every node whole again; what was acknowledged."""
        self._stop.set()
        self._thread.join(DEADLINE_S)
        if self._failure is not None:
            raise self._failure
        for name in list(self._broken):
            self._heal(name)
        assert self._broken == {}, "the API runs again, so it answers"
        return Acknowledged(
            added=dict(self._added),
            deleted=frozenset(self._deleted),
            maybe_deleted=frozenset(self._maybe_deleted),
        )

    def _run(self) -> None:
        wishes: list[tuple[int, Callable[[], None]]] = [
            (20, self._add_passing_pod),
            (8, self._add_lasting_pod),
            (1, self._add_hopeless_pod),
            (3, self._delete_pod),
            (3, self._break_node),
            (3, self._heal_some_node),
            (1, self._restart_node),
            (1, self._replace_node),
        ]
        course = [wish for weight, wish in wishes for _ in range(weight)]
        try:
            while not self._stop.wait(self._chance.jitter(below=2 * _PAUSE_S)):
                self._one_of(course)()
        except BaseException as error:  # noqa: BLE001 - a thread's failure is told by `finish`
            self._failure = error

    def _one_of(self, things: Any) -> Any:
        return things[self._chance.seed() % len(things)]

    def _ask(self, method: str, path: str, body: dict[str, Any], *, expected: set[int]) -> tuple[int, Any] | None:
        """The answer, if there was one; an answer that no request of ours deserves fails the test."""
        try:
            status, answer = self._lab.ask(method, path, body)
        except NobodyAnsweredError:
            return None
        self.answered += 1
        # 503: the database was away for a moment, or the queue was full; nothing was written.
        assert status in expected | {503}, f"{method} {path} {body}: {status} {answer}"
        return None if status == 503 else (status, answer)

    def _next(self, kind: str) -> str:
        self._numbers[kind] += 1
        return f"{kind}-{self._numbers[kind]}"

    # ------------------------------------------------------------------------------------------------------- pods

    def _add_pod(self, kind: str, **wanted: Any) -> str | None:
        name = self._next(kind)
        answer = self._ask("POST", "/add_pod", {"name": name, **wanted}, expected={201})
        if answer is None:
            return None
        for written in answer[1].get("items", [answer[1]]):
            self._added[written["uid"]] = written["name"]
        return name

    def _add_passing_pod(self) -> None:
        seconds = 0.05 + self._chance.jitter(below=1.5)
        wanted = {"cpus": 0.1, "memory": "16Mi", "run_seconds": seconds, "exit_code": self._one_of([0, 0, 1])}
        self._add_pod("pod", **wanted, count=self._one_of(range(1, 9)))

    def _add_lasting_pod(self) -> None:
        patience = self._one_of([0, 1])
        tolerated = [
            {"key": f"node.kubernetes.io/{what}", "operator": "Exists", "effect": "NoExecute",
             "toleration_seconds": patience}
            for what in ("unreachable", "not-ready")
        ]  # fmt: skip
        name = self._add_pod("pod", cpus=0.25, memory="64Mi", priority=self._one_of([0, 0, 5]), tolerations=tolerated)
        if name is not None:
            self._lasting.append(name)
            if len(self._lasting) > _LASTING_MAX:
                self._delete_pod()

    def _add_hopeless_pod(self) -> None:
        if self._numbers[HOPELESS] < 5:
            self._add_pod(HOPELESS, cpus=1000, priority=10)

    def _delete_pod(self) -> None:
        if not self._lasting:
            return
        name = self._lasting[0]
        self._maybe_deleted.add(name)
        # 404: an earlier wish to delete it was carried out, but not answered.
        answer = self._ask("DELETE", "/delete_pod", {"name": name}, expected={202, 404})
        if answer is not None:
            self._deleted.add(name)
            self._lasting.pop(0)

    # ------------------------------------------------------------------------------------------------------ nodes

    def _break_node(self) -> None:
        if len(self._broken) >= _BROKEN_MAX:
            return
        name, kind = self._one_of(self._nodes), self._one_of(_FAULTS)
        self._broken[name] = kind  # also if nobody answers: it may have been carried out
        self._ask("POST", "/fail_node", {"name": name, "kind": kind}, expected={202})

    def _heal_some_node(self) -> None:
        if self._broken:
            self._heal(self._one_of(sorted(self._broken)))

    def _heal(self, name: str) -> None:
        # 409: nothing is broken any more; a crash ends by the restart that follows it.
        # 404: it was deleted by a request that nobody answered, as the wish to break it was not answered either.
        if self._ask("POST", "/heal_node", {"name": name}, expected={202, 404, 409}) is not None:
            del self._broken[name]

    def _restart_node(self) -> None:
        self._ask("PUT", "/restart_node", {"name": self._one_of(self._nodes)}, expected={202})

    def _replace_node(self) -> None:
        """Another node first, then the oldest goes."""
        if self._broken or len(self._nodes) != len(NODES):
            return self._finish_replacing()
        name = self._next("node")
        if self._ask("POST", "/add_node", {"name": name, "cpus": 8}, expected={201}) is not None:
            self._nodes.append(name)
        return self._finish_replacing()

    def _finish_replacing(self) -> None:
        if len(self._nodes) == len(NODES) or self._nodes[0] in self._broken:
            return
        name = self._nodes[0]
        self._maybe_deleted.add(name)
        if self._ask("DELETE", "/delete_node", {"name": name}, expected={202, 404}) is not None:
            self._deleted.add(name)
            self._nodes.pop(0)
