"""A Postgres database that is brought back to what it was just after its migration."""

from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from kuberklone.store import schema
from tests.waiting import until

_TABLES = [table.name for table in schema.metadata.sorted_tables]
# A connection that its owner closed is gone from the server within milliseconds.
_CLOSED_WITHIN_S = 5.0


class Database:
    def __init__(self, url: str) -> None:
        self.url = url
        self._plain = url.replace("postgresql+psycopg", "postgresql")
        with self._connect() as connection:
            self._rows = {
                name: connection.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier(name))).fetchall()
                for name in _TABLES
            }

    def empty(self) -> None:
        with self._connect() as connection:
            for name in _TABLES:
                connection.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(name)))
                for row in self._rows[name]:
                    connection.execute(_insert(name, row), row)

    def assert_nobody_is_left(self) -> None:
        """A test that leaves a connection open has failed."""
        with self._connect() as connection:
            until(lambda: not _others(connection), within_s=_CLOSED_WITHIN_S, what="every connection is closed")

    def _connect(self) -> psycopg.Connection[dict[str, Any]]:
        return psycopg.connect(self._plain, row_factory=dict_row)


def _insert(table: str, row: dict[str, Any]) -> sql.Composed:
    return sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
        sql.Identifier(table),
        sql.SQL(", ").join(map(sql.Identifier, row)),
        sql.SQL(", ").join(map(sql.Placeholder, row)),
    )


def _others(connection: psycopg.Connection[dict[str, Any]]) -> list[dict[str, Any]]:
    connection.rollback()  # what the server shows of itself is kept for the length of a transaction
    return connection.execute(
        "SELECT pid, query FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
    ).fetchall()
