"""Fifty times, something is killed at random while people use the cluster; it must lose nothing and heal."""

import os
import sys
import threading
from dataclasses import dataclass

import pytest

from kuberklone.chance import Chance
from tests.faults import oracles, witnesses
from tests.faults.cluster import PROGRAMS
from tests.faults.conftest import OpenCluster
from tests.faults.convergence import converge
from tests.faults.load import NODES, Load
from tests.faults.witnesses import FeedReader

pytestmark = pytest.mark.process

KILLS = 50
# Enough time for a killed process to come back and to get work done, or only half-way there.
_PAUSE_MAX_S = 0.8
_SEED = "TEST_SEED"
"""Environment variable that repeats the choice of victims and wishes of an earlier run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kill:
    victims: tuple[str, ...]
    after_s: float
    """How long after the last kill."""
    down_s: float
    """How long the victims stay away."""


def plan(seed: int) -> list[Kill]:
    """Which processes are killed when; the same for the same seed."""
    chance = Chance(seed)
    kills = []
    for _ in range(KILLS):
        # Everything at once now and then: a machine that lost its power.
        choice = chance.seed() % (len(PROGRAMS) + 1)
        victims = (PROGRAMS[choice],) if choice < len(PROGRAMS) else PROGRAMS
        # Mostly back at once, as under the supervisor; sometimes away for longer than a node's grace.
        down_s = 1.0 if chance.seed() % 8 == 0 else chance.jitter(below=0.1)
        kills.append(Kill(victims=victims, after_s=chance.jitter(below=_PAUSE_MAX_S), down_s=down_s))
    return kills


def test_fifty_random_kills_under_load_lose_nothing(open_cluster: OpenCluster) -> None:
    seed = int(os.environ.get(_SEED) or Chance().seed() % 10**6)
    sys.stdout.write(f"seed {seed}: repeat it with {_SEED}={seed}\n")
    # A finished pod that goes because there are many would look like a lost one.
    cluster = open_cluster(FINISHED_PODS_KEEP=10**6)
    witnesses.watch_for_twins(cluster.store)
    reader = FeedReader(cluster.url)
    try:
        cluster.start(*PROGRAMS)
        cluster.add_nodes(NODES)
        cluster.wait_until_it_works()
        load = Load(cluster.lab, seed=seed)
        load.start()
        pause = threading.Event()
        for kill in plan(seed):
            pause.wait(kill.after_s)
            cluster.kill(*kill.victims)
            pause.wait(kill.down_s)
            cluster.start(*kill.victims)
        cluster.wait_until_it_works()
        said = load.finish()
        converge(cluster)
        cluster.kill(*PROGRAMS)
        reader.check()
    finally:
        reader.close()
    witnesses.check_for_twins(cluster.store)
    oracles.check_always(cluster.store)
    with cluster.store.snapshot() as connection:
        oracles.check(oracles.lost_writes(connection, said), "acknowledged writes were lost")
    assert len(said.added) >= 2 * KILLS, "there was load"
    sys.stdout.write(f"{len(said.added)} acknowledged\n")
