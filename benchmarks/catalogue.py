"""Which benchmarks there are."""

from collections.abc import Mapping

from benchmarks.measurement import Benchmark


def catalogue() -> Mapping[str, Benchmark]:
    """All of them by name, in the order in which they run."""
    # Imported here: whoever lists names need not import the scheduler.
    from benchmarks import (
        beating,
        binding,
        failing,
        idling,
        kubernetes_records,
        kubernetes_watches,
        latency,
        machines,
        posting,
        starting,
    )

    found = (
        binding.BENCHMARK,
        posting.BENCHMARK,
        kubernetes_records.BENCHMARK,
        kubernetes_watches.BENCHMARK,
        beating.BENCHMARK,
        latency.BENCHMARK,
        failing.BENCHMARK,
        starting.BENCHMARK,
        idling.BENCHMARK,
        machines.BENCHMARK,
    )
    return {benchmark.name: benchmark for benchmark in found}
