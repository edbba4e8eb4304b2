"""Real processes of the program, at hand within milliseconds: the test's side of `nursery_program`."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import msgspec
import psutil

from tests.faults.nursery_program import Answer, Order
from tests.waiting import until

ROOT = Path(__file__).parents[2]
# Generous: two cores are shared with everything else that is being tested.
DEADLINE_S = 30.0


class Process:
    """One process that was started and what became of it."""

    def __init__(self, order: Order) -> None:
        self.order = order
        self.program = order.program
        self.pid = 0
        self.exit_code: int | None = None
        self.begun = threading.Event()
        self.ended = threading.Event()
        self.may_end = False
        """Whether its end was asked for; any other end is a failure of the program."""

    def __repr__(self) -> str:
        state = "running" if self.exit_code is None else f"exit code {self.exit_code}"
        return f"<{self.program} {self.pid}: {state}>"

    def hear(self, answer: Answer) -> None:
        if answer.pid is not None:
            self.pid = answer.pid
            self.begun.set()
        if answer.exit_code is not None:
            self.exit_code = answer.exit_code
            self.ended.set()

    def send(self, number: signal.Signals) -> None:
        assert not self.ended.is_set(), f"{self} cannot be sent {number.name}"
        os.kill(self.pid, number)

    def kill(self) -> None:
        """`kill -9`, and wait until it is gone."""
        self.may_end = True
        self.send(signal.SIGKILL)
        self.wait()

    def stop(self) -> None:
        """SIGSTOP, and wait until the system has stopped it."""
        self.send(signal.SIGSTOP)
        self.wait_until_stopped()

    def wait_until_stopped(self) -> None:
        process = psutil.Process(self.pid)
        until(lambda: process.status() == psutil.STATUS_STOPPED, within_s=DEADLINE_S, what=f"{self} is stopped")

    def wait(self) -> int:
        """Its exit code, once it has ended."""
        assert self.ended.wait(DEADLINE_S), f"{self} did not end"
        assert self.exit_code is not None
        return self.exit_code

    def log(self) -> str:
        return Path(self.order.log).read_text()


class Nursery:
    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._numbers = count(1)
        self._started: dict[int, Process] = {}
        self._ready = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        assert self._ready.wait(DEADLINE_S), "the program could not be imported"

    def start(
        self,
        program: str,
        environ: dict[str, str],
        *,
        folder: Path,
        stop_at: str | None = None,
        writer: str | None = None,
    ) -> Process:
        """Start one process; returns once it exists, not once it works."""
        number = next(self._numbers)
        log = folder / f"{program}-{number}.log"
        order = Order(number=number, program=program, environ=environ, log=str(log), stop_at=stop_at, writer=writer)
        process = self._started[number] = Process(order)
        assert self._process.stdin is not None
        self._process.stdin.write(msgspec.json.encode(order).decode() + "\n")
        self._process.stdin.flush()
        assert process.begun.wait(DEADLINE_S), f"{process} did not begin"
        return process

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            answer = msgspec.json.decode(line, type=Answer)
            if answer.number == 0:
                self._ready.set()
            else:
                self._started[answer.number].hear(answer)

    def close(self) -> None:
        """End all of them, and the nursery."""
        for process in self._started.values():
            if not process.ended.is_set():
                process.kill()
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(DEADLINE_S)
        self._reader.join(DEADLINE_S)
        self._process.stdout.close()


@contextmanager
def running() -> Iterator[Nursery]:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("KUBERKLONE_")}
    process = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("nursery_program.py"))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**environ, "PYTHONPATH": str(ROOT)},
    )
    nursery = Nursery(process)
    try:
        yield nursery
    finally:
        nursery.close()
