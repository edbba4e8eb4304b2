"""`kuberklone up` on an existing store: seconds until GET /nodes answers and every controller leads."""

import subprocess
import sys
import time

from benchmarks import clusters, programs
from benchmarks.measurement import Benchmark, Figure, Place, Values

_ANSWERS = "GET /nodes answers"
_LEADS = "and every controller leads"
_INTERPRETER = "import sqlite3, psycopg, sqlalchemy, litestar, uvicorn, numpy"


def prepare(place: Place) -> None:
    """A store that a cluster ran on and was stopped."""
    with clusters.opened(place.url) as store, programs.cluster(place, store, nodes=3):
        time.sleep(1.0)


def measure(place: Place) -> Values:
    with clusters.opened(place.url) as store:
        before = programs.epochs(store)
        started = time.perf_counter()
        with programs.cluster(place) as running:
            running.until(running.answers, what="GET /nodes answers")
            answered = time.perf_counter()
            running.until(lambda: programs.all_lead(store, before), what="every controller leads")
            led = time.perf_counter()
    return {_ANSWERS: answered - started, _LEADS: led - started}


def measure_raw(place: Place) -> Values:
    """A fresh interpreter that imports what everybody uses and opens nothing: what no program of ours can undercut."""
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", _INTERPRETER], check=True)
    return {_LEADS: time.perf_counter() - started}


BENCHMARK = Benchmark(
    name="starting",
    title="kuberklone up on an existing store",
    figures=(
        Figure(name=_ANSWERS, unit="s", better="less", decimals=2),
        Figure(name=_LEADS, unit="s", better="less", target=2, decimals=2, share_min=0.2),
    ),
    prepare=prepare,
    measure=measure,
    raw=measure_raw,
)
