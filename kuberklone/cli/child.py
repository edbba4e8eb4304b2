"""What a forked child of `up` does between the fork and its work, and how it notices that the supervisor is gone.

Children are forked, not started anew: seven starts of Python cost four seconds on two cores, seven forks of a process
that has imported everything cost nothing. That is safe only while the supervisor has no threads, engines or event
loops of its own, so it never makes any.
"""

import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from setproctitle import setproctitle

# Whatever the supervisor handles itself; a child starts with the defaults and its program installs its own.
HANDLED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """One process that `up` keeps running."""

    name: str
    title: str
    """What `ps` shows."""
    run: Callable[[], None]
    """Does the work until SIGTERM."""
    once: bool = False
    """Ends by itself and is not started again."""


class Lifeline:
    """A pipe whose write end only the supervisor holds.

    When the supervisor dies, by whatever signal, the kernel closes that end and every child reads an end of file. Linux
    alone could signal children of a dead parent; a pipe works everywhere.
    """

    def __init__(self) -> None:
        self.read_end, self.write_end = os.pipe()

    def hold(self) -> None:
        """In a child: give up the write end, and end the process as soon as the supervisor is gone."""
        os.close(self.write_end)
        threading.Thread(target=self._wait_for_the_end, name="lifeline", daemon=True).start()

    def _wait_for_the_end(self) -> None:
        os.read(self.read_end, 1)
        # Nobody is left to restart us or to read an exit code, and the store survives the death of any process.
        os._exit(1)


def fork(program: Program, lifeline: Lifeline, *, private: Sequence[int]) -> int:
    """Start the program in a child and return its pid; `private` are descriptors that only the supervisor may hold."""
    sys.stdout.flush()
    sys.stderr.flush()
    # Held back until the child has its own dispositions: a signal between the fork and that line would run the
    # supervisor's handler in the child, and be lost.
    signal.pthread_sigmask(signal.SIG_BLOCK, HANDLED)
    pid = os.fork()
    if pid == 0:
        _become(program, lifeline, private)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, HANDLED)
    return pid


def _become(program: Program, lifeline: Lifeline, private: Sequence[int]) -> None:
    """Run the program and leave the process; never returns, whatever happens."""
    code = 1
    try:
        signal.set_wakeup_fd(-1)
        for number in HANDLED:
            signal.signal(number, signal.SIG_DFL)
        # Ctrl-C and a closed terminal reach the whole foreground group; the supervisor alone answers them and sends
        # SIGTERM in order.
        for number in (signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        for descriptor in private:
            os.close(descriptor)
        lifeline.hold()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, HANDLED)
        setproctitle(program.title)
        program.run()
        code = 0
    except SystemExit as leaving:
        code = leaving.code if isinstance(leaving.code, int) else int(leaving.code is not None)
    except BaseException as error:  # noqa: BLE001 - the outermost boundary of a process: nothing may unwind further
        sys.stderr.write(f"{program.title} failed: {type(error).__name__}: {error}\n")
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
