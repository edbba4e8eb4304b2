"""Bringing a database to this program's schema, once, whoever starts first."""

import sqlite3
import stat
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

import kuberklone
from kuberklone import clock
from kuberklone.chance import Chance
from kuberklone.clock import Clock
from kuberklone.errors import SchemaOutdated, SchemaTooNew, StoreUnavailable
from kuberklone.kinds.objects.v1 import namespace
from kuberklone.store import records, transaction, views
from kuberklone.store.database import Store, database_file
from kuberklone.store.records import NAMESPACES

# Two starters meet here: the second waits until the first has migrated, then finds nothing to do.
_POSTGRES_LOCK = 0x6B75626572  # "kuber"


@dataclass(frozen=True, slots=True, kw_only=True)
class Upgrade:
    """What an upgrade found and did."""

    before: str | None
    after: str
    backup: Path | None = None
    """The copy made before migrating a SQLite database that had data."""


def migrations_folder() -> Path:
    """Where the migrations are: inside the installed package, else beside it in a checkout."""
    package = Path(kuberklone.__file__).parent
    packed = package / "_migrations"
    return packed if packed.is_dir() else package.parent / "migrations"


def newest() -> str:
    """The schema revision of this program."""
    head = ScriptDirectory(str(migrations_folder())).get_current_head()
    assert head is not None, "the program comes with at least one migration"
    return head


def upgrade(url: str, *, clock: Clock = clock.SYSTEM) -> Upgrade:
    """Create or upgrade the schema; safe to call from several processes at once.

    Raises SchemaTooNew when a newer program has migrated the database, StoreUnavailable when it cannot be used.
    """
    store = Store(url, clock=clock)
    try:
        with store.turn(), store.engine.connect() as connection, connection.begin():
            if store.dialect == "postgresql":
                # Changing large tables, or waiting for another starter that does, may take as long as it takes.
                connection.execute(text("SET LOCAL statement_timeout = 0"))
                connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _POSTGRES_LOCK})
            before = _current(connection)
            head = newest()
            _refuse_newer(before)
            backup = None
            if before != head:
                if before is not None and store.dialect == "sqlite":
                    backup = _back_up(store, before)
                _migrate(connection, head)
        _seed(store)
        return Upgrade(before=before, after=head, backup=backup)
    finally:
        store.close()


def _seed(store: Store) -> None:
    """Records that every cluster has; written like any other record, so watchers see them come into being."""
    with store.snapshot() as connection:
        if NAMESPACES.read(connection):
            return
    with transaction.write(store, reserve=1) as opened:
        if not NAMESPACES.read(opened.connection):
            records.insert(opened, NAMESPACES, [namespace.named(namespace.DEFAULT, uid=Chance().uid())])


def ensure_current(store: Store) -> None:
    """Raises SchemaOutdated or SchemaTooNew unless the database has exactly this program's schema."""
    with store.snapshot() as connection:
        current = _current(connection)
    _refuse_newer(current)
    if current != newest():
        raise SchemaOutdated


def _current(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _refuse_newer(current: str | None) -> None:
    known = {script.revision for script in ScriptDirectory(str(migrations_folder())).walk_revisions()}
    if current is not None and current not in known:
        raise SchemaTooNew(
            f"the database has schema {current}, which this program does not know: a newer KuberKlone wrote it; "
            "start that version, or restore a backup from before the upgrade"
        )


def _migrate(connection: Connection, head: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(migrations_folder()).replace("%", "%%"))
    config.attributes["connection"] = connection
    # Views are derived; while they stand, the tables below them cannot be changed.
    views.drop(connection)
    # Writers of an older program that are still running wait here, and are told that they are too old afterwards.
    if _current(connection) is not None:
        connection.execute(text("UPDATE cluster SET revision = revision"))
    command.upgrade(config, head)
    views.recreate(connection)


def _back_up(store: Store, before: str) -> Path:
    file = database_file(store.url)
    copy = file.with_name(f"{file.stem}.before-upgrade-from-{before}.{clock.file_stamp(store.clock.wall_ms())}.db")
    try:
        copy.touch(mode=stat.S_IRUSR | stat.S_IWUSR)  # as private as the database itself
        # A connection of its own: it reads the last committed state while the upgrade holds the write lock.
        with (
            closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as source,
            closing(sqlite3.connect(copy)) as target,
        ):
            source.backup(target)
    except (sqlite3.Error, OSError) as error:
        with suppress(OSError):
            copy.unlink(missing_ok=True)
        raise StoreUnavailable(f"no backup could be written to {copy}: {error}; nothing was migrated") from error
    return copy
