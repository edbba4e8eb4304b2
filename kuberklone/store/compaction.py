"""Forgetting what is old, in small steps: the change log, history rows, and the space they took.

Compaction of the log keeps, for each object, its newest row before the cut unless that row tells of its deletion: so
`history.state_at` still answers for every revision that is left. Every step is one short transaction.
"""

from sqlalchemy import Connection, text

from kuberklone.store.database import Store, database_file, translated_errors
from kuberklone.store.transaction import ROWS_MAX, Transaction

# Pages given back to the file system in one step: 8 MiB, some milliseconds.
_VACUUM_PAGES = 1_024

_REVISION_BEFORE = text("SELECT MAX(revision) FROM changes WHERE time_ms < :time_ms AND revision > :known")
_ROWS = text("SELECT COUNT(*) FROM changes WHERE revision <= :upto")
_NTH_OLDEST = text("SELECT revision FROM changes ORDER BY revision LIMIT 1 OFFSET :offset")
_WATCH_FROM = text("SELECT watch_from FROM cluster")
_RAISE = text("UPDATE cluster SET watch_from = :revision WHERE watch_from < :revision")
_RAISE_HISTORY = text("UPDATE cluster SET history_from = :revision WHERE history_from < :revision")
# Rows up to the cut that a later row (also up to the cut) of the same object makes superfluous, and deletions.
_SUPERFLUOUS = text(
    "SELECT c.revision FROM changes c WHERE c.revision > :after AND c.revision <= :upto AND (c.type = 'DELETED' OR "
    "EXISTS (SELECT 1 FROM changes d WHERE d.resource = c.resource AND d.namespace = c.namespace AND d.name = c.name "
    "AND d.api_group = c.api_group AND d.revision > c.revision AND d.revision <= :upto)) "
    f"ORDER BY c.revision LIMIT {ROWS_MAX}"
)
_DELETE = {
    "sqlite": text("DELETE FROM changes WHERE revision IN (SELECT value FROM json_each(:revisions))"),
    "postgresql": text(
        "DELETE FROM changes WHERE revision IN "
        "(SELECT CAST(value AS bigint) FROM json_array_elements_text(CAST(:revisions AS json)))"
    ),
}


def newest_before(connection: Connection, time_ms: int, *, known: int) -> int:
    """The newest revision written before `time_ms`; `known` if there is none after it."""
    found: int | None = connection.execute(_REVISION_BEFORE, {"time_ms": time_ms, "known": known}).scalar_one()
    return known if found is None else max(found, known)


def rows_upto(connection: Connection, revision: int) -> int:
    """How many rows of the log there are up to a revision."""
    count: int = connection.execute(_ROWS, {"upto": revision}).scalar_one()
    return count


def nth_oldest(connection: Connection, offset: int) -> int | None:
    """The revision of the row that `offset` older ones precede."""
    found: int | None = connection.execute(_NTH_OLDEST, {"offset": offset}).scalar_one_or_none()
    return found


def watch_from(connection: Connection) -> int:
    """Below this, feed cursors are refused."""
    revision: int = connection.execute(_WATCH_FROM).scalar_one()
    return revision


def raise_watch_from(transaction: Transaction, revision: int) -> None:
    """Refuse cursors below `revision` from now on; done before the first row goes."""
    transaction.connection.execute(_RAISE, {"revision": revision})


def superfluous(connection: Connection, *, after: int, upto: int) -> list[int]:
    """Revisions of rows that may go, oldest first, at most one transaction's worth."""
    return list(connection.execute(_SUPERFLUOUS, {"after": after, "upto": upto}).scalars())


def delete_changes(transaction: Transaction, revisions: list[int], *, upto: int) -> None:
    """Delete rows of the log at or below `upto`, below which the past can then no longer be told."""
    transaction.connection.execute(_RAISE_HISTORY, {"revision": upto})
    statement = _DELETE[transaction.connection.dialect.name]
    transaction.connection.execute(statement, {"revisions": str(revisions)})


# Rows that no longer belong to anything, a batch at a time.
_OLD = {
    "decisions": (
        "DELETE FROM decisions WHERE (pod_uid, fingerprint) IN (SELECT d.pod_uid, d.fingerprint FROM decisions d "
        "WHERE d.last_ms < :before_ms AND NOT EXISTS (SELECT 1 FROM pods p WHERE p.uid = d.pod_uid "
        f"AND p.node_name IS NULL) LIMIT {ROWS_MAX})"
    ),
    "placements": (
        "DELETE FROM placements WHERE pod_uid IN (SELECT l.pod_uid FROM placements l "
        f"WHERE l.ended_ms < :before_ms LIMIT {ROWS_MAX})"
    ),
}
_OLD_STATEMENTS = {table: text(statement) for table, statement in _OLD.items()}


def delete_old(transaction: Transaction, table: str, *, before_ms: int) -> int:
    """Delete rows of `decisions` or `placements` that ended before a moment; how many."""
    return transaction.connection.execute(_OLD_STATEMENTS[table], {"before_ms": before_ms}).rowcount


def checkpoint(store: Store) -> None:
    """SQLite: move the log's pages into the database beside everybody's work; nobody waits for it."""
    if store.dialect != "sqlite":
        return
    # Without the turn: a passive checkpoint takes no lock that writers need.
    with translated_errors(), store.autocommit() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(PASSIVE)").close()


def give_back_space(store: Store, *, wal_limit_bytes: int) -> None:
    """SQLite: return a few free pages to the file system, and cut the log back if it outgrew its limit."""
    if store.dialect != "sqlite":
        return
    file = database_file(store.url)
    log = file.with_name(f"{file.name}-wal")
    with store.turn(), store.autocommit() as connection:
        # As a script: the pragma frees one page a step, and the driver takes only the first step of a statement whose
        # rows have no columns.
        cursor = connection.connection.cursor()
        cursor.executescript(f"PRAGMA incremental_vacuum({_VACUUM_PAGES});")
        if log.exists() and log.stat().st_size > wal_limit_bytes:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        cursor.close()
