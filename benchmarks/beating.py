"""Heartbeats of 50,000 simulated nodes: one round of the real simulator."""

import statistics
import time

from benchmarks import clusters, raw
from benchmarks.measurement import Benchmark, Figure, Place, Values
from benchmarks.raw import Raw
from kuberklone.chance import Chance
from kuberklone.settings import Settings
from kuberklone.store import cluster_time, heartbeats
from kuberklone.store.leaderships import Candidate
from kuberklone.store.transaction import fenced_only

NODES = 50_000
_ROUNDS = 10
_PASS = "a pass with a round"
_WRITE = "its write transaction"


def prepare(place: Place) -> None:
    with clusters.opened(place.url) as store:
        clusters.add_nodes(store, NODES, chance=Chance(clusters.SEED))


def measure(place: Place) -> Values:
    """The median of ten rounds: whole passes of the simulator, then only their write."""
    from controllers._loop.process import expect_many_objects
    from controllers.simulator.reconcile import PATH, Simulator

    expect_many_objects()  # as the controller's process does
    settings = Settings(home=place.folder, database_url=place.url)
    interval_ms = round(settings.heartbeat_interval_s * 1000)
    passes: list[float] = []
    writes: list[float] = []
    with clusters.opened(place.url) as store:
        fence = Candidate(store, "simulator", term_s=4.0, clock=store.clock).stand()
        assert fence is not None, "nobody else runs on this database"
        with store.snapshot() as connection:
            now_ms = cluster_time.now_ms(connection, wall_ms=store.clock.wall_ms())
        simulator = Simulator(store, settings)
        simulator.run_once(now_ms, fence)  # the first pass of a process looks at everything once
        for number in range(1, _ROUNDS + 1):
            started = time.perf_counter()
            simulator.run_once(now_ms + number * interval_ms, fence)
            passes.append(time.perf_counter() - started)
        for number in range(_ROUNDS + 1, 2 * _ROUNDS + 1):
            moment_ms = now_ms + number * interval_ms
            started = time.perf_counter()
            with fenced_only(store, fence) as connection:
                beaten = heartbeats.beat_all_but(
                    connection, (), path=PATH, now_ms=moment_ms, granted_until_ms=moment_ms + 1
                )
                heartbeats.beat_path(connection, PATH, now_ms=moment_ms)
            writes.append(time.perf_counter() - started)
            assert beaten == NODES, f"{beaten} nodes beat"
    return {_PASS: statistics.median(passes) * 1000, _WRITE: statistics.median(writes) * 1000}


def measure_raw(place: Place) -> Values:
    """The same UPDATE of all rows, by the driver."""
    driver = Raw(place)
    found: list[float] = []
    for number in range(_ROUNDS + 1):
        with raw.stopwatch() as seconds:
            driver.execute("BEGIN")
            driver.execute(
                "UPDATE heartbeats SET seq = seq + 1, received_ms = ?, granted_until_ms = ? WHERE path = 'simulator'",
                (number + 1, number + 2),
            )
            driver.execute("COMMIT")
        found.append(seconds[0])
    driver.close()
    milliseconds = statistics.median(found[1:]) * 1000
    return {_PASS: milliseconds, _WRITE: milliseconds}


BENCHMARK = Benchmark(
    name="beating",
    title="heartbeats of 50,000 simulated nodes, one round",
    figures=(
        Figure(name=_PASS, unit="ms", better="less", target=100, share_min=0.25),
        Figure(name=_WRITE, unit="ms", better="less", share_min=0.5),
    ),
    prepare=prepare,
    measure=measure,
    raw=measure_raw,
)
