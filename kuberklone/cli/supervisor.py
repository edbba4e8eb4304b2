"""Keep a set of programs running, each a process of its own, until a signal says stop."""

import os
import select
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from kuberklone.cli.child import HANDLED, Lifeline, Program, fork
from kuberklone.clock import SYSTEM, Clock

# A child that was killed once is back at once; one that keeps failing must not keep the machine busy.
BACKOFF_FIRST_S = 0.5
BACKOFF_MAX_S = 30.0
# A child that ran this long has recovered: its next failure counts as the first.
STEADY_AFTER_S = 10.0
# What a child gets to finish its transaction after SIGTERM. Longer than any statement of ours may take.
STOP_WITHIN_S = 10.0

Announce = Callable[[str], None]


@dataclass(slots=True, kw_only=True)
class Child:
    """One program and its present process."""

    program: Program
    pid: int | None = None
    started_s: float = 0.0
    failures: int = 0
    due_s: float | None = None


class Supervisor:
    """Starts, restarts and stops; knows nothing about what the programs do."""

    def __init__(
        self, programs: Sequence[Program], *, announce: Announce, private: Sequence[int] = (), clock: Clock = SYSTEM
    ) -> None:
        self._children = [Child(program=program, due_s=0.0) for program in programs]
        self._announce = announce
        self._clock = clock
        self._lifeline = Lifeline()
        self._wake_read, self._wake_write = os.pipe()
        os.set_blocking(self._wake_read, False)
        os.set_blocking(self._wake_write, False)
        self._private = (*private, self._wake_read, self._wake_write)
        self._stop_wanted = False
        self._interrupts = 0

    def run(self) -> None:
        """Keep everything running; returns once a signal asked to stop and no child is left."""
        self._listen()
        while not self._stop_wanted:
            self._reap()
            self._start_due()
            self._wait(self._seconds_until_due())
        self._stop_all()

    def pids(self) -> dict[str, int]:
        """The processes that run now, by program."""
        return {child.program.name: child.pid for child in self._children if child.pid is not None}

    def _listen(self) -> None:
        def asked_to_stop(number: int, _frame: object) -> None:
            self._stop_wanted = True
            self._interrupts += number == signal.SIGINT

        def child_ended(_number: int, _frame: object) -> None:
            """Only there so that the signal wakes the loop."""

        signal.set_wakeup_fd(self._wake_write, warn_on_full_buffer=False)
        for number in HANDLED:
            # Under nohup a closed terminal is to be survived.
            if number == signal.SIGHUP and signal.getsignal(number) == signal.SIG_IGN:
                continue
            signal.signal(number, child_ended if number == signal.SIGCHLD else asked_to_stop)

    def _start_due(self) -> None:
        for child in self._children:
            if child.pid is None and child.due_s is not None and child.due_s <= self._clock.monotonic():
                self._start(child)

    def _start(self, child: Child) -> None:
        child.due_s = None
        child.started_s = self._clock.monotonic()
        child.pid = fork(child.program, self._lifeline, private=self._private)

    def _reap(self) -> None:
        for child in self._children:
            if child.pid is None:
                continue
            pid, status = os.waitpid(child.pid, os.WNOHANG)
            if pid == 0:
                continue
            child.pid = None
            # A wish to stop that came with the death decides: Ctrl-C reaches children too.
            if not self._stop_wanted and not child.program.once:
                self._recover(child, pid, os.waitstatus_to_exitcode(status))

    def _recover(self, child: Child, pid: int, exit_code: int) -> None:
        now_s = self._clock.monotonic()
        if now_s - child.started_s >= STEADY_AFTER_S:
            child.failures = 0
        delay_s = backoff_s(child.failures)
        child.failures += 1
        child.due_s = now_s + delay_s
        what = f"{child.program.name} (pid {pid}) {_ending(exit_code)}"
        if delay_s == 0:
            self._start(child)
            self._announce(f"{what}; started again as pid {child.pid}")
        else:
            self._announce(f"{what}; starting it again in {delay_s:g} s")

    def _seconds_until_due(self) -> float | None:
        due = [child.due_s for child in self._children if child.due_s is not None]
        return max(0.0, min(due) - self._clock.monotonic()) if due else None

    def _wait(self, seconds: float | None) -> None:
        """Sleep until a signal arrives or the time is over."""
        readable, _, _ = select.select([self._wake_read], [], [], seconds)
        if readable:
            os.read(self._wake_read, 4096)

    def _stop_all(self) -> None:
        # A second Ctrl-C means: now. A second SIGTERM means nothing; `timeout` and `make` send several.
        patience = self._interrupts
        deadline_s = self._clock.monotonic() + STOP_WITHIN_S
        self._signal_all(signal.SIGTERM)
        self._reap()
        while self.pids():
            left_s = deadline_s - self._clock.monotonic()
            if left_s <= 0 or self._interrupts > max(1, patience):
                self._announce(f"ending {', '.join(self.pids())} by force")
                self._signal_all(signal.SIGKILL)
                deadline_s, patience = self._clock.monotonic() + STOP_WITHIN_S, self._interrupts
                left_s = STOP_WITHIN_S
            self._wait(left_s)
            self._reap()

    def _signal_all(self, number: signal.Signals) -> None:
        for child in self._children:
            if child.pid is not None:
                # Not yet waited for, so the pid is still ours even if the process has just ended.
                os.kill(child.pid, number)


def backoff_s(failures: int) -> float:
    """Seconds to wait before the next start, after so many failures in a row."""
    if failures == 0:
        return 0.0
    # The exponent is bounded as well: a night of failures would overflow it.
    return min(BACKOFF_FIRST_S * 2.0 ** min(failures - 1, 10), BACKOFF_MAX_S)


def _ending(exit_code: int) -> str:
    if exit_code < 0:
        return f"was killed by {signal.Signals(-exit_code).name}"
    return f"ended with exit code {exit_code}"
