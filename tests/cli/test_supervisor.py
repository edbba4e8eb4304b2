"""The supervisor starts, restarts and stops real processes, and none outlives it."""

import os
import signal
from pathlib import Path

import psutil
import pytest

from kuberklone.cli import supervisor
from tests import waiting
from tests.cli import processes

PROGRAMS = str(Path(__file__).with_name("supervised_programs.py"))

pytestmark = pytest.mark.process


def test_each_program_is_a_process_with_its_own_title(tmp_path: Path) -> None:
    with processes.running([PROGRAMS, "one=work", "two=work"], tmp_path) as run:
        run.line("one works")
        run.line("two works")
        titles = {processes.title(child) for child in run.children()}
    assert titles == {"kuberklone test one", "kuberklone test two"}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP], ids=lambda number: number.name)
def test_a_signal_stops_all_and_lets_each_finish(tmp_path: Path, number: signal.Signals) -> None:
    with processes.running([PROGRAMS, "one=work", "two=work"], tmp_path) as run:
        run.line("one works")
        run.line("two works")
        run.send(number)
        assert run.exit_code() == 0
        assert sorted(run.lines("stopped")) == ["all stopped", "one stopped", "two stopped"]
        assert run.lines("started again") == []


IGNORE_HANGUP = (
    "import os, signal, sys; signal.signal(signal.SIGHUP, signal.SIG_IGN); "
    "os.execv(sys.executable, [sys.executable, *sys.argv[1:]])"
)


def test_under_nohup_a_closed_terminal_ends_nothing(tmp_path: Path) -> None:
    with processes.running(["-c", IGNORE_HANGUP, PROGRAMS, "one=work"], tmp_path) as run:
        run.line("one works")
        os.killpg(run.pid, signal.SIGHUP)
        (child,) = run.children()
        child.kill()
        run.line("one works", count=2)
        assert len(run.lines("was killed by SIGKILL")) == 1


def test_a_killed_child_is_back_at_once_with_one_line(tmp_path: Path) -> None:
    with processes.running([PROGRAMS, "one=work", "two=work"], tmp_path) as run:
        run.line("one works")
        run.line("two works")
        victim = next(child for child in run.children() if processes.title(child) == "kuberklone test one")
        victim.kill()
        line = run.line("started again")
        run.line("one works", count=2)
        successor = next(child for child in run.children() if processes.title(child) == "kuberklone test one")
        assert line == f"one (pid {victim.pid}) was killed by SIGKILL; started again as pid {successor.pid}"
        assert len(run.lines("one (pid")) == 1


def test_a_child_that_keeps_failing_is_tried_more_and_more_slowly(tmp_path: Path) -> None:
    with processes.running([PROGRAMS, "bad=fail", "good=work"], tmp_path) as run:
        run.line("starting it again in 1 s")
        lines = [line.split(";")[1] for line in run.lines("bad (pid")]
    assert lines[0].startswith(" started again as pid")
    assert lines[1:] == [" starting it again in 0.5 s", " starting it again in 1 s"]
    assert "ended with exit code 7" in run.text()


def test_a_crash_is_one_sentence_and_no_traceback(tmp_path: Path) -> None:
    with processes.running([PROGRAMS, "bad=crash"], tmp_path) as run:
        run.line("kuberklone test bad failed: ValueError: bad cannot work")
        run.line("starting it again")
        assert "Traceback" not in run.text()


def test_children_of_a_killed_supervisor_end_within_a_second(tmp_path: Path) -> None:
    with processes.running([PROGRAMS, "one=work", "two=ignore-stop"], tmp_path) as run:
        run.line("one works")
        run.line("two works")
        children = run.children()
        run.send(signal.SIGKILL)
        waiting.until(lambda: not processes.alive(children), within_s=1.0, what="all children ended")


def test_a_child_restarted_later_also_ends_with_the_supervisor(tmp_path: Path) -> None:
    with processes.running([PROGRAMS, "one=work", "two=work"], tmp_path) as run:
        run.line("one works")
        run.line("two works")
        for child in run.children():
            child.kill()
        run.line("works", count=4)
        children = run.children()
        run.send(signal.SIGKILL)
        waiting.until(lambda: not processes.alive(children), within_s=1.0, what="all children ended")


def test_more_of_sigterm_does_not_hurry_anything(tmp_path: Path) -> None:
    with processes.running([PROGRAMS, "one=work", "deaf=ignore-stop"], tmp_path) as run:
        run.line("one works")
        run.line("deaf works")
        run.send(signal.SIGTERM)
        run.line("one stopped")
        run.send(signal.SIGTERM)
        run.send(signal.SIGINT)
        run.send(signal.SIGTERM)
        (deaf,) = run.children()
        # Ended by the test and not by the supervisor, or it would have said so.
        deaf.kill()
        assert run.exit_code() == 0
        assert run.lines("by force") == []


def test_a_second_ctrl_c_ends_by_force_what_does_not_stop(tmp_path: Path) -> None:
    with processes.running([PROGRAMS, "deaf=ignore-stop", "one=work"], tmp_path) as run:
        run.line("deaf works")
        run.line("one works")
        run.send(signal.SIGINT)
        run.line("one stopped")
        run.send(signal.SIGINT)
        assert run.exit_code() == 0
        assert run.lines("by force") == ["ending deaf by force"]


def test_children_hold_nothing_of_the_supervisor(tmp_path: Path) -> None:
    with processes.running([PROGRAMS, "one=work"], tmp_path) as run:
        run.line("one works")
        (child,) = run.children()
        pipes = [item for item in Path(f"/proc/{child.pid}/fd").iterdir() if "pipe" in str(item.readlink())]
        assert len(pipes) == 1, "only the read end of the lifeline"
        assert psutil.Process(run.pid).num_threads() == 1


@pytest.mark.parametrize(
    ("failures", "seconds"),
    [
        pytest.param(0, 0.0, id="the first is back at once"),
        pytest.param(1, 0.5, id="then half a second"),
        pytest.param(2, 1.0, id="doubling"),
        pytest.param(7, 30.0, id="up to thirty"),
        pytest.param(5000, 30.0, id="for ever"),
    ],
)
def test_back_off(failures: int, seconds: float) -> None:
    assert supervisor.backoff_s(failures) == seconds
