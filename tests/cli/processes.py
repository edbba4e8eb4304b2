"""A program under test as a real process: read its lines as they come, signal it, leave nothing behind."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from tests import waiting

ROOT = Path(__file__).parents[2]
# Generous: two cores are shared with everything else that is being tested.
DEADLINE_S = 40.0


class Running:
    """A process and what it has printed so far."""

    def __init__(self, process: subprocess.Popen[str], output: Path) -> None:
        self.process = process
        self.pid = process.pid
        self._output = output

    def text(self) -> str:
        return self._output.read_text()

    def lines(self, part: str) -> list[str]:
        return [line for line in self.text().splitlines() if part in line]

    def line(self, part: str, *, count: int = 1) -> str:
        """The last of so many lines that contain the text, once there are that many."""

        def found() -> list[str] | None:
            ended = self.process.poll()
            lines = self.lines(part)
            if len(lines) >= count:
                return lines
            assert ended is None, f"it ended with {ended} and without {part!r}:\n{self.text()}"
            return None

        return waiting.until(found, within_s=DEADLINE_S, what=f"line {part!r} in {self._output}")[count - 1]

    def children(self) -> list[psutil.Process]:
        return psutil.Process(self.pid).children(recursive=True)

    def exit_code(self) -> int:
        return self.process.wait(DEADLINE_S)

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)


@contextmanager
def running(
    command: Sequence[str],
    tmp_path: Path,
    *,
    environ: Mapping[str, str] | None = None,
    interpreter: Sequence[str] = (sys.executable,),
) -> Iterator[Running]:
    """Start in a process group of its own; whatever the test leaves of it is killed."""
    number = len(list(tmp_path.glob("output-*")))
    output = tmp_path / f"output-{number}"
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "120", **(environ or {})}
    with output.open("w") as stream:
        process = subprocess.Popen(
            [*interpreter, *command],
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            text=True,
            env=environment,
            start_new_session=True,
        )
    try:
        yield Running(process, output)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(DEADLINE_S)


def alive(processes: Sequence[psutil.Process]) -> list[psutil.Process]:
    """Those that still run; a zombie has ended."""
    return [each for each in processes if each.is_running() and each.status() != psutil.STATUS_ZOMBIE]


def title(process: psutil.Process) -> str:
    """What `ps` shows for it; nothing for one that has just ended."""
    try:
        return " ".join(process.cmdline()).strip()
    except psutil.NoSuchProcess:
        return ""


def kuberklone(*arguments: str, environ: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run one command to its end."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "120", **(environ or {})}
    return subprocess.run(
        [sys.executable, "-m", "kuberklone", *arguments],
        capture_output=True,
        stdin=subprocess.DEVNULL,
        text=True,
        check=False,
        timeout=DEADLINE_S,
        env=environment,
    )


def free_port() -> int:
    """A port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def up(
    tmp_path: Path, *arguments: str, port: int | None = None, environ: Mapping[str, str] | None = None
) -> Iterator[Running]:
    """`kuberklone up`, once it has said where it runs."""
    command = ["-m", "kuberklone", "up", str(port or free_port()), *arguments]
    with running(command, tmp_path, environ=environ) as run:
        run.line("Ctrl-C stops it")
        yield run
