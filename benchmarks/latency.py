"""One pod added to an idle cluster: how long until it is bound, as a reader of the feed sees it.

The clock is the reader's own monotonic one. It is woken by the same nudges as the controllers, and stamps the moment
at which it has read that the pod was added and the moment at which it has read that it was bound; both stamps are late
by its own wake-up, so their difference is not. Where one look shows both, the time since the request was sent counts
instead, which is longer than the truth.
"""

import http.client
import random
import threading
import time

from benchmarks import clusters, programs, raw
from benchmarks.measurement import Benchmark, Figure, Place, Values
from benchmarks.raw import Raw
from kuberklone.kinds import pod as pod_kind
from kuberklone.kinds import pod_document
from kuberklone.store import feed
from kuberklone.store.database import Store
from kuberklone.store.nudge import Listener

_PODS = 200
_WARM_UP = 20
_LOOK_S = 0.02
_BOUND_WITHIN_S = 10.0
_P50, _P99 = "commit to binding, p50", "commit to binding, p99"
_REQUEST_P99 = "request to binding, p99"


def prepare(place: Place) -> None:
    """Nothing: `up` makes its three nodes."""


class _Watcher(threading.Thread):
    """Stamps when a pod was first seen, and when it was first seen changed, which is its binding."""

    def __init__(self, store: Store) -> None:
        super().__init__(name="watcher", daemon=True)
        self._store = store
        self._listener = Listener(store)
        with store.snapshot() as connection:
            self._cursor = feed.head(connection)
        self.added: dict[str, float] = {}
        self.bound: dict[str, float] = {}
        self.news = threading.Event()
        self.stop = threading.Event()

    def run(self) -> None:
        while not self.stop.is_set():
            self._listener.wait(_LOOK_S)
            with self._store.snapshot() as connection:
                changes = feed.after(connection, self._cursor, resources=(pod_kind.RESOURCE,))
            now = time.monotonic()
            for change in changes:
                self._cursor = change.revision
                stamps = self.added if change.type == "ADDED" else self.bound
                stamps.setdefault(change.name, now)
            if changes:
                self.news.set()
        self._listener.close()


def measure(place: Place) -> Values:
    from kuberklone.store import migrate

    migrate.upgrade(place.url)
    with clusters.opened(place.url) as store, programs.cluster(place, store, nodes=3) as running:
        running.until(lambda: _ready(store) == 3, what="three nodes are Ready")
        watcher = _Watcher(store)
        watcher.start()
        connection = http.client.HTTPConnection("127.0.0.1", running.port)
        draw = random.Random(clusters.SEED)
        from_commit, from_request = [], []
        for number in range(_PODS + _WARM_UP):
            # Long enough for the pod to be started and everybody to be idle again; not in step with any poll.
            time.sleep(0.06 + draw.random() * 0.06)
            sent, added, bound = _add_one(connection, watcher, f"one-{number}")
            if number >= _WARM_UP:
                from_commit.append(bound - (added if added < bound else sent))
                from_request.append(bound - sent)
        watcher.stop.set()
        watcher.join()
        connection.close()
        assert _bound(store) == _PODS + _WARM_UP, "what was seen changed was bound"
    return {
        _P50: _percentile(from_commit, 0.5) * 1000,
        _P99: _percentile(from_commit, 0.99) * 1000,
        _REQUEST_P99: _percentile(from_request, 0.99) * 1000,
    }


def _add_one(connection: http.client.HTTPConnection, watcher: _Watcher, name: str) -> tuple[float, float, float]:
    """When the request was sent, when the pod was seen, and when its binding was."""
    body = f'{{"name": "{name}", "cpus": 0.001}}'
    sent = time.monotonic()
    connection.request("POST", "/add_pod", body, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    assert answer.status == 201, answer.read()
    answer.read()
    while name not in watcher.bound:
        watcher.news.clear()
        if name not in watcher.bound and not watcher.news.wait(_BOUND_WITHIN_S):
            connection.request("GET", f"/pods/{name}")
            said = connection.getresponse().read().decode()
            raise programs.NeverReadyError(f"{name} was not seen bound within {_BOUND_WITHIN_S:g} s: {said}")
    return sent, watcher.added[name], watcher.bound[name]


def _ready(store: Store) -> int:
    with store.snapshot() as connection:
        found: int = connection.exec_driver_sql("SELECT COUNT(*) FROM nodes WHERE ready = 'True'").scalar_one()
    return found


def _bound(store: Store) -> int:
    with store.snapshot() as connection:
        found: int = connection.exec_driver_sql(
            "SELECT COUNT(*) FROM pods WHERE node_name IS NOT NULL AND name LIKE 'one-%%'"
        ).scalar_one()
    return found


def _percentile(values: list[float], part: float) -> float:
    return sorted(values)[int(len(values) * part)]


def measure_raw(place: Place) -> Values:
    """The two commits alone: a pod added, then bound; each with its change."""
    from kuberklone.store import migrate

    migrate.upgrade(place.url)
    document = pod_document.document(clusters.pod(cpu_millis=1, memory_bytes=0))
    driver = Raw(place)
    revision = raw.next_revision(driver)
    found: list[float] = []
    for number in range(_PODS):
        name = f"one-{number}"
        with driver.transaction(1):
            driver.insert(
                "pods",
                {
                    "uid": "text", "name": "text", "namespace": "text", "revision": "bigint", "created_ms": "bigint",
                    "cpu_millis": "bigint", "memory_bytes": "bigint", "shape": "text",
                },
                [(name, name, "default", revision, 1, 1, 0, "")],
            )  # fmt: skip
            driver.insert(
                "changes", raw.CHANGES, [raw.change(revision, "ADDED", name=name, uid=name, document=document)]
            )
        with raw.stopwatch() as seconds, driver.transaction(1):
            driver.update("pods", {"revision": "bigint", "node_name": "text"}, "uid", [(revision + 1, "node-1", name)])
            driver.insert(
                "changes", raw.CHANGES, [raw.change(revision + 1, "MODIFIED", name=name, uid=name, document=document)]
            )
        found.append(seconds[0])
        revision += 2
    driver.close()
    return {_P50: _percentile(found, 0.5) * 1000}


BENCHMARK = Benchmark(
    name="latency",
    title="one pod added to an idle cluster of three nodes, all processes running",
    figures=(
        Figure(name=_P50, unit="ms", better="less", decimals=1, share_min=0.01),
        Figure(name=_P99, unit="ms", better="less", target=20, decimals=1),
        Figure(name=_REQUEST_P99, unit="ms", better="less", decimals=1),
    ),
    prepare=prepare,
    measure=measure,
    raw=measure_raw,
)
