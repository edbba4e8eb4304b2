"""The program's own processes, started as a person starts them, and the moment at which they are ready."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measurement import Place
from kuberklone.cli import programs
from kuberklone.settings import DEMO
from kuberklone.store.database import Store

ROOT = Path(__file__).parents[1]
_READY_WITHIN_S = 60.0
_END_WITHIN_S = 15.0
DEMO_TIMES = {f"KUBERKLONE_{name.upper()}": str(value) for name, value in DEMO.items()}


class NeverReadyError(Exception):
    """What was waited for did not happen; the message holds the end of the program's log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """One started program."""

    process: subprocess.Popen[bytes]
    port: int
    log: Path

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def until(
        self, condition: Callable[[], bool], *, what: str, poll_s: float = 0.01, within_s: float = _READY_WITHIN_S
    ) -> None:
        deadline = time.monotonic() + within_s
        while not condition():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise NeverReadyError(f"{what}: {self.log.read_text()[-2000:]}")
            time.sleep(poll_s)

    def answers(self, path: str = "/nodes") -> bool:
        """Whether GET answers with 200 now."""
        try:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
            try:
                connection.request("GET", path)
                answer = connection.getresponse()
                answer.read()
                return answer.status == 200
            finally:
                connection.close()
        except OSError:
            return False


def say(line: str) -> None:
    """For whoever watches: standard output is kept for the figures."""
    print(line, file=sys.stderr, flush=True)


def controllers() -> list[str]:
    return programs.controllers()


def epochs(store: Store) -> dict[str, int]:
    """The epoch of every leadership that somebody holds."""
    with store.snapshot() as connection:
        rows = connection.exec_driver_sql("SELECT name, epoch FROM leaderships WHERE holder <> ''").all()
    return {name: epoch for name, epoch in rows}


def all_lead(store: Store, before: Mapping[str, int]) -> bool:
    """Whether every controller has won a leadership later than `before`."""
    now = epochs(store)
    return all(now.get(name, 0) > before.get(name, 0) for name in controllers())


@contextmanager
def api(place: Place) -> Iterator[Running]:
    """Only the API."""
    port = free_port()
    with _started(place, ["api", "--port", str(port)], port=port) as running:
        running.until(running.answers, what="the api answers")
        yield running


@contextmanager
def cluster(
    place: Place, store: Store | None = None, *, nodes: int = 0, environment: Mapping[str, str] | None = None
) -> Iterator[Running]:
    """`kuberklone up`; with `store` the block begins when every controller leads.

    When profiled, the same processes are started one by one: a profile belongs to a process.
    """
    before = epochs(store) if store is not None else {}
    port = free_port()
    with ExitStack() as stack:
        if place.profile is None:
            arguments = ["up", "--port", str(port), "--nodes", str(nodes)]
            running = stack.enter_context(_started(place, arguments, port=port, environment=environment))
        else:
            arguments = ["api", "--port", str(port)]
            running = stack.enter_context(_started(place, arguments, port=port, environment=environment))
            for name in controllers():
                stack.enter_context(_started(place, ["controller", name], port=port, environment=environment))
        if store is not None:
            running.until(running.answers, what="the api answers")
            running.until(lambda: all_lead(store, before), what="every controller leads", poll_s=0.02)
        yield running


@contextmanager
def _started(
    place: Place, arguments: list[str], *, port: int, environment: Mapping[str, str] | None = None
) -> Iterator[Running]:
    module = ["kuberklone"]
    if place.profile is not None:
        module = ["benchmarks.profiles", str(place.profile / " ".join(arguments[:2]))]
    log = place.folder / f"{'-'.join(arguments[:2])}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", *module, *arguments],
            cwd=ROOT,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=_environment(place) | dict(environment or {}),
        )
    try:
        yield Running(process=process, port=port, log=log)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(_END_WITHIN_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def remove_machines(place: Place) -> None:
    """`kuberklone down`, once nothing runs any more: nodes that are containers outlive all processes."""
    command = [sys.executable, "-m", "kuberklone", "down"]
    subprocess.run(command, cwd=ROOT, env=_environment(place), stdout=sys.stderr, check=True)


def _environment(place: Place) -> dict[str, str]:
    """Ours without anybody's settings, and with the place's."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("KUBERKLONE_")}
    return own | {"KUBERKLONE_HOME": str(place.folder), "KUBERKLONE_DATABASE_URL": place.url}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
