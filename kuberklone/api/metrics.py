"""GET /metrics: what the store says about the cluster, and what this process counts itself."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from litestar import Request, Response, get
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, disable_created_metrics, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from kuberklone.api import context
from kuberklone.api.lab.status import controller
from kuberklone.errors import StoreError
from kuberklone.store import feed, overview, usage
from kuberklone.store.database import Store
from kuberklone.store.usage import Usage

# Words that are always shown, so that a graph has a zero and not a gap.
_NODE_STATUSES = ("Pending", "Ready", "NotReady", "Restarting", "Failed", "Terminating")
_PHASES = ("Pending", "Running", "Succeeded", "Failed")


class ClusterCollector(Collector):
    """Reads the store once for each scrape; says so, and nothing else, while the store cannot be read."""

    def __init__(self, store: Store, *, waiting: Callable[[], int], watching: Callable[[], int]) -> None:
        self._store = store
        self._waiting = waiting
        self._watching = watching

    def collect(self) -> Iterator[Metric]:
        yield GaugeMetricFamily(
            "kuberklone_api_writes_waiting", "Operations in the queue of the group commit.", value=self._waiting()
        )
        yield GaugeMetricFamily("kuberklone_api_watches", "Watches that are open.", value=self._watching())
        try:
            families = list(self._read())
        except StoreError:
            families = []
        yield GaugeMetricFamily(
            "kuberklone_store_up", "Whether the store could be read (1) or not (0).", value=int(bool(families))
        )
        yield from families

    def _read(self) -> Iterator[Metric]:
        with self._store.snapshot() as connection:
            revision = feed.head(connection)
            statuses = overview.node_statuses(connection)
            phases = overview.phases(connection)
            waiting_pods = overview.waiting_pods(connection)
            halted = overview.halted_paths(connection)
            loops = [controller(loop, revision) for loop in overview.loops(connection)]
            used = [*usage.measured_on_nodes(connection), *usage.measured_on_pods(connection)]
        yield GaugeMetricFamily("kuberklone_revision", "Newest revision handed out.", value=revision)
        yield _counted(
            "kuberklone_nodes", "Nodes by status.", "status", {**dict.fromkeys(_NODE_STATUSES, 0), **statuses}
        )
        yield _counted("kuberklone_pods", "Pods by phase.", "phase", {**dict.fromkeys(_PHASES, 0), **phases})
        yield GaugeMetricFamily("kuberklone_pods_pending", "Pods that have no node yet.", value=waiting_pods)
        yield GaugeMetricFamily(
            "kuberklone_halted_paths", "Paths on which evictions are halted: all nodes look dead.", value=len(halted)
        )
        yield from _measured(used)
        leading = GaugeMetricFamily(
            "kuberklone_loop_leading", "Whether somebody leads the controller.", labels=["controller"]
        )
        lag = GaugeMetricFamily(
            "kuberklone_loop_lag_revisions",
            "How far a controller is behind the newest revision.",
            labels=["controller"],
        )
        duration = GaugeMetricFamily(
            "kuberklone_loop_pass_duration_seconds", "How long its latest pass took.", labels=["controller"]
        )
        passes = CounterMetricFamily("kuberklone_loop_passes", "Passes of the present leader.", labels=["controller"])
        errors = CounterMetricFamily("kuberklone_loop_errors", "Passes that failed.", labels=["controller"])
        for loop in loops:
            leading.add_metric([loop.name], int(loop.leading))
            lag.add_metric([loop.name], loop.lag_revisions)
            duration.add_metric([loop.name], loop.pass_ms / 1000)
            passes.add_metric([loop.name], loop.passes)
            errors.add_metric([loop.name], loop.errors)
        yield from (leading, lag, duration, passes, errors)


def registry() -> CollectorRegistry:
    """A registry of one application, with what is known of its process."""
    # When a counter began is the process's start time, which is there already; this would double the lines.
    disable_created_metrics()  # type: ignore[no-untyped-call]
    made = CollectorRegistry(auto_describe=False)
    ProcessCollector(registry=made)
    PlatformCollector(registry=made)
    return made


@get("/metrics", summary="Figures for Prometheus", media_type="text/plain", sync_to_thread=True)
def show_metrics(request: Request[Any, Any, Any]) -> Response[bytes]:
    return Response(generate_latest(context.of(request).registry), headers={"content-type": CONTENT_TYPE_LATEST})


def _measured(used: Iterable[Usage]) -> Iterator[Metric]:
    """What agents measured of their nodes and pods; those of simulated nodes use nothing."""
    families = {
        (noun, unit): GaugeMetricFamily(
            f"kuberklone_{noun}_{unit}", f"{what} that the {noun} uses, as its agent measured it last.", labels=labels
        )
        for noun, labels in (("node", ["node"]), ("pod", ["namespace", "pod", "node"]))
        for unit, what in (("cpu_usage_cores", "Cores"), ("memory_usage_bytes", "Bytes"))
    }
    for row in used:
        noun = "pod" if row.pod_name else "node"
        labels = [row.namespace, row.pod_name, row.node_name] if row.pod_name else [row.node_name]
        families[noun, "cpu_usage_cores"].add_metric(labels, row.cpu_millis / 1000)
        families[noun, "memory_usage_bytes"].add_metric(labels, row.memory_bytes)
    yield from families.values()


def _counted(name: str, text: str, label: str, counts: dict[str, int]) -> Metric:
    family = GaugeMetricFamily(name, text, labels=[label])
    for word, count in counts.items():
        family.add_metric([word], count)
    return family
