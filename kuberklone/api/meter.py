"""Counts requests of this process for /metrics."""

from prometheus_client import CollectorRegistry, Counter, Histogram

# From a snapshot of a small cluster to a write behind a slow disk.
_BUCKETS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
UNMATCHED = "unmatched"
"""What paths that lead nowhere are counted as: their number is up to strangers."""


class Meter:
    def __init__(self, registry: CollectorRegistry) -> None:
        self._requests = Counter(
            "kuberklone_api_requests", "Requests answered.", ["method", "route", "status"], registry=registry
        )
        self._seconds = Histogram(
            "kuberklone_api_request_duration_seconds",
            "From the request's head to the end of its answer.",
            ["method", "route"],
            buckets=_BUCKETS_S,
            registry=registry,
        )
        # Looking up a labelled child takes longer than counting with it.
        self._counters: dict[tuple[str, str, int], Counter] = {}
        self._histograms: dict[tuple[str, str], Histogram] = {}

    def count(self, method: str, route: str, status: int, *, took_s: float) -> None:
        counter = self._counters.get((method, route, status))
        if counter is None:
            counter = self._requests.labels(method, route, str(status))
            self._counters[method, route, status] = counter
        counter.inc()
        histogram = self._histograms.get((method, route))
        if histogram is None:
            histogram = self._histograms[method, route] = self._seconds.labels(method, route)
        histogram.observe(took_s)
