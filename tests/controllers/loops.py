"""All controllers on one store, run pass by pass by the test, on time that only the test moves."""

import importlib
from typing import Any, cast

from sqlalchemy import text

from controllers import catalogue
from controllers._loop.contract import Controller, Factory, Outcome
from controllers._loop.runner import _Passes
from kuberklone.chance import Chance
from kuberklone.kinds.node import Node
from kuberklone.kinds.pod import Pod
from kuberklone.kinds.pod_request import PodRequest, build
from kuberklone.settings import Settings
from kuberklone.store import cluster_time, containers, evictions, leaderships, nodes, pods, transaction
from kuberklone.store.containers import SimulatedContainer
from kuberklone.store.database import Store
from kuberklone.store.evictions import Eviction
from kuberklone.store.faults import FaultKind
from kuberklone.store.leaderships import Candidate
from kuberklone.store.operations import (
    Applier,
    CreateNodes,
    CreatePods,
    DeleteNode,
    DeletePod,
    HealNode,
    InjectFault,
    Operation,
    RestartNode,
)
from kuberklone.store.transaction import Fence
from tests.controllers.virtual_time import VirtualClock

# As often as the runner's renewals advance cluster time.
_TICK_MS = 900
# A controller whose every pass calls for the next one would never let anybody sleep.
_PASSES_AT_ONCE_MAX = 200
NAMES = tuple(catalogue.names())


class _Leader:
    """One controller in office."""

    def __init__(self, controller: Controller, store: Store, fence: Fence) -> None:
        self.controller = controller
        self.fence = fence
        self.passes = _Passes(controller, store)


class Loops:
    def __init__(self, store: Store, clock: VirtualClock, settings: Settings) -> None:
        self.store = store
        self.clock = clock
        self.settings = settings
        self._leaders: dict[str, _Leader] = {}
        self._applier = Applier()
        self.errors: list[str] = []
        """What single records the passes could not handle."""
        self.start(*NAMES)

    # ------------------------------------------------------------------------------------------------ processes

    def start(self, *names: str) -> None:
        """New processes of these controllers, which remember nothing."""
        for name in names:
            module = importlib.import_module(f"controllers.{name}.reconcile")
            fence = Candidate(self.store, name, term_s=1.0, clock=self.clock).stand()
            assert fence is not None, f"nobody else leads {name}"
            controller = cast(Factory, module.controller)(self.store, self.settings)
            controller.forget()
            self._leaders[name] = _Leader(controller, self.store, fence)

    def kill(self, *names: str) -> None:
        """These do nothing more; whoever starts next may lead at once, as after the end of a process."""
        for name in names:
            leaderships.resign(self.store, self._leaders.pop(name).fence)

    def kill_all(self) -> None:
        self.kill(*self._leaders)

    def start_all(self) -> None:
        self.start(*NAMES)

    def start_anew(self, name: str) -> None:
        """Kill it, and start it at once."""
        self.kill(name)
        self.start(name)

    # ----------------------------------------------------------------------------------------------------- time

    def now_ms(self) -> int:
        with self.store.snapshot() as connection:
            return cluster_time.now_ms(connection, wall_ms=self.clock.wall_ms())

    def run(self, name: str) -> Outcome:
        """One pass of one controller."""
        leader = self._leaders[name]
        now_ms, _ = leader.passes.due()
        return leader.passes.run(now_ms, leader.fence)

    def settle(self) -> None:
        """Run whatever is due now, until nothing is."""
        self._next_wake_s()

    def pass_s(self, seconds: float) -> None:
        """Let time go by, with everything done the moment it is due."""
        left_ms = round(seconds * 1000)
        while True:
            next_ms = max(1, round(self._next_wake_s() * 1000))
            if left_ms <= 0:
                return
            step_ms = min(next_ms, left_ms, _TICK_MS)
            self.clock.pass_ms(step_ms)
            left_ms -= step_ms
            self._tick()

    def sleep_s(self, seconds: float) -> None:
        """The whole machine stands still, its clock does not."""
        self.clock.pass_ms(round(seconds * 1000))

    def _tick(self) -> None:
        with self.store.snapshot() as connection:
            behind_ms = cluster_time.unadvanced_ms(connection, wall_ms=self.clock.wall_ms())
        if behind_ms >= _TICK_MS:
            with transaction.write(self.store):
                pass

    def _next_wake_s(self) -> float:
        """Run what is due; in how many seconds something will be."""
        for _ in range(_PASSES_AT_ONCE_MAX):
            waits_s = [self._run_if_due(leader) for leader in self._leaders.values()]
            if all(wait_s > 0 for wait_s in waits_s):
                return min(waits_s, default=_TICK_MS / 1000)
        raise AssertionError("the controllers keep each other busy without an end")

    def _run_if_due(self, leader: _Leader) -> float:
        now_ms, due_in_s = leader.passes.due()
        if due_in_s <= 0:
            self.errors += leader.passes.run(now_ms, leader.fence).errors
        return due_in_s

    # --------------------------------------------------------------------------------------------- people's wishes

    def apply(self, *operations: Operation) -> None:
        with transaction.write(self.store, reserve=len(operations)) as opened:
            outcomes = self._applier.apply(opened, operations)
        for outcome in outcomes:
            if isinstance(outcome, Exception):
                raise outcome

    def add_nodes(self, count: int, *, cpus: int = 4) -> None:
        """So many more nodes, `node-1` and on, Ready when this returns."""
        self.add_node(*[""] * count, cpus=cpus)

    def add_node(self, *names: str, cpus: int = 4) -> None:
        chance = Chance()
        self.apply(
            CreateNodes(nodes=tuple(Node(uid=chance.uid(), name=name, cpu_millis=cpus * 1000) for name in names))
        )
        self.settle()

    def add_pods(self, count: int = 1, **wanted: Any) -> None:
        """So many more pods, `pod-1` and on."""
        request = PodRequest(**{"cpus": 1, "count": count, **wanted})
        self.apply(CreatePods(pods=build(request, toleration_s=self.settings.toleration_s)))
        self.settle()

    def add_pod(self, name: str, **wanted: Any) -> None:
        self.add_pods(1, name=name, **wanted)

    def fail(self, name: str, kind: FaultKind, *, restart: bool = True) -> None:
        self.apply(InjectFault(name=name, kind=kind, restart=restart))

    def heal(self, name: str) -> None:
        self.apply(HealNode(name=name))

    def restart_node(self, name: str) -> None:
        self.apply(RestartNode(name=name))

    def delete_node(self, name: str) -> None:
        self.apply(DeleteNode(name=name))

    def delete_pod(self, name: str) -> None:
        self.apply(DeletePod(namespace="default", name=name))

    # --------------------------------------------------------------------------------------------------- what is

    def node(self, name: str) -> Node:
        with self.store.snapshot() as connection:
            (found,) = nodes.named(connection, [name])
        return found

    def node_names(self) -> set[str]:
        with self.store.snapshot() as connection:
            return {node.name for node in nodes.all_nodes(connection)}

    def ready(self) -> set[str]:
        with self.store.snapshot() as connection:
            return {node.name for node in nodes.all_nodes(connection) if node.ready == "True"}

    def pod(self, name: str) -> Pod:
        found = self.pod_or_none(name)
        assert found is not None, f"{name} is there"
        return found

    def pod_or_none(self, name: str) -> Pod | None:
        with self.store.snapshot() as connection:
            return pods.named(connection, "default", name)

    def pods_on(self, *names: str) -> set[str]:
        with self.store.snapshot() as connection:
            return {pod.name for pod in pods.on_nodes(connection, names)}

    def running(self) -> dict[str, list[str]]:
        """For each pod's name, the nodes on which a container of it runs."""
        found: dict[str, list[str]] = {}
        for container in self.containers():
            if container.state == "Running":
                found.setdefault(container.name, []).append(container.node_name)
        return found

    def containers(self) -> list[SimulatedContainer]:
        with self.store.snapshot() as connection:
            return containers.read(connection)

    def evictions(self) -> list[Eviction]:
        with self.store.snapshot() as connection:
            return evictions.all_evictions(connection)

    def halted(self) -> bool:
        return bool(self.sql("SELECT 1 FROM reporting_paths WHERE halted"))

    def told(self, name: str) -> list[str]:
        """The reasons of what was said about a node or a pod, or about all that bore this name."""
        return [row[0] for row in self.sql("SELECT reason FROM events WHERE involved_name = :name", name=name)]

    def sql(self, question: str, **parameters: Any) -> list[Any]:
        with self.store.snapshot() as connection:
            return list(connection.execute(text(question), parameters).all())

    def damage(self, statement: str, **parameters: Any) -> None:
        """What a person with a SQL prompt may do to the tables."""
        with self.store.turn(), self.store.engine.begin() as connection:
            connection.execute(text(statement), parameters)
