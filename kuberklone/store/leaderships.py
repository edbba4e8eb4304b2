"""Which copy of a controller leads. Not the Kubernetes kind Lease: nobody outside is meant to write these rows.

A leader proves its life by renewing a counter. A candidate takes over when it has itself seen the counter unchanged
for the whole term, measured on its own monotonic clock, so no two machines' clocks are ever compared. A leader of this
same machine whose process is gone is succeeded at once. The takeover raises the epoch while holding the `cluster` row,
and every fenced write checks the epoch while holding it: a leader that was paused wakes up unable to write.
"""

import socket
from dataclasses import dataclass

import psutil
from sqlalchemy import Connection, text

from kuberklone.clock import Clock
from kuberklone.store import crashpoints
from kuberklone.store.database import Store
from kuberklone.store.transaction import Fence, write

# A start time is read from the system's clock, which may be corrected by a second or so while we run.
_START_TOLERANCE_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Leadership:
    """One row of `leaderships`."""

    name: str
    holder: str
    epoch: int
    renewals: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a loop says of itself when it renews."""

    passes: int
    errors: int
    last_error: str | None
    last_error_ms: int | None
    pass_ms: int
    """How long the latest pass took."""
    revision_seen: int


_READ = text("SELECT name, holder, epoch, renewals FROM leaderships WHERE name = :name")
_TAKE_OVER = text(
    "INSERT INTO leaderships (name, holder, epoch, renewals, acquired_ms) VALUES (:name, :holder, 1, 0, :now_ms) "
    "ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, epoch = leaderships.epoch + 1, renewals = 0, "
    "acquired_ms = excluded.acquired_ms, passes = 0, errors = 0, last_error = NULL, last_error_ms = NULL "
    "WHERE leaderships.epoch = :epoch_seen AND leaderships.renewals = :renewals_seen RETURNING epoch"
)
_RENEW = text(
    "UPDATE leaderships SET renewals = renewals + 1, passes = :passes, errors = :errors, last_error = :last_error, "
    "last_error_ms = :last_error_ms, pass_ms = :pass_ms, revision_seen = :revision_seen "
    "WHERE name = :name AND epoch = :epoch"
)
_RESIGN = text("UPDATE leaderships SET holder = '', renewals = renewals + 1 WHERE name = :name AND epoch = :epoch")


def holder_name() -> str:
    """This process as a holder: host, pid and the start time that tells it from a later process of the same pid."""
    process = psutil.Process()
    return f"{socket.gethostname()}/{process.pid}/{process.create_time():.2f}"


def is_surely_gone(holder: str) -> bool:
    """Whether a holder resigned, or was a process of this machine that has ended."""
    if not holder:
        return True
    host, pid, started = holder.rsplit("/", 2)
    if host != socket.gethostname():
        return False
    try:
        process = psutil.Process(int(pid))
        is_another = abs(process.create_time() - float(started)) > _START_TOLERANCE_S
        return is_another or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
    except psutil.Error:
        return False


def current(connection: Connection, name: str) -> Leadership | None:
    row = connection.execute(_READ, {"name": name}).first()
    return None if row is None else Leadership(**row._mapping)


class Candidate:
    """One process's wish to lead: watches the leader and takes over once it is surely gone or silent for a term."""

    def __init__(self, store: Store, name: str, *, term_s: float, clock: Clock) -> None:
        self._store = store
        self._name = name
        self._term_s = term_s
        self._clock = clock
        self._holder = holder_name()
        self._seen: Leadership | None = None
        self._unchanged_since = 0.0

    def stand(self) -> Fence | None:
        """Look at the leader once; the won leadership, or None while somebody else leads."""
        with self._store.snapshot() as connection:
            leader = current(connection, self._name)
        if leader is not None and not is_surely_gone(leader.holder):
            now = self._clock.monotonic()
            if leader != self._seen:
                self._seen, self._unchanged_since = leader, now
            if now - self._unchanged_since < self._term_s:
                return None
        return self._take_over(leader)

    def _take_over(self, leader: Leadership | None) -> Fence | None:
        with write(self._store) as transaction:
            epoch = transaction.connection.execute(
                _TAKE_OVER,
                {
                    "name": self._name,
                    "holder": self._holder,
                    "now_ms": transaction.now_ms,
                    "epoch_seen": -1 if leader is None else leader.epoch,
                    "renewals_seen": -1 if leader is None else leader.renewals,
                },
            ).scalar_one_or_none()
            crashpoints.reach("leadership.taken")
        self._seen = None
        return None if epoch is None else Fence(name=self._name, epoch=epoch)


def renew(store: Store, fence: Fence, report: Report) -> bool:
    """Renew and report in one statement, without the `cluster` row on Postgres; False when somebody else leads."""
    with store.turn(), store.engine.connect() as connection, connection.begin():
        parameters = {field: getattr(report, field) for field in Report.__dataclass_fields__}
        renewed = connection.execute(_RENEW, {"name": fence.name, "epoch": fence.epoch, **parameters}).rowcount
    return renewed == 1


def resign(store: Store, fence: Fence) -> None:
    """Leave in good order, so that the next candidate need not wait for a term."""
    with store.turn(), store.engine.connect() as connection, connection.begin():
        connection.execute(_RESIGN, {"name": fence.name, "epoch": fence.epoch})
        crashpoints.reach("leadership.resigned")
