"""10,000 nodes, 100,000 pods, 100 nodes die: seconds after their deadline until all 1,000 pods are bound again."""

import time

from sqlalchemy import text

from benchmarks import clusters, programs, raw
from benchmarks.measurement import Benchmark, Figure, Place, Values
from benchmarks.raw import Raw
from kuberklone.chance import Chance
from kuberklone.kinds import pod_document
from kuberklone.store import cluster_time, pods, use
from kuberklone.store.database import Store
from kuberklone.store.nudge import Listener
from kuberklone.store.operations import Applier, InjectFault
from kuberklone.store.rows import BulkStatement
from kuberklone.store.transaction import write

NODES = 10_000
PODS_PER_NODE = 10
DEAD = 100
_DEAD_NODES = [f"node-{number}" for number in range(1, DEAD + 1)]
# The classroom's times: the same work as with the default ones, and not a minute of waiting in each repetition.
_TOLERATION_S = round(float(programs.DEMO_TIMES["KUBERKLONE_TOLERATION_S"]))
_REBOUND = "deadline to last binding"
_LIMIT_S = 60.0

# No eviction is due any more, no pod is on its way out and none waits: three looks into indexes that are empty by then,
# for a reader that counted the pods each time would take the processor from those it watches.
_LEFT = text(
    "SELECT EXISTS (SELECT 1 FROM evictions) OR EXISTS (SELECT 1 FROM pods WHERE deleting_ms IS NOT NULL) "
    "OR EXISTS (SELECT 1 FROM pods WHERE node_name IS NULL)"
)
# By name: the successor has the name of the pod that was lost, and was created after the nodes died.
_BOUND_AGAIN = BulkStatement(
    "SELECT COUNT(*) FROM {rows} AS r JOIN pods AS p ON p.namespace = r.namespace AND p.name = r.name "
    "WHERE p.created_ms > :since_ms AND p.node_name IS NOT NULL",
    {"namespace": "text", "name": "text"},
)


def prepare(place: Place) -> None:
    chance = Chance(clusters.SEED)
    with clusters.opened(place.url) as store:
        nodes = clusters.add_nodes(store, NODES, chance=chance)
        template = clusters.pod(cpu_millis=500, memory_bytes=128 * 2**20, toleration_s=_TOLERATION_S)
        wanted = [
            (clusters.named(template, f"pod-{number}", chance), nodes[number % NODES])
            for number in range(NODES * PODS_PER_NODE)
        ]
        clusters.add_running_pods(store, wanted)


def measure(place: Place) -> Values:
    with (
        clusters.opened(place.url) as store,
        programs.cluster(place, store, environment=programs.DEMO_TIMES) as running,
    ):
        time.sleep(3.0)  # everybody has read the whole once and the first rounds of beats are written
        assert _silent(store) == 0, "nobody is dead yet"
        since_ms = _now_ms(store)
        with store.snapshot() as connection:
            lost = [(pod.namespace, pod.name) for pod in pods.on_nodes(connection, _DEAD_NODES)]
        assert len(lost) == DEAD * PODS_PER_NODE, f"{len(lost)} pods are on the nodes that will die"
        _kill(store)
        running.until(lambda: _silent(store) == DEAD, what="the dead nodes are judged", poll_s=0.1)
        deadline_ms = _deadline_ms(store)
        while _now_ms(store) < deadline_ms - 20:
            time.sleep(0.02)
        seen_ms = _last_binding_seen_ms(store, lost, since_ms)
        with store.snapshot() as connection:
            assert use.drifted(connection) == [], "what is kept of the nodes' use is what their pods take"
    return {_REBOUND: (seen_ms - deadline_ms) / 1000}


def _kill(store: Store) -> None:
    """As POST /fail_node does, all in one transaction."""
    wishes = [InjectFault(name=name, kind="crash", restart=False) for name in _DEAD_NODES]
    with write(store) as transaction:
        outcomes = Applier().apply(transaction, wishes)
    assert not any(isinstance(outcome, Exception) for outcome in outcomes), outcomes


def _last_binding_seen_ms(store: Store, lost: list[tuple[str, str]], since_ms: int) -> int:
    """Cluster time at which a reader sees that every lost pod has a successor with a node."""
    listener = Listener(store)
    gives_up = time.monotonic() + _LIMIT_S
    try:
        while True:
            with store.snapshot() as connection:
                if not connection.execute(_LEFT).scalar_one():
                    now_ms = cluster_time.now_ms(connection, wall_ms=store.clock.wall_ms())
                    bound: int = _BOUND_AGAIN.execute(connection, lost, since_ms=since_ms).scalar_one()
                    assert bound == len(lost), f"{bound} of {len(lost)} pods were bound again"
                    return now_ms
            if time.monotonic() > gives_up:
                raise programs.NeverReadyError("some pods were not bound again")
            listener.wait(0.02)
    finally:
        listener.close()


def _silent(store: Store) -> int:
    with store.snapshot() as connection:
        found: int = connection.execute(text("SELECT COUNT(*) FROM nodes WHERE ready <> 'True'")).scalar_one()
    return found


def _deadline_ms(store: Store) -> int:
    """When the last of the dead nodes' pods may be moved: its taint's time and the pods' toleration."""
    with store.snapshot() as connection:
        judged_ms: int = connection.execute(
            text("SELECT MAX(ready_since_ms) FROM nodes WHERE ready <> 'True'")
        ).scalar_one()
    return judged_ms + _TOLERATION_S * 1000


def _now_ms(store: Store) -> int:
    with store.snapshot() as connection:
        return cluster_time.now_ms(connection, wall_ms=store.clock.wall_ms())


def measure_raw(place: Place) -> Values:
    """The rows that such a move writes: each pod marked, deleted, inserted anew and bound, with four changes."""
    with clusters.opened(place.url) as store, store.snapshot() as connection:
        lost = pods.on_nodes(connection, _DEAD_NODES)
    documents = {pod.uid: pod_document.document(pod) for pod in lost}
    driver = Raw(place)
    revision = raw.next_revision(driver)

    def log(type_: str, batch: raw.Rows) -> None:
        nonlocal revision
        rows = [
            raw.change(revision + index, type_, name=pod.name, uid=pod.uid, document=documents[pod.uid])
            for index, (pod,) in enumerate(batch)
        ]
        driver.insert("changes", raw.CHANGES, rows)
        revision += len(batch)

    with raw.stopwatch() as seconds:
        for batch in raw.batches([(pod,) for pod in lost]):
            with driver.transaction(len(batch)):
                driver.update("pods", {"deleting_ms": "bigint"}, "uid", [(1, pod.uid) for (pod,) in batch])
                log("MODIFIED", batch)
        for batch in raw.batches([(pod,) for pod in lost]):
            with driver.transaction(2 * len(batch)):
                driver.delete("pods", "uid", [pod.uid for (pod,) in batch])
                log("DELETED", batch)
                driver.insert(
                    "pods",
                    {
                        "uid": "text", "name": "text", "namespace": "text", "revision": "bigint",
                        "created_ms": "bigint", "spec": "text", "cpu_millis": "bigint", "memory_bytes": "bigint",
                        "shape": "text",
                    },
                    [(pod.uid, pod.name, "default", 1, 1, pod.spec, 500, 0, pod.shape) for (pod,) in batch],
                )  # fmt: skip
                log("ADDED", batch)
        for batch in raw.batches([(pod,) for pod in lost]):
            with driver.transaction(len(batch)):
                driver.update("pods", {"node_name": "text"}, "uid", [("node-500", pod.uid) for (pod,) in batch])
                log("MODIFIED", batch)
    driver.close()
    return {_REBOUND: seconds[0]}


BENCHMARK = Benchmark(
    name="failing",
    title="10,000 nodes and 100,000 pods, 100 nodes die: all 1,000 pods bound again",
    figures=(
        Figure(name=_REBOUND, unit="s after the deadline", better="less", target=0.5, decimals=2, share_min=0.08),
    ),
    prepare=prepare,
    measure=measure,
    raw=measure_raw,
)
