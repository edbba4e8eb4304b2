"""Questions in SQL that cannot change anything, because the database itself refuses to.

SQLite opens the file read-only, may attach no other and makes no temporary tables. Postgres takes one statement (the
extended protocol admits no second one), inside a READ ONLY transaction that is always rolled back, as the role
`kuberklone_reader`, which is granted SELECT and nothing else.
"""

import sqlite3
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import make_url
from sqlalchemy.engine import URL

from kuberklone.errors import QueryError, StoreUnavailable
from kuberklone.store.database import database_file

# An open snapshot keeps old row versions alive and slows every writer, so no question may take longer.
TIMEOUT_S = 30.0
READER_ROLE = "kuberklone_reader"


def run(url: str, question: str, *, timeout_s: float = TIMEOUT_S) -> tuple[list[str], list[Sequence[Any]]]:
    """`(column names, rows)` of one question.

    Raises QueryError with the database's own words when it refuses, and StoreUnavailable when there is no database.
    """
    parsed = make_url(url)
    _refuse_no_text(question)
    if parsed.get_backend_name() == "sqlite":
        return _on_sqlite(database_file(parsed), question, timeout_s)
    return _on_postgres(parsed, question, timeout_s)


def _refuse_no_text(question: str) -> None:
    # Postgres would read up to the zero and leave out the rest; bytes that are no letters come from a terminal's line.
    if "\0" in question or not _is_text(question):
        raise QueryError("the question holds characters that are no text")


def _is_text(question: str) -> bool:
    try:
        question.encode()
    except UnicodeEncodeError:
        return False
    return True


def _on_sqlite(file: Path, question: str, timeout_s: float) -> tuple[list[str], list[Sequence[Any]]]:
    if not file.exists():
        raise StoreUnavailable(f"there is no database at {file} yet; start one with kuberklone up")
    try:
        connection = sqlite3.connect(
            f"{file.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None, check_same_thread=False
        )
    except sqlite3.Error as error:
        raise StoreUnavailable(f"cannot open {file}: {error}") from error
    timer = threading.Timer(timeout_s, connection.interrupt)
    timer.daemon = True
    try:
        # ATTACH would open another file, and that one for writing.
        connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
        # Temporary tables are no part of the file, and Postgres refuses them too.
        connection.execute("PRAGMA query_only = ON")
        timer.start()
        cursor = connection.execute(question)
        return [column[0] for column in cursor.description or ()], cursor.fetchall()
    except (sqlite3.Error, sqlite3.Warning) as error:
        reason = f"it took longer than {timeout_s:g} s" if str(error) == "interrupted" else str(error)
        raise QueryError(reason) from error
    finally:
        timer.cancel()
        connection.close()


def _on_postgres(url: URL, question: str, timeout_s: float) -> tuple[list[str], list[Sequence[Any]]]:
    try:
        connection = psycopg.connect(
            url.set(drivername="postgresql").render_as_string(hide_password=False),
            connect_timeout=5,
            options=f"-c role={READER_ROLE} -c statement_timeout={int(timeout_s * 1000)} -c timezone=UTC",
        )
    except psycopg.Error as error:
        raise StoreUnavailable(f"cannot open the database: {error}") from error
    with connection:
        connection.read_only = True
        try:
            cursor = connection.execute(question.encode(), prepare=True)
            columns = [column.name for column in cursor.description or ()]
            return columns, list(cursor.fetchall()) if columns else []
        except psycopg.Error as error:
            raise QueryError(str(error).strip()) from error
        finally:
            connection.rollback()
