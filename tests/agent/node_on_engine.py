"""A node's agent on a real engine, without its API: the test says what belongs there, and reads what is reported."""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import msgspec

from kuberklone.agent.assignments import Assignment
from kuberklone.agent.inventory import Inventory
from kuberklone.agent.reconciling import Nudge, Reconciler
from kuberklone.agent.runtime import Place, Runtime
from kuberklone.agent.standing import Standing
from kuberklone.agent.workers import Workers
from kuberklone.chance import Chance
from kuberklone.clock import SYSTEM
from kuberklone.engine import labels
from kuberklone.engine.connection import Engine
from kuberklone.engine.pod_containers import PodContainers
from kuberklone.kinds.reporting import Assigned, AssignedPod, PodReport
from tests import engine as engines
from tests.waiting import until

NODE_UID = "node-uid-1"
BOOT = "boot-1"
# Two busy cores: an engine may take seconds for what it does in tenths elsewhere.
WITHIN_S = 40.0

_LOOK_S = 0.2

_chance = Chance()

Answer = TypeVar("Answer")


@dataclass
class Observed:
    """What was said last of each pod."""

    reports: dict[str, PodReport] = field(default_factory=dict)
    removed: set[str] = field(default_factory=set)

    def observe(
        self, reports: Iterable[PodReport], *, removed: Iterable[str], assigned: Mapping[str, Assignment], now_ms: int
    ) -> None:
        self.reports |= {each.uid: each for each in reports}
        self.removed |= set(removed)


class NodeOnEngine:
    """A node that is granted everything and told what a test wants."""

    def __init__(self, engine: Engine, cluster: str, *, boot_id: str = BOOT, network_of: str | None = None) -> None:
        self.engine = engine
        self.cluster = cluster
        self.observed = Observed()
        self.containers = PodContainers(engine, cluster=cluster, node_uid=NODE_UID)
        self.standing = Standing(
            node_name="node-1", boot_id=boot_id, shares_network=network_of is not None, clock=SYSTEM
        )
        self._nudge = Nudge()
        self._stop = threading.Event()
        place = Place(
            cluster=cluster,
            node_uid=NODE_UID,
            node_name="node-1",
            boot_id=boot_id,
            address="10.0.0.7",
            # An image of the tests' own stands in for the pause image, which needs a compiler to be made.
            pause_image=engines.IMAGE,
            network_of=network_of,
        )
        self._workers = Workers(Runtime(self.containers, place), self.containers, clock=SYSTEM, nudge=self._nudge)
        self.reconciler = Reconciler(
            Inventory(self.containers, clock=SYSTEM),
            self._workers,
            standing=self.standing,
            observer=self.observed,
            address="10.0.0.7",
            nudge=self._nudge,
            clock=SYSTEM,
        )
        self._thread = threading.Thread(target=self.reconciler.run, args=(self._stop,), name="reconcile")
        self._looker = threading.Thread(target=self._look, name="look")
        self._pods: dict[str, AssignedPod] = {}
        self._revision = 0

    def begin(self) -> None:
        self._thread.start()
        self._looker.start()

    def end(self) -> None:
        """As an agent that is killed: whatever it has begun stays as it is."""
        self._stop.set()
        self._nudge()
        self._thread.join()
        self._looker.join()
        self._workers.close()

    # ---------------------------------------------------------------------------------- what the cluster says

    def heard(self, *, grant_s: float = 600.0) -> None:
        """The cluster answered a beat."""
        now_ms = SYSTEM.steady_ms()
        self.standing.granted(grant_s, sent_ms=now_ms, answered_ms=now_ms)

    def add(self, *containers: dict[str, Any], uid: str = "", **fields: Any) -> str:
        """Give the node a pod; its uid."""
        uid = uid or _chance.uid()
        spec: dict[str, Any] = {"containers": list(containers)}
        spec |= {key: fields.pop(key) for key in ("initContainers", "restartPolicy") if key in fields}
        raw = msgspec.Raw(msgspec.json.encode(spec))
        self._pods[uid] = AssignedPod(uid=uid, namespace="default", name=f"pod-{uid[-6:]}", spec=raw, **fields)
        self.tell()
        return uid

    def change(self, uid: str, **fields: Any) -> None:
        self._pods[uid] = msgspec.structs.replace(self._pods[uid], **fields)
        self.tell()

    def take_away(self, uid: str) -> None:
        """The pod belongs elsewhere now."""
        del self._pods[uid]
        self.tell()

    def tell(self) -> None:
        self._revision += 1
        asked_ms = SYSTEM.steady_ms()
        self.standing.told(Assigned(revision=self._revision, pods=list(self._pods.values())), asked_ms=asked_ms)
        self._nudge()

    # ---------------------------------------------------------------------------------- what is seen

    def until(self, condition: Callable[[], Answer | None], what: str) -> Answer:
        return until(condition, within_s=WITHIN_S, what=what)

    def report(self, uid: str, **wanted: Any) -> PodReport:
        """What is said of a pod, once it is this."""

        def said() -> PodReport | None:
            found = self.observed.reports.get(uid)
            fits = found is not None and all(getattr(found, name) == value for name, value in wanted.items())
            return found if fits else None

        return self.until(said, f"{uid} is reported as {wanted}; it is {self.observed.reports.get(uid)}")

    def status(self, uid: str, name: str = "main") -> dict[str, Any]:
        """The status of a container as it was reported last."""
        members = msgspec.json.decode(self.observed.reports[uid].status)
        every = [*members.get("initContainerStatuses", ()), *members["containerStatuses"]]
        (found,) = [each for each in every if each["name"] == name]
        return dict(found)

    def inspected(self, uid: str, name: str = "main", attempt: int = 0) -> dict[str, Any]:
        """What the engine says of a container."""
        return dict(self.engine.api.inspect_container(labels.pod_container(self.cluster, uid, name, attempt)))

    def existing(self, uid: str | None = None) -> list[str]:
        """Names of the containers of all pods or one, whatever their state."""
        found = engines.containers(self.engine, self.cluster)
        names = [each["Names"][0].lstrip("/") for each in found]
        return sorted(name for name in names if uid is None or uid in name)

    def output(self, uid: str, name: str = "main", attempt: int = 0) -> str:
        raw = self.engine.api.logs(labels.pod_container(self.cluster, uid, name, attempt))
        return bytes(raw).decode()

    def _look(self) -> None:
        """In place of the engine's events, whose connection nobody could end with the test."""
        while not self._stop.wait(_LOOK_S):
            self._nudge()


def program(image: str, *command: str, name: str = "main", **fields: Any) -> dict[str, Any]:
    """A container of a spec."""
    return {"name": name, "image": image, "imagePullPolicy": "Never", "command": list(command), **fields}


@contextmanager
def running(engine: Engine, cluster: str, *, grant_s: float = 600.0, **options: Any) -> Iterator[NodeOnEngine]:
    """A node that was heard once, until the end of the block."""
    node = NodeOnEngine(engine, cluster, **options)
    node.heard(grant_s=grant_s)
    node.tell()
    node.begin()
    try:
        yield node
    finally:
        node.end()
