"""Two copies of every controller: one leads and the other waits, until the first is dead or frozen."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import text

from kuberklone.store import feed
from tests.faults import oracles, provocations, witnesses, workloads
from tests.faults.cluster import CONTROLLERS, Cluster
from tests.faults.conftest import OpenCluster
from tests.faults.convergence import converge
from tests.faults.nursery import DEADLINE_S, Process
from tests.faults.witnesses import FeedReader
from tests.waiting import until

pytestmark = pytest.mark.process

# So long that no test ends by it: who takes over has seen that the leader is gone.
_LONG_TERM_S = 600
_WRITERS = text("SELECT DISTINCT writer FROM changes WHERE revision > :after AND writer LIKE '%#%'")


@contextmanager
def _watched(cluster: Cluster) -> Iterator[None]:
    """All oracles around what happens in the block."""
    witnesses.watch_for_twins(cluster.store)
    reader = FeedReader(cluster.url)
    try:
        yield
        converge(cluster)
        reader.check()
    finally:
        reader.close()
    witnesses.check_for_twins(cluster.store)
    oracles.check_always(cluster.store)


def _start_copies(cluster: Cluster, number: int, *, stop_at: dict[str, str] | None = None) -> dict[str, Process]:
    """One process of each controller, whose writes can be told from those of the others."""
    for name in CONTROLLERS:
        cluster.start(name, writer=f"{name}#{number}", stop_at=(stop_at or {}).get(name))
    return {name: cluster.running[name] for name in CONTROLLERS}


def _work(cluster: Cluster) -> None:
    """Something for every controller to write."""
    provocations.add_pods(cluster)
    provocations.delete_a_running_pod(cluster)
    provocations.replace_a_node(cluster)
    workloads.everything(cluster)


def _writers(cluster: Cluster, *, after: int) -> set[str]:
    with cluster.store.snapshot() as connection:
        return {row.writer for row in connection.execute(_WRITERS, {"after": after})}


def _head(cluster: Cluster) -> int:
    with cluster.store.snapshot() as connection:
        return feed.head(connection)


def _wait_until_all_lead(cluster: Cluster, processes: dict[str, Process]) -> None:
    for name, process in processes.items():
        until(lambda process=process: cluster.leads(process), within_s=DEADLINE_S, what=f"{name} leads")  # type: ignore[misc]


def test_one_leads_and_the_other_takes_over_at_once_when_it_is_killed(open_cluster: OpenCluster) -> None:
    cluster = open_cluster(LEADERSHIP_TERM_S=_LONG_TERM_S)
    with _watched(cluster):
        provocations.fill(cluster)
        first = _start_copies(cluster, 1)
        _wait_until_all_lead(cluster, first)
        second = _start_copies(cluster, 2)
        converge(cluster)
        provocations.freeze_a_node(cluster)
        until(lambda: "garbage#1" in _writers(cluster, after=0), within_s=DEADLINE_S, what="its pods are removed")
        provocations.heal(cluster)
        _work(cluster)
        converge(cluster)
        assert all(cluster.leads(process) for process in first.values())
        assert _writers(cluster, after=0) == {f"{name}#1" for name in CONTROLLERS}
        for process in first.values():
            process.kill()
        _wait_until_all_lead(cluster, second)
        head = _head(cluster)
        _work(cluster)
        converge(cluster)
    assert _writers(cluster, after=head) <= {f"{name}#2" for name in CONTROLLERS}


# Where each stops in the middle of a pass: it has read and decided, and not yet written.
_DECIDED = {name: f"{name}.decided" for name in CONTROLLERS}


def test_a_frozen_leader_is_replaced_after_its_term_and_writes_nothing_when_it_wakes_up(
    open_cluster: OpenCluster,
) -> None:
    cluster = open_cluster(LEADERSHIP_TERM_S=1.0)
    with _watched(cluster):
        provocations.fill(cluster)
        settled = _start_copies(cluster, 0)
        _wait_until_all_lead(cluster, settled)
        converge(cluster)
        # All of them have something to write when they stop, garbage the pods of a dead node.
        cluster.kill("garbage")
        provocations.freeze_a_node(cluster)
        cluster.kill(*settled.keys() - {"garbage"})
        _work(cluster)
        frozen = _start_copies(cluster, 1, stop_at=_DECIDED)
        for process in frozen.values():
            process.wait_until_stopped()
        second = _start_copies(cluster, 2)
        _wait_until_all_lead(cluster, second)
        provocations.heal(cluster)
        converge(cluster)
        head = _head(cluster)
        for process in frozen.values():
            process.send(signal.SIGCONT)
        for name, process in frozen.items():
            until(
                lambda process=process: "leadership lost" in process.log(),  # type: ignore[misc]
                within_s=DEADLINE_S,
                what=f"{name} finds out",
            )
        _work(cluster)
        converge(cluster)
        assert all(cluster.leads(process) for process in second.values())
    assert _writers(cluster, after=head) <= {f"{name}#2" for name in CONTROLLERS}
