"""Run by tests as a process of its own: imports the whole program once, then forks its processes as they are asked for.

Each line it reads is an `Order`; each line it writes says that a process began (`pid`) or ended (`exit_code`). Its
children are made as `kuberklone up` makes its own, and end when it does.
"""

import importlib
import os
import select
import signal
import sys
from collections.abc import Callable
from contextlib import closing
from functools import partial
from typing import Any

import msgspec

from controllers._loop import process
from kuberklone import settings
from kuberklone.cli import child, programs
from kuberklone.cli.child import Lifeline, Program
from kuberklone.store import crashpoints, first_nodes
from kuberklone.store.database import Store

FIRST_NODES = "first_nodes"
FIRST_NODES_COUNT = 3


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """Start this program under this environment."""

    number: int
    program: str
    environ: dict[str, str]
    log: str
    """The file that its standard error goes to."""
    stop_at: str | None = None
    """The crash point at which it stops itself (SIGSTOP), the first time it gets there."""
    writer: str | None = None
    """What stands in `changes.writer`, where two copies have to be told apart."""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    number: int
    pid: int | None = None
    exit_code: int | None = None


def _run(order: Order) -> None:
    log = os.open(order.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(log, 1)  # else it would speak in the nursery's name
    os.dup2(log, 2)
    os.environ.update(order.environ)
    importlib.reload(crashpoints)  # it reads the environment once, when it is imported
    if order.stop_at is not None:
        _stop_at(order.stop_at)
    if order.writer is not None:
        _write_as(order.writer)
    told = settings.load({}).settings
    if order.program == programs.API:
        programs.run_api(told)
    elif order.program == FIRST_NODES:
        with closing(Store(told.database_url)) as store:
            first_nodes.add(store, FIRST_NODES_COUNT)
    else:
        programs.run_controllers([order.program], told)


def _stop_at(wanted: str) -> None:
    stopped = False

    def reach(name: str) -> None:
        nonlocal stopped
        if name == wanted and not stopped:
            stopped = True
            os.kill(os.getpid(), signal.SIGSTOP)

    crashpoints.reach = reach


def _write_as(writer: str) -> None:
    def open_store(url: str, **options: Any) -> Store:
        return Store(url, **{**options, "writer": writer})

    vars(process)["Store"] = open_store


class _Nursery:
    def __init__(self) -> None:
        self._lifeline = Lifeline()
        self._wake_read, self._wake_write = os.pipe()
        os.set_blocking(self._wake_read, False)
        os.set_blocking(self._wake_write, False)
        signal.set_wakeup_fd(self._wake_write, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
        self._numbers: dict[int, int] = {}
        self._unread = b""

    def run(self) -> None:
        """Until standard input ends."""
        self._say(Answer(number=0, pid=os.getpid()))
        while True:
            readable, _, _ = select.select([0, self._wake_read], [], [])
            if self._wake_read in readable:
                os.read(self._wake_read, 4096)
            self._reap()
            if 0 in readable and not self._obey():
                return

    def _obey(self) -> bool:
        received = os.read(0, 65_536)
        *lines, self._unread = (self._unread + received).split(b"\n")
        for line in lines:
            order = msgspec.json.decode(line, type=Order)
            work: Callable[[], None] = partial(_run, order)
            private = (0, self._wake_read, self._wake_write)
            pid = child.fork(
                Program(name=order.program, title=f"test {order.program}", run=work), self._lifeline, private=private
            )
            self._numbers[pid] = order.number
            self._say(Answer(number=order.number, pid=pid))
        return bool(received)

    def _reap(self) -> None:
        while self._numbers:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            self._say(Answer(number=self._numbers.pop(pid), exit_code=os.waitstatus_to_exitcode(status)))

    def _say(self, answer: Answer) -> None:
        sys.stdout.write(msgspec.json.encode(answer).decode() + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    programs.import_all(without=[])
    _Nursery().run()
