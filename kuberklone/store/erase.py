"""Removing all data of a cluster: for `kuberklone reset` and `uninstall`, never for anything else."""

import shutil
from pathlib import Path

from sqlalchemy import make_url, text

from kuberklone.store import nudge, schema, views
from kuberklone.store.database import Store, database_file, turnstile_path


def files(url: str) -> list[Path]:
    """The files that hold a SQLite database and exist; none for Postgres. Backups are not among them."""
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return []
    file = database_file(parsed)
    beside = [file.with_name(file.name + suffix) for suffix in ("-wal", "-shm", "-journal")]
    return [path for path in (file, *beside, turnstile_path(parsed)) if path.exists()]


def backups(url: str) -> list[Path]:
    """The copies that upgrades made of a SQLite database."""
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return []
    file = database_file(parsed)
    return sorted(file.parent.glob(f"{file.stem}.before-upgrade-*.db"))


def erase(url: str) -> None:
    """Remove the tables of the cluster, or the files that hold them. The caller knows that nothing runs on them."""
    if make_url(url).get_backend_name() == "sqlite":
        # The database itself goes last: a kill in between leaves a database that opens, not one without its log.
        for path in reversed(files(url)):
            path.unlink(missing_ok=True)
        shutil.rmtree(nudge.directory(make_url(url)), ignore_errors=True)
        return
    store = Store(url)
    try:
        with store.turn(), store.engine.begin() as connection:
            views.drop(connection)
            schema.metadata.drop_all(connection)
            connection.execute(text("DROP TABLE IF EXISTS alembic_version"))
    finally:
        store.close()
