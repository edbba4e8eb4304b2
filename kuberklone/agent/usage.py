"""How much the node and its pods use: two looks at what the engine counts, and the difference."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import psutil

from kuberklone.agent.facts import Container
from kuberklone.clock import SystemClock
from kuberklone.engine.pod_containers import PodContainers, Use
from kuberklone.errors import EngineError
from kuberklone.kinds.reporting import NodeUsage, PodUsage

_NS_PER_MS = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    node: NodeUsage | None = None
    pods: tuple[PodUsage, ...] = ()


@dataclass(frozen=True, slots=True)
class _Look:
    at_ms: int
    cpu_ns: int


class Usage:
    """For one thread; `last` may be read by any."""

    def __init__(self, containers: PodContainers, *, node_container: str, clock: SystemClock) -> None:
        self._containers = containers
        self._node_container = node_container
        self._clock = clock
        self._looks: dict[str, _Look] = {}
        self.last = Sample()

    def sample(self, existing: Iterable[Container]) -> None:
        """Look once more. A container that is new has no difference yet, so it counts from the next look on."""
        looks: dict[str, _Look] = {}
        cpu_millis: dict[str, int] = defaultdict(int)
        memory_bytes: dict[str, int] = defaultdict(int)
        for container in existing:
            if container.state != "Running":
                continue
            use = self._use(container.id)
            if use is None:
                continue
            cpu_millis[container.pod_uid] += self._millis(container.id, use.cpu_ns, looks)
            memory_bytes[container.pod_uid] += use.memory_bytes
        node = self._node(looks)
        self._looks = looks
        self.last = Sample(
            node=node,
            pods=tuple(
                PodUsage(uid=uid, cpu_millis=cpu_millis[uid], memory_bytes=used) for uid, used in memory_bytes.items()
            ),
        )

    def _node(self, looks: dict[str, _Look]) -> NodeUsage | None:
        """Of the container that is the node, whose control group holds its pods; else of the machine."""
        if not self._node_container:
            busy_ns = round(sum(part for name, part in _cpu_times().items() if name not in ("idle", "iowait")) * 1e9)
            memory = psutil.virtual_memory()
            return NodeUsage(
                cpu_millis=self._millis("", busy_ns, looks), memory_bytes=int(memory.total - memory.available)
            )
        use = self._use(self._node_container)
        if use is None:
            return None
        return NodeUsage(
            cpu_millis=self._millis(self._node_container, use.cpu_ns, looks), memory_bytes=use.memory_bytes
        )

    def _use(self, container_id: str) -> Use | None:
        try:
            return self._containers.use(container_id)
        except (EngineError, KeyError):
            return None  # it has just ended, or the engine does not answer: the next look tells

    def _millis(self, what: str, cpu_ns: int, looks: dict[str, _Look]) -> int:
        now_ms = self._clock.steady_ms()
        looks[what] = _Look(now_ms, cpu_ns)
        before = self._looks.get(what)
        if before is None or now_ms <= before.at_ms:
            return 0
        return max(0, (cpu_ns - before.cpu_ns) * 1000 // ((now_ms - before.at_ms) * _NS_PER_MS))


def _cpu_times() -> dict[str, float]:
    times = psutil.cpu_times()._asdict()
    # Guests are counted in user time as well.
    return {name: float(part) for name, part in times.items() if not name.startswith("guest")}
