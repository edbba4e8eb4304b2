"""Countdowns are rows: a restart neither forgets one nor begins it anew."""

import pytest

from kuberklone.store import crashpoints
from tests.controllers.conftest import StartLoops
from tests.controllers.loops import NAMES, Loops


def _restart_all(loops: Loops) -> None:
    loops.kill_all()
    loops.start(*NAMES)


def _moment_of(loops: Loops, condition: str) -> float:
    """How many seconds of virtual time until a row answers, with every controller restarted all the time."""
    passed_s = 0.0
    while not loops.sql(condition):
        loops.pass_s(0.25)
        passed_s += 0.25
        _restart_all(loops)
        assert passed_s < 60, f"never: {condition}"
    return passed_s


def test_silence_goes_on_counting_over_restarts(loops: Loops) -> None:
    loops.add_nodes(2)
    loops.fail("node-1", "freeze")
    judged_s = _moment_of(loops, "SELECT 1 FROM nodes WHERE ready = 'Unknown'")
    assert 4 <= judged_s <= 6


def test_a_pods_patience_is_neither_forgotten_nor_begun_anew(loops: Loops) -> None:
    loops.add_nodes(2)
    loops.add_pods(2)
    loops.fail("node-1", "freeze")
    loops.pass_s(5.5)
    due = [(row.pod_uid, row.due_ms) for row in loops.evictions()]
    assert len(due) == 1
    _restart_all(loops)
    loops.pass_s(1)
    assert [(row.pod_uid, row.due_ms) for row in loops.evictions()] == due
    moved_s = 1 + _moment_of(loops, "SELECT 1 FROM pods p JOIN nodes n ON n.name = p.node_name GROUP BY n.name "
                             "HAVING COUNT(*) = 2")  # fmt: skip
    assert moved_s <= 3.5


def test_a_countdown_that_ended_while_nobody_was_there_is_carried_out_at_once(loops: Loops) -> None:
    loops.add_nodes(2)
    loops.add_pods(2)
    loops.fail("node-1", "freeze")
    loops.pass_s(5.5)
    loops.kill("rescheduler")
    loops.pass_s(10)
    assert len(loops.pods_on("node-2")) == 1
    loops.start("rescheduler")
    loops.settle()
    assert len(loops.pods_on("node-2")) == 2


def test_a_node_that_recovers_first_keeps_its_pods(loops: Loops) -> None:
    loops.add_nodes(2)
    loops.add_pods(2)
    loops.fail("node-1", "freeze")
    loops.pass_s(5.5)
    assert len(loops.evictions()) == 1
    loops.heal("node-1")
    loops.pass_s(1.5)
    assert loops.evictions() == []
    loops.pass_s(10)
    assert len(loops.pods_on("node-1")) == 1


def test_the_back_off_of_a_restart_is_neither_forgotten_nor_begun_anew(loops: Loops) -> None:
    loops.add_nodes(2)
    loops.fail("node-1", "crash", restart=False)
    loops.pass_s(5.5)
    first_ms = loops.node("node-1").restart_at_ms
    assert first_ms is not None
    _moment_of(loops, "SELECT 1 FROM nodes WHERE restarts = 1")
    assert 0 <= loops.now_ms() - first_ms <= 1_000
    second_ms = loops.node("node-1").restart_at_ms
    assert second_ms is not None
    # Its grace to be heard, then twice the back-off.
    assert 43_000 <= second_ms - first_ms <= 46_000


def test_attempts_are_counted_over_restarts_up_to_their_limit(start_loops: StartLoops) -> None:
    loops = start_loops(restart_backoff_s=2.0, restart_limit=3)
    loops.add_nodes(2)
    loops.fail("node-1", "crash", restart=False)
    _moment_of(loops, "SELECT 1 FROM nodes WHERE machine = 'Failed'")
    assert loops.node("node-1").restarts == 3


def test_a_pod_that_was_to_end_while_the_simulator_was_away_ended_on_time(loops: Loops) -> None:
    loops.add_nodes(1)
    loops.add_pod("a", run_seconds=2)
    started_ms = loops.pod("a").started_ms
    loops.pass_s(1)
    loops.kill("simulator")
    loops.pass_s(20)
    loops.start("simulator")
    loops.settle()
    pod = loops.pod("a")
    assert started_ms is not None
    assert (pod.phase, pod.finished_ms) == ("Succeeded", started_ms + 2_000)


class _KilledError(BaseException):
    """Stands for the end of the process: nothing that was committed is undone, and nothing more is done."""


def test_a_pod_that_finished_does_not_run_again_when_the_simulator_is_killed_before_it_said_so(
    loops: Loops, monkeypatch: pytest.MonkeyPatch
) -> None:
    loops.add_nodes(1)
    loops.add_pod("a", run_seconds=2)
    started_ms = loops.pod("a").started_ms
    loops.clock.pass_ms(1_900)
    loops.settle()
    loops.clock.pass_ms(200)

    def reach(name: str) -> None:
        if name == "simulator.stopped":
            raise _KilledError

    with monkeypatch.context() as patched:
        patched.setattr(crashpoints, "reach", reach)
        with pytest.raises(_KilledError):
            loops.run("simulator")
    loops.start_anew("simulator")
    loops.settle()
    assert started_ms is not None
    assert (loops.pod("a").phase, loops.pod("a").finished_ms) == ("Succeeded", started_ms + 2_000)
