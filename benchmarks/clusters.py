"""Clusters to measure on, written in bulk through the store: nodes that run and are heard, pods of many shapes."""

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import msgspec

from kuberklone.chance import Chance
from kuberklone.kinds import json_text
from kuberklone.kinds.node import HEARD, Node
from kuberklone.kinds.pod import Pod, scheduling_inputs, shape
from kuberklone.store import containers, heartbeats, nodes, pods, use
from kuberklone.store.containers import SimulatedContainer
from kuberklone.store.database import Store
from kuberklone.store.transaction import Transaction, in_batches

# One seed, so that every repetition and every machine measures the same cluster.
SEED = 1
_SHAPES = 200
_ZONES = 5
# Sixteen variables bring a pod's document to the 1.3 kB that a small real one has.
_ENVIRONMENT = [{"name": f"VARIABLE_{index}", "value": f"value number {index}"} for index in range(16)]


@contextmanager
def opened(url: str) -> Iterator[Store]:
    store = Store(url, writer="benchmark")
    try:
        yield store
    finally:
        store.close()


def add_nodes(store: Store, count: int, *, chance: Chance) -> list[Node]:
    """Simulated nodes with 16 cpus and 64 GiB that run, are heard and Ready, five zones of them."""

    def write(transaction: Transaction, batch: list[Node]) -> int:
        ready = [msgspec.structs.replace(node, ready_since_ms=transaction.now_ms) for node in batch]
        written.extend(nodes.create(transaction, ready))
        heartbeats.register(
            transaction.connection,
            ((node.uid, node.boot_id or "") for node in batch),
            path="simulator",
            now_ms=transaction.now_ms,
            granted_until_ms=transaction.now_ms,
        )
        return len(batch)

    written: list[Node] = []
    wanted = [
        Node(
            uid=chance.uid(),
            name=f"node-{number}",
            labels=json_text.text({"zone": f"z{number % _ZONES}"}),
            cpu_millis=16_000,
            memory_bytes=64 * 2**30,
            machine="Running",
            boot_id=chance.uid(),
            ready="True",
            ready_reason=HEARD,
        )
        for number in range(1, count + 1)
    ]
    in_batches(store, wanted, write)
    return written


def shuffled_pods(count: int, *, chance: Chance) -> list[Pod]:
    """Pods of 200 shapes in random order: 10 % with a node selector, 5 % larger than any node."""
    draw = random.Random(SEED)
    shapes = [_shape(index, draw) for index in range(_SHAPES)]
    return [
        msgspec.structs.replace(shapes[draw.randrange(_SHAPES)], uid=chance.uid(), name=f"pod-{number}")
        for number in range(1, count + 1)
    ]


def _shape(index: int, draw: random.Random) -> Pod:
    cpu_millis = 99_000 if index % 20 == 1 else draw.choice([100, 250, 500, 1000, 2000]) + index
    selector = {"zone": f"z{index % _ZONES}"} if index % 10 == 0 else None
    return pod(cpu_millis=cpu_millis, memory_bytes=draw.choice([128, 256, 512]) * 2**20, selector=selector)


def pod(*, cpu_millis: int, memory_bytes: int, selector: dict[str, str] | None = None, toleration_s: int = 5) -> Pod:
    """A pod like those of /add_pod, with a document of about 1.3 kB; to be given a uid and a name."""
    spec = {
        "containers": [
            {
                "name": "main",
                "image": "registry.example/app:1.0",
                "env": _ENVIRONMENT,
                "resources": {"requests": {"cpu": f"{cpu_millis}m", "memory": str(memory_bytes)}},
            }
        ],
        **({"nodeSelector": selector} if selector else {}),
        "tolerations": [
            {
                "key": f"node.kubernetes.io/{reason}",
                "operator": "Exists",
                "effect": "NoExecute",
                "tolerationSeconds": toleration_s,
            }
            for reason in ("not-ready", "unreachable")
        ],
    }
    made = Pod(
        uid="",
        name="",
        cpu_millis=cpu_millis,
        memory_bytes=memory_bytes,
        spec=json_text.text(spec),
        on_node_failure="Reschedule",
    )
    return msgspec.structs.replace(made, shape=shape(scheduling_inputs(made)))


def named(template: Pod, name: str, chance: Chance) -> Pod:
    return msgspec.structs.replace(template, uid=chance.uid(), name=name)


def add_pods(store: Store, wanted: Sequence[Pod]) -> None:
    in_batches(store, list(wanted), lambda transaction, batch: len(pods.create(transaction, batch)))


def add_running_pods(store: Store, wanted: Sequence[tuple[Pod, Node]]) -> None:
    """Pods that run already, with all the rows that the scheduler and the simulator would have written."""

    def write(transaction: Transaction, batch: list[tuple[Pod, Node]]) -> int:
        placed = [
            msgspec.structs.replace(pod, node_name=node.name, bound_ms=transaction.now_ms, phase="Running",
                                    started_ms=transaction.now_ms)
            for pod, node in batch
        ]  # fmt: skip
        created = pods.create(transaction, placed)
        use.reserve(
            transaction, [(node.name, node.revision, pod) for pod, (_, node) in zip(created, batch, strict=True)]
        )
        containers.put(
            transaction.connection,
            (_container(pod, node) for pod, (_, node) in zip(created, batch, strict=True)),
        )
        return len(created)

    in_batches(store, list(wanted), write)


def _container(pod: Pod, node: Node) -> SimulatedContainer:
    return SimulatedContainer(
        pod_uid=pod.uid,
        namespace=pod.namespace,
        name=pod.name,
        node_name=node.name,
        boot_id=node.boot_id or "",
        state="Running",
        started_ms=pod.started_ms or 0,
        ends_at_ms=None,
    )
