"""The one way to write: a transaction that holds the `cluster` row from its first statement to its commit.

Every change of a record takes its revision inside its transaction from that row, and the row stays locked until the
commit. So the order of revisions is the order of commits is the order in which readers see them, on every engine, and a
reader that has read up to N never misses a row below N. (A plain sequence does lose rows: on Postgres, eight writers,
a poller missed 1.6 %.) The lock also makes checks sound: what a transaction reads after it began, nobody changes.

Transactions are therefore short: at most `ROWS_MAX` rows each, then a pause in which others get their turn.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TypeVar

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError, OperationalError

from kuberklone import clock
from kuberklone.chance import Chance
from kuberklone.errors import LeadershipLost, OutcomeUnknown, SchemaTooNew, StoreUnavailable
from kuberklone.store import crashpoints, nudge
from kuberklone.store.cluster_time import advance_assignments
from kuberklone.store.database import Store

# This program's writer version; a migration that older programs would corrupt raises `cluster.min_writer` above theirs.
WRITER = 1
# revision = incarnation · 10¹² + n: a positive integer below 2⁵³ for nine thousand incarnations.
INCARNATION_SPAN = 10**12
# More rows in one transaction bind no faster (48,600 against 47,400 pods/s) but make everybody else wait: with 10,000
# rows the API's worst wait was 190 ms on SQLite and 337 ms on Postgres, with 500 it was 14 and 24 ms.
ROWS_MAX = 500
# Between two transactions of one bulk write, so that whoever waits gets the row first.
YIELD_S = 0.001
# How long to look for the outcome of a commit whose answer was lost.
_SETTLE_TRIES = 5

_TAKE = {
    dialect: text(
        f"UPDATE cluster SET revision = revision + :n, {advance_assignments(dialect)} "
        "WHERE min_writer <= :writer RETURNING revision, time_ms, incarnation"
    )
    for dialect in ("sqlite", "postgresql")
}
_TAKE_MORE = text("UPDATE cluster SET revision = revision + :n RETURNING revision")
# The check and the renewal of a leadership are one statement: a leader that gets work done renews itself by it.
_FENCE = text("UPDATE leaderships SET renewals = renewals + 1 WHERE name = :name AND epoch = :epoch")
_FENCE_ONLY = text("SELECT 1 FROM leaderships WHERE name = :name AND epoch = :epoch FOR SHARE")
_FENCE_ONLY_SQLITE = text("SELECT 1 FROM leaderships WHERE name = :name AND epoch = :epoch")
_SETTLE = text("SELECT 1 FROM changes WHERE revision > :after AND revision <= :upto AND transaction_id = :txid LIMIT 1")

_chance = Chance()
Row = TypeVar("Row")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fence:
    """A leadership as it was won; a write under it fails once somebody else has won a later epoch."""

    name: str
    epoch: int


@dataclass(slots=True)
class Transaction:
    """An open write transaction. Made by `write`; everything that changes rows takes one."""

    connection: Connection
    now_ms: int
    """Cluster time; the same for all rows of the transaction."""
    txid: str
    writer: str
    incarnation: int
    first_free: int
    last_taken: int
    started_at: int = field(init=False)
    logged: bool = False
    """Whether a change was written, so that readers of the feed have something to see."""
    cost_rows: int = 0

    def __post_init__(self) -> None:
        self.started_at = self.first_free - 1

    def take(self, count: int) -> int:
        """The first of `count` consecutive revisions that are this transaction's own."""
        missing = self.first_free + count - 1 - self.last_taken
        if missing > 0:
            last: int = self.connection.execute(_TAKE_MORE, {"n": missing}).scalar_one()
            self.last_taken = last
        first = self.first_free
        self.first_free += count
        return first


@contextmanager
def write(
    store: Store, *, reserve: int = 0, fence: Fence | None = None, writer: str | None = None
) -> Iterator[Transaction]:
    """Open a write transaction, commit it at the end of the block and nudge the readers of the feed.

    `reserve` is how many revisions the block expects to take; taking more costs one statement, taking fewer leaves a
    gap, which is harmless. An exception in the block rolls everything back.

    Raises LeadershipLost when `fence` is no longer the leadership's epoch, SchemaTooNew when this program is too
    old to write, StoreUnavailable when the database cannot be used (nothing was written) and OutcomeUnknown when the
    commit's answer was lost and could not be found out.
    """
    transaction: Transaction | None = None
    with store.turn(), store.engine.connect() as connection:
        outer = connection.begin()
        try:
            transaction = _begin(store, connection, reserve, writer or store.writer)
            if fence is not None:
                _check(connection, fence)
            crashpoints.reach("transaction.begun")
            yield transaction
            crashpoints.reach("transaction.written")
        except BaseException:
            with suppress(DBAPIError):
                outer.rollback()
            raise
        try:
            outer.commit()
        except OperationalError as error:
            # SQLite reports a failed commit (a full disk) with the transaction still open, so nothing was written;
            # a lost connection to Postgres says nothing about whether the server got to commit.
            if store.dialect == "sqlite":
                with suppress(DBAPIError):
                    outer.rollback()
                raise
            connection.invalidate()
            _settle(store, transaction, error)
    crashpoints.reach("transaction.committed")
    if transaction.logged:
        nudge.send(store)


@contextmanager
def fenced_only(store: Store, fence: Fence) -> Iterator[Connection]:
    """A transaction for rows that have no revision (heartbeats): fenced, but without taking the `cluster` row.

    A takeover needs the leadership's row and therefore waits for this transaction; other writers do not (on Postgres;
    SQLite has one write lock for all). Raises LeadershipLost and StoreUnavailable like `write`.
    """
    with store.turn(), store.engine.connect() as connection, connection.begin():
        statement = _FENCE_ONLY if store.dialect == "postgresql" else _FENCE_ONLY_SQLITE
        if connection.execute(statement, {"name": fence.name, "epoch": fence.epoch}).first() is None:
            raise LeadershipLost
        yield connection


def in_batches(
    store: Store, rows: list[Row], apply: Callable[[Transaction, list[Row]], int], *, fence: Fence | None = None
) -> int:
    """Write many rows in transactions of at most `ROWS_MAX`, yielding between them; the sum of what `apply` returns.

    Each transaction stands for itself: a crash between two leaves whole batches, and the next pass does the rest.
    """
    done = 0
    for start in range(0, len(rows), ROWS_MAX):
        if start:
            clock.sleep(YIELD_S)
        batch = rows[start : start + ROWS_MAX]
        with write(store, reserve=len(batch), fence=fence) as transaction:
            done += apply(transaction, batch)
    return done


def _begin(store: Store, connection: Connection, reserve: int, writer: str) -> Transaction:
    parameters = {"n": reserve, "writer": WRITER, "wall": store.clock.wall_ms()}
    row = connection.execute(_TAKE[store.dialect], parameters).first()
    if row is None:
        raise SchemaTooNew(
            "this program is too old to write to the database; stop it and start the version that migrated it"
        )
    return Transaction(
        connection=connection,
        now_ms=row.time_ms,
        txid=_chance.uid(),
        writer=writer,
        incarnation=row.incarnation,
        first_free=row.revision - reserve + 1,
        last_taken=row.revision,
    )


def _check(connection: Connection, fence: Fence) -> None:
    # A statement of its own, after the row lock: under READ COMMITTED a condition inside the first statement would be
    # judged on what was committed before the wait, which let 527 stale writes through.
    if connection.execute(_FENCE, {"name": fence.name, "epoch": fence.epoch}).rowcount != 1:
        raise LeadershipLost


def _settle(store: Store, transaction: Transaction, cause: Exception) -> None:
    """Find out whether a commit took place; returns if it did.

    Taking the `cluster` row waits until the server is done with the lost transaction, one way or the other.
    """
    if not transaction.logged:
        raise StoreUnavailable("the connection broke while committing") from cause
    for attempt in range(_SETTLE_TRIES):
        try:
            with store.engine.connect() as connection, connection.begin():
                connection.execute(_TAKE_MORE, {"n": 0})
                found = connection.execute(
                    _SETTLE,
                    {"after": transaction.started_at, "upto": transaction.last_taken, "txid": transaction.txid},
                ).first()
        except DBAPIError:  # of any kind: a standby that took over says that it is read-only
            clock.sleep(0.1 * 2**attempt)
            continue
        if found is None:
            raise StoreUnavailable("the connection broke before the commit; nothing was written") from cause
        return
    raise OutcomeUnknown from cause
