"""A laptop's lid: every process stands still for much longer than a node's grace, and goes on."""

import signal
import threading

import pytest

from tests.faults import oracles, provocations
from tests.faults.cluster import GRACE_S, PROGRAMS
from tests.faults.conftest import OpenCluster
from tests.faults.convergence import converge
from tests.faults.nursery import DEADLINE_S
from tests.waiting import until

pytestmark = pytest.mark.process

_NAPS = 3
_NAP_S = 4 * GRACE_S


def test_processes_that_all_stood_still_take_nobody_for_dead(open_cluster: OpenCluster) -> None:
    cluster = open_cluster()
    cluster.start(*PROGRAMS)
    provocations.fill(cluster)
    cluster.wait_until_it_works()
    converge(cluster)
    places = cluster.sql("SELECT uid, node_name FROM pods ORDER BY uid")
    for _ in range(_NAPS):
        for process in cluster.running.values():
            process.stop()
        threading.Event().wait(_NAP_S)
        passes = _passes(cluster.sql("SELECT name, passes FROM leaderships"))
        for process in cluster.running.values():
            process.send(signal.SIGCONT)
        until(
            lambda: _all_went_on(passes, _passes(cluster.sql("SELECT name, passes FROM leaderships"))),  # noqa: B023
            within_s=DEADLINE_S,
            what="every controller went on",
        )
        converge(cluster)
    assert cluster.sql("SELECT uid, node_name FROM pods ORDER BY uid") == places
    assert cluster.sql("SELECT involved_name FROM events WHERE reason IN ('NodeNotReady', 'Evicted')") == []
    oracles.check_always(cluster.store)


def _passes(rows: list[tuple[str, int]]) -> dict[str, int]:
    return {name: passes for name, passes in rows}


def _all_went_on(before: dict[str, int], now: dict[str, int]) -> bool:
    """Those that beat and judge by the clock; the others sleep until there is work."""
    return all(now[name] > before[name] for name in ("node_health", "simulator"))
