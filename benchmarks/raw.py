"""The driver alone: the same rows into the same tables, with nothing of ours in between but prepared lists.

It is the yardstick of `--check`. Seconds differ from machine to machine and from hour to hour; how many times slower
we are than the bare driver, in the same minute and on the same disk, does not.
"""

import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg

from benchmarks.measurement import Place

# The product's bulk writes use transactions of this many rows; a yardstick with longer ones would be another thing.
BATCH_ROWS = 500

Row = Sequence[Any]
Rows = Sequence[Row]


class Raw:
    """One connection with the product's durability settings, and its two bulk statements written by hand."""

    def __init__(self, place: Place) -> None:
        self._is_sqlite = place.dialect == "sqlite"
        self._sqlite: sqlite3.Connection | None = None
        self._postgres: psycopg.Connection[Any] | None = None
        if self._is_sqlite:
            self._sqlite = sqlite3.connect(place.url.removeprefix("sqlite:///"), isolation_level=None)
            for pragma in (
                "journal_mode=WAL", "synchronous=FULL", "wal_autocheckpoint=2048", "cache_size=-65536",
                "temp_store=MEMORY",
            ):  # fmt: skip
                self._sqlite.execute(f"PRAGMA {pragma}")
        else:
            self._postgres = psycopg.connect(place.url.replace("+psycopg", ""), autocommit=True, prepare_threshold=2)
            self._postgres.execute("SET synchronous_commit = on")

    def execute(self, statement: str, parameters: Row = ()) -> list[Any]:
        if self._sqlite is not None:
            return self._sqlite.execute(statement, parameters).fetchall()
        assert self._postgres is not None
        cursor = self._postgres.execute(statement.replace("?", "%s"), parameters)
        return cursor.fetchall() if cursor.description else []

    @contextmanager
    def transaction(self, revisions: int) -> Iterator[None]:
        """Takes the `cluster` row as every write does, so that the yardstick has the same lock and the same sync."""
        self.execute("BEGIN IMMEDIATE" if self._is_sqlite else "BEGIN")
        self.execute("UPDATE cluster SET revision = revision + ?", (revisions,))
        yield
        self.execute("COMMIT")

    def insert(self, table: str, columns: Mapping[str, str], rows: Rows) -> None:
        """`columns` are names and Postgres types."""
        names = ", ".join(columns)
        if self._sqlite is not None:
            marks = ", ".join("?" for _ in columns)
            self._sqlite.executemany(f"INSERT INTO {table} ({names}) VALUES ({marks})", rows)
            return
        assert self._postgres is not None
        # COPY: its quickest way in. As arrays, long texts would take longer to quote than the rows take to write.
        with self._postgres.cursor().copy(f"COPY {table} ({names}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)

    def update(self, table: str, columns: Mapping[str, str], key: str, rows: Rows) -> None:
        """Each row has the values of `columns`, then the key's, which is text."""
        if self._sqlite is not None:
            marks = ", ".join(f"{name} = ?" for name in columns)
            self._sqlite.executemany(f"UPDATE {table} SET {marks} WHERE {key} = ?", rows)
            return
        assigned = ", ".join(f"{name} = r.{name}" for name in columns)
        aliases = ", ".join((*columns, "wanted"))
        arrays = _unnest({**columns, key: "text"})
        self.execute(
            f"UPDATE {table} SET {assigned} FROM {arrays} AS r({aliases}) WHERE {table}.{key} = r.wanted",
            _by_column(rows),
        )

    def delete(self, table: str, key: str, values: Sequence[str]) -> None:
        if self._sqlite is not None:
            self._sqlite.executemany(f"DELETE FROM {table} WHERE {key} = ?", [(value,) for value in values])
            return
        self.execute(f"DELETE FROM {table} WHERE {key} = ANY(?)", (list(values),))

    def close(self) -> None:
        if self._sqlite is not None:
            self._sqlite.close()
        if self._postgres is not None:
            self._postgres.close()


def _unnest(columns: Mapping[str, str]) -> str:
    return f"unnest({', '.join(f'CAST(? AS {kind}[])' for kind in columns.values())})"


def _by_column(rows: Rows) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)]


def batches(rows: Rows, size: int = BATCH_ROWS) -> Iterator[Rows]:
    for start in range(0, len(rows), size):
        yield rows[start : start + size]


CHANGES = {
    "revision": "bigint", "transaction_id": "text", "api_group": "text", "resource": "text", "namespace": "text",
    "name": "text", "uid": "text", "type": "text", "api_version": "text", "object": "text", "previous": "text",
    "time_ms": "bigint", "writer": "text",
}  # fmt: skip


def change(revision: int, type_: str, *, name: str, uid: str, document: str) -> Row:
    """A row of `changes` about a pod."""
    return (revision, uid, "", "pods", "default", name, uid, type_, "v1", document, None, revision, "raw")


def next_revision(raw: Raw) -> int:
    found: int = raw.execute("SELECT revision FROM cluster")[0][0]
    return found + 1


@contextmanager
def stopwatch() -> Iterator[list[float]]:
    """The list holds the seconds once the block is over."""
    seconds: list[float] = []
    started = time.perf_counter()
    yield seconds
    seconds.append(time.perf_counter() - started)
