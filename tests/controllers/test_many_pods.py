"""A pass of the simulator takes so many pods and no more; those that nothing can be done for take no place in it."""

import pytest

from controllers.simulator import reconcile
from tests.controllers.loops import Loops

_PER_PASS = 5


@pytest.fixture(autouse=True)
def _small_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reconcile, "_PODS_PER_PASS", _PER_PASS)


def test_more_pods_than_one_pass_takes_are_started_by_several(loops: Loops) -> None:
    loops.add_nodes(2)
    loops.add_pods(3 * _PER_PASS, cpus=0.1)
    assert len(loops.running()) == 3 * _PER_PASS


def test_pods_that_wait_for_their_start_are_in_nobodys_way(loops: Loops) -> None:
    loops.add_nodes(2)
    loops.add_pods(2 * _PER_PASS, cpus=0.1, start_delay_seconds=30, name="later")
    loops.add_pod("now", cpus=0.1)
    assert set(loops.running()) == {"now"}
    loops.pass_s(30.1)
    assert len(loops.running()) == 2 * _PER_PASS + 1


def test_pods_on_a_node_that_cannot_be_reached_are_in_nobodys_way(loops: Loops) -> None:
    loops.add_nodes(2)
    loops.fail("node-1", "partition")
    loops.add_pods(4 * _PER_PASS, cpus=0.1)
    assert set(loops.running()) == loops.pods_on("node-2")
    for name in list(loops.pods_on("node-1"))[: _PER_PASS + 1]:
        loops.delete_pod(name)
    for name in loops.pods_on("node-2"):
        loops.delete_pod(name)
    loops.add_pod("now", cpus=0.1, node_selector={})
    loops.settle()
    assert loops.pods_on("node-2") <= {"now"}


def test_a_simulator_that_starts_finds_all_pods_that_should_run(loops: Loops) -> None:
    loops.add_nodes(2)
    loops.add_pods(4 * _PER_PASS, cpus=0.1)
    loops.kill("simulator")
    loops.damage("DELETE FROM simulated_containers")
    loops.start("simulator")
    loops.settle()
    assert len(loops.running()) == 4 * _PER_PASS
