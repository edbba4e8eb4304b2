"""Each process is ended at each of its crash points, as by `kill -9`, and started again: nothing is lost, all heals."""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from kuberklone.store import crashpoints, migrate
from tests import postgres_server
from tests.faults import crash_points, oracles, provocations, witnesses
from tests.faults.cluster import API, PROGRAMS, Cluster
from tests.faults.conftest import OpenCluster
from tests.faults.convergence import converge
from tests.faults.crash_points import Way
from tests.faults.nursery import Nursery
from tests.faults.nursery_program import FIRST_NODES, FIRST_NODES_COUNT
from tests.faults.witnesses import FeedReader

# From here on a write is durable, whether anybody is told or not.
_WRITTEN = {"transaction.committed", "api.committed", "api.delivered"}


def test_every_crash_point_of_the_source_is_hit_by_a_test() -> None:
    """One that is missing here needs a way to it in `crash_points.WAYS`."""
    assert crash_points.in_the_source() == set(crash_points.WAYS) | crash_points.AT_AN_ENGINE


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def _shared(
    request: pytest.FixtureRequest, nursery: Nursery, _migrated_file: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Cluster]:
    """One cluster for all crash points: each test leaves it as whole as it found it."""
    folder = tmp_path_factory.mktemp("cluster")
    with ExitStack() as stack:
        if request.param == "sqlite":
            url = f"sqlite:///{shutil.copy(_migrated_file, folder / 'kuberklone.db')}"
        else:
            databases: postgres_server.Databases = request.getfixturevalue("_databases")
            url = stack.enter_context(databases.new())
            migrate.upgrade(url)
        cluster = stack.enter_context(closing(Cluster(nursery, url, folder)))
        witnesses.watch_for_twins(cluster.store)
        provocations.fill(cluster)
        yield cluster


@pytest.fixture
def cluster(_shared: Cluster) -> Cluster:
    """Everything runs, and all is as it should be; also where the last test failed."""
    _shared.start(*(program for program in PROGRAMS if program not in _shared.running))
    provocations.heal(_shared)
    _shared.wait_until_it_works()
    converge(_shared)
    return _shared


@pytest.mark.process
@pytest.mark.parametrize(
    ("name", "way"),
    [
        pytest.param(name, way, id=f"{way.program} at {name}")
        for name, way in crash_points.reached_by()
        if way.program != FIRST_NODES
    ],
)
def test_a_crash_loses_nothing_and_heals(cluster: Cluster, name: str, way: Way) -> None:
    # Compaction takes away what a reader would be compared with.
    reader = None if way.settings else FeedReader(cluster.url)
    try:
        cluster.kill(way.program)
        way.prepare(cluster)
        cluster.start(way.program, crash_at=f"{name}:{way.count}", settings=way.settings)
        way.provoke(cluster)
        assert cluster.running.pop(way.program).wait() == crashpoints.EXIT_CODE
        cluster.start(way.program)
        provocations.heal(cluster)
        cluster.wait_until_it_works()
        converge(cluster)
        if reader is not None:
            reader.check()
    finally:
        if reader is not None:
            reader.close()
    witnesses.check_for_twins(cluster.store)
    with cluster.store.snapshot() as connection:
        oracles.check(oracles.drifted_sums(connection), "the use of nodes is kept wrongly")
    if way.program == API and way.provoke is provocations.add_pod_by_api:
        _check_answer(cluster, name)


def _check_answer(cluster: Cluster, name: str) -> None:
    """What was asked for is there if and only if it was committed, and was acknowledged only if it is there."""
    wanted = cluster.asked[-1]
    found = cluster.sql("SELECT 1 FROM pods WHERE name = :name", name=wanted)
    assert bool(found) is (name in _WRITTEN)
    assert wanted not in cluster.acknowledged or found


@pytest.mark.process
def test_a_crash_while_the_first_nodes_are_added_adds_them_once(open_cluster: OpenCluster) -> None:
    empty = open_cluster()
    ((name, way),) = [(name, way) for name, way in crash_points.reached_by() if way.program == FIRST_NODES]
    empty.start(FIRST_NODES, crash_at=name)
    assert empty.running.pop(way.program).wait() == crashpoints.EXIT_CODE
    assert empty.sql("SELECT name FROM nodes") == []
    for _ in range(2):
        empty.start(FIRST_NODES)
        empty.latest.may_end = True
        assert empty.latest.wait() == 0
        assert len(empty.sql("SELECT name FROM nodes")) == FIRST_NODES_COUNT
