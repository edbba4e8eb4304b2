"""Real processes that use the same store: told what to do by a line, heard by theirs."""

import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests import waiting

ROOT = Path(__file__).parents[2]
# Generous: two cores are shared with everything else that is being tested.
DEADLINE_S = 30.0


class Child:
    """A process of `store_programs.py`, or of a program given as text."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self._lines: queue.Queue[str] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line.strip())

    def tell(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def hear(self, *, within_s: float = DEADLINE_S) -> str:
        """The next line it says."""
        try:
            return self._lines.get(timeout=within_s)
        except queue.Empty:
            raise waiting.NeverHappenedError(f"no line within {within_s:g} s") from None

    def rest(self) -> list[str]:
        """All it says until it ends, which it must do well."""
        assert self.process.wait(DEADLINE_S) == 0
        self._reader.join(DEADLINE_S)
        return list(self._lines.queue)

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def exit_code(self) -> int:
        return self.process.wait(DEADLINE_S)


@contextmanager
def running(*arguments: str, environ: dict[str, str] | None = None, program: Path | None = None) -> Iterator[Child]:
    """Start one; it has opened the store and waits for the first line. Whatever is left of it is killed."""
    process = subprocess.Popen(
        [sys.executable, str(program or Path(__file__).with_name("store_programs.py")), *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT), **(environ or {})},
    )
    assert process.stdin is not None
    assert process.stdout is not None
    child = Child(process)
    try:
        assert child.hear() == "ready"
        yield child
    finally:
        process.kill()
        process.wait(DEADLINE_S)
        child._reader.join(DEADLINE_S)
        process.stdin.close()
        process.stdout.close()
