"""What a cluster of three idle nodes costs: processor time and memory of all its processes."""

import time

import psutil

from benchmarks import clusters, programs
from benchmarks.measurement import Benchmark, Figure, Place, Values

_SETTLE_S = 4.0
_SECONDS = 20.0
_CPU = "processor, all processes"
_BUSIEST = "processor, the busiest process"
_PRIVATE = "memory of their own, all processes"
_LARGEST = "resident memory, the largest process"


def prepare(place: Place) -> None:
    """Nothing: `up` makes its three nodes."""


def measure(place: Place) -> Values:
    """Percent of one processor over 20 s. On Postgres the server's own processes are not counted."""
    from kuberklone.store import migrate

    migrate.upgrade(place.url)
    with clusters.opened(place.url) as store, programs.cluster(place, store, nodes=3) as running:
        time.sleep(_SETTLE_S)
        supervisor = psutil.Process(running.process.pid)
        processes = [supervisor, *supervisor.children(recursive=True)]
        before = [_cpu_s(process) for process in processes]
        started = time.perf_counter()
        time.sleep(_SECONDS)
        seconds = time.perf_counter() - started
        percents = [(_cpu_s(process) - used) / seconds * 100 for process, used in zip(processes, before, strict=True)]
        names = [" ".join(process.cmdline()[:3]) for process in processes]
        memory = [process.memory_full_info() for process in processes]
    for name, percent, used in zip(names, percents, memory, strict=True):
        # To standard error: the figures alone go to standard output.
        programs.say(f"  {name:40} {percent:5.1f} %  RSS {used.rss / 2**20:4.0f} MiB  USS {used.uss / 2**20:4.0f} MiB")
    return {
        _CPU: sum(percents),
        _BUSIEST: max(percents),
        _PRIVATE: sum(used.uss for used in memory) / 2**20,
        _LARGEST: max(used.rss for used in memory) / 2**20,
    }


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


BENCHMARK = Benchmark(
    name="idling",
    title="an idle cluster of three nodes, all processes running",
    figures=(
        Figure(name=_CPU, unit="% of one processor", better="less", decimals=1),
        Figure(name=_BUSIEST, unit="% of one processor", better="less", decimals=1),
        Figure(name=_PRIVATE, unit="MiB", better="less"),
        Figure(name=_LARGEST, unit="MiB", better="less"),
    ),
    prepare=prepare,
    measure=measure,
)
