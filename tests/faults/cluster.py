"""A whole cluster of real processes on one database, each of which can be killed, frozen and started again."""

import signal
import socket
from collections.abc import Iterable, Mapping
from itertools import count
from pathlib import Path
from typing import Any

from sqlalchemy import text

from controllers import catalogue
from kuberklone.chance import Chance
from kuberklone.kinds.node import Node
from kuberklone.store.database import Store
from kuberklone.store.operations import Applier, CreateNodes, Operation
from kuberklone.store.transaction import write
from tests.faults.lab import Lab
from tests.faults.nursery import DEADLINE_S, Nursery, Process
from tests.waiting import until

API = "api"
CONTROLLERS = tuple(catalogue.names())
PROGRAMS = (API, *CONTROLLERS)

HEARTBEAT_S = 0.2
GRACE_S = 0.6
TOLERATION_S = 1.0  # a toleration is whole seconds, in Kubernetes as here
BACKOFF_S = 0.3
# What the issue allows from the last fault until everything is as it should be.
CONVERGED_WITHIN_S = GRACE_S + TOLERATION_S + 5.0

_TIMES = {
    "HEARTBEAT_INTERVAL_S": HEARTBEAT_S,
    "NODE_GRACE_S": GRACE_S,
    "TOLERATION_S": TOLERATION_S,
    "RESTART_BACKOFF_S": BACKOFF_S,
    "RESTART_BACKOFF_MAX_S": 1.0,
    "LEADERSHIP_TERM_S": 1.5,
    "LEADERSHIP_RENEWAL_S": 0.3,
}

_LEADERS = text("SELECT name, holder FROM leaderships WHERE holder <> ''")


class Cluster:
    def __init__(self, nursery: Nursery, url: str, folder: Path, settings: Mapping[str, Any] | None = None) -> None:
        self._nursery = nursery
        self._folder = folder
        self.port = free_port()
        values = {"HOME": folder, "DATABASE_URL": url, "PORT": self.port, "LOG_LEVEL": "info"}
        values |= _TIMES | dict(settings or {})
        self._environ = {f"KUBERKLONE_{name}": str(value) for name, value in values.items()}
        self.url = url
        self.store = Store(url, writer="test")
        self.lab = Lab(self.port)
        self.running: dict[str, Process] = {}
        self._all: list[Process] = []
        self._applier = Applier()
        self._numbers = count(1)
        self.asked: list[str] = []
        """Names of pods that the API was asked for."""
        self.acknowledged: set[str] = set()

    # ------------------------------------------------------------------------------------------------ processes

    def start(
        self,
        *programs: str,
        crash_at: str | None = None,
        settings: Mapping[str, Any] | None = None,
        stop_at: str | None = None,
        writer: str | None = None,
    ) -> None:
        """Start these programs; a copy of one that runs takes its place here, and the caller keeps the earlier one."""
        environ = dict(self._environ)
        environ |= {f"KUBERKLONE_{name}": str(value) for name, value in (settings or {}).items()}
        if crash_at is not None:
            environ["KUBERKLONE_CRASH_AT"] = crash_at
        for program in programs:
            process = self._nursery.start(program, environ, folder=self._folder, stop_at=stop_at, writer=writer)
            self.running[program] = process
            self._all.append(process)
            process.may_end = crash_at is not None

    @property
    def latest(self) -> Process:
        """The process that was started last."""
        return self._all[-1]

    def kill(self, *programs: str) -> None:
        """`kill -9` of all these at once."""
        doomed = [self.running.pop(program) for program in programs]
        for process in doomed:
            process.may_end = True
            process.send(signal.SIGKILL)
        for process in doomed:
            process.wait()

    def close(self) -> None:
        """End everything; a process that ended without being asked to is the test's failure."""
        surprises = [process for process in self._all if process.ended.is_set() and not process.may_end]
        for process in self._all:
            if not process.ended.is_set():
                process.kill()
        self.store.close()
        assert surprises == [], "\n".join(f"{process}\n{process.log()}" for process in surprises)

    def wait_until_it_works(self) -> None:
        """Every controller that runs leads, and the API answers."""
        pids = {name: process.pid for name, process in self.running.items() if name != API}
        until(lambda: self._led_by(pids), within_s=DEADLINE_S, what=f"these lead: {pids}")
        if API in self.running:
            until(self.lab.is_ready, within_s=DEADLINE_S, what="the API answers")

    def leads(self, process: Process) -> bool:
        return self._led_by({process.program: process.pid})

    def _led_by(self, pids: Mapping[str, int]) -> bool:
        with self.store.snapshot() as connection:
            found = {name: int(holder.split("/")[-2]) for name, holder in connection.execute(_LEADERS)}
        return all(found.get(name) == pid for name, pid in pids.items())

    def logs(self) -> str:
        return "\n".join(f"{process}\n{process.log()}" for process in self._all)

    # ------------------------------------------------------------------------------------------------- contents

    def apply(self, *operations: Operation) -> None:
        """What the API would write, written without it; raises the error that refused one of them."""
        with write(self.store, reserve=len(operations)) as transaction:
            outcomes = self._applier.apply(transaction, operations)
        for outcome in outcomes:
            if isinstance(outcome, Exception):
                raise outcome

    def settle(self) -> None:
        """Nothing to wait for: processes do what is due when they come to it."""

    def add_nodes(self, names: Iterable[str], *, cpu_millis: int = 8000) -> None:
        chance = Chance()
        self.apply(CreateNodes(nodes=tuple(Node(uid=chance.uid(), name=name, cpu_millis=cpu_millis) for name in names)))

    def new_name(self, kind: str) -> str:
        return f"{kind}-{next(self._numbers) + 100}"

    def sql(self, question: str, **parameters: Any) -> list[Any]:
        with self.store.snapshot() as connection:
            return list(connection.execute(text(question), parameters).all())

    def damage(self, statement: str) -> None:
        """What a person with a SQL prompt may do to the tables."""
        with self.store.turn(), self.store.engine.begin() as connection:
            connection.execute(text(statement))


def free_port() -> int:
    """A port nobody listens on, out of the range from which the system takes those of outgoing connections: an API that
    is started again must find it free."""
    chance = Chance()
    while True:
        port = 15_000 + chance.seed() % 15_000
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return port
