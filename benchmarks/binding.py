"""10,000 pending pods of 200 shuffled shapes on 5,000 nodes, bound in one pass of the real scheduler."""

import time

from benchmarks import clusters, raw
from benchmarks.measurement import Benchmark, Figure, Place, Values
from benchmarks.raw import Raw
from kuberklone.chance import Chance
from kuberklone.kinds import pod_document
from kuberklone.store import pods, use
from kuberklone.store.leaderships import Candidate

NODES = 5_000
PODS = 10_000
FIT = 0.95
_RATE = "pods bound"
# As long as what the scheduler writes of its best few nodes.
_BEST = '[["node-1",90],["node-2",90],["node-3",90]]'


def prepare(place: Place) -> None:
    chance = Chance(clusters.SEED)
    with clusters.opened(place.url) as store:
        clusters.add_nodes(store, NODES, chance=chance)
        clusters.add_pods(store, clusters.shuffled_pods(PODS, chance=chance))


def measure(place: Place) -> Values:
    """From the first read of the snapshot to the last commit, by a scheduler that knows nothing yet."""
    from controllers._loop.process import expect_many_objects
    from controllers.scheduler.reconcile import Scheduler

    expect_many_objects()  # as the controller's process does
    with clusters.opened(place.url) as store:
        fence = Candidate(store, "scheduler", term_s=4.0, clock=store.clock).stand()
        assert fence is not None, "nobody else runs on this database"
        scheduler = Scheduler(store, chance=Chance(clusters.SEED))
        started = time.perf_counter()
        outcome = scheduler.run_once(0, fence)
        seconds = time.perf_counter() - started
        with store.snapshot() as connection:
            assert use.drifted(connection) == [], "what is kept of the nodes' use is what their pods take"
        bound = outcome.counts["bound"]
        assert PODS * (FIT - 0.02) < bound < PODS * (FIT + 0.02), f"{bound} were bound"
    return {_RATE: PODS / seconds}


def measure_raw(place: Place) -> Values:
    """Read what the scheduler reads; then, for each pod: its row, a change with the object, placement, decision."""
    with clusters.opened(place.url) as store, store.snapshot() as connection:
        waiting = pods.unbound(connection)
    documents = {pod.uid: pod_document.document(pod) for pod in waiting}
    driver = Raw(place)
    with raw.stopwatch() as seconds:
        driver.execute("SELECT * FROM nodes")
        driver.execute("SELECT * FROM pods WHERE node_name IS NULL")
        revision = raw.next_revision(driver)
        for batch in raw.batches([(pod,) for pod in waiting]):
            numbered = [(revision + index, row[0]) for index, row in enumerate(batch)]
            revision += len(batch)
            with driver.transaction(len(batch)):
                driver.update(
                    "node_use",
                    {"cpu_millis": "bigint", "memory_bytes": "bigint", "pods": "bigint", "revision": "bigint"},
                    "node_name",
                    [(1, 1, 1, number, f"node-{number % NODES + 1}") for number, _ in numbered],
                )
                driver.update(
                    "pods",
                    {"revision": "bigint", "node_name": "text", "bound_ms": "bigint"},
                    "uid",
                    [(number, f"node-{number % NODES + 1}", number, pod.uid) for number, pod in numbered],
                )
                driver.insert(
                    "changes",
                    raw.CHANGES,
                    [
                        raw.change(number, "MODIFIED", name=pod.name, uid=pod.uid, document=documents[pod.uid])
                        for number, pod in numbered
                    ],
                )
                driver.insert(
                    "placements",
                    {"pod_uid": "text", "namespace": "text", "name": "text", "node_name": "text", "bound_ms": "bigint"},
                    [(pod.uid, pod.namespace, pod.name, f"node-{number % NODES + 1}", 1) for number, pod in numbered],
                )
                driver.insert(
                    "decisions",
                    {
                        "pod_uid": "text", "fingerprint": "text", "outcome": "text", "node_name": "text",
                        "first_ms": "bigint", "last_ms": "bigint", "nodes_evaluated": "bigint", "reasons": "text",
                        "best": "text",
                    },
                    [
                        (pod.uid, "Scheduled", "Scheduled", "node-1", 1, 1, NODES, "{}", _BEST)
                        for _, pod in numbered
                    ],
                )  # fmt: skip
    driver.close()
    return {_RATE: PODS / seconds[0]}


BENCHMARK = Benchmark(
    name="binding",
    title="10,000 pending pods of 200 shuffled shapes on 5,000 nodes, decisions and whole objects logged",
    figures=(Figure(name=_RATE, unit="pods/s", better="more", target=20_000, share_min=0.2),),
    prepare=prepare,
    measure=measure,
    raw=measure_raw,
)
