"""Many rows by one statement, at the speed of the driver and with the same Python on both databases.

A `BulkStatement` joins with its rows: it carries one JSON text that the database expands, so it is one round trip and
one prepared statement whatever the number of rows. The statement names the rows by `{rows}`, which becomes `json_each`
or `json_to_recordset`. Postgres gets all bulk statements in that form, since its driver's `executemany` sends the rows
one by one.

On SQLite there are no round trips to save, and writing a document into JSON only to have it taken out again is what
costs: 10,000 rows of the change log took 114 ms as JSON and 20 ms by the driver's own `executemany`. So plain inserts
(`BulkInsert`) and updates by key (`BulkUpdate`) use that there. (SQLAlchemy's Core `executemany` halves the speed of
either; these go to the driver directly.)
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import msgspec
from sqlalchemy import Connection, CursorResult, TextClause, text

ColumnType = Literal["text", "bigint", "boolean"]

_encoder = msgspec.json.Encoder()


class BulkStatement:
    """A statement over many rows of fixed columns.

    `columns` names the columns of a row and their types; `sql` refers to the rows as `{rows}`, a derived table to be
    given an alias: `UPDATE t SET a = r.a FROM {rows} AS r WHERE t.id = r.id`.
    """

    def __init__(self, sql: str, columns: Mapping[str, ColumnType]) -> None:
        self._columns = tuple(columns)
        self._texts = {
            "sqlite": text(sql.replace("{rows}", _sqlite_rows(columns))),
            "postgresql": text(sql.replace("{rows}", _postgres_rows(columns))),
        }

    def execute(self, connection: Connection, rows: Iterable[Sequence[Any]], **parameters: Any) -> CursorResult[Any]:
        """Run the statement for `rows`, each a sequence in the order of the columns."""
        dialect = connection.dialect.name
        return connection.execute(self._texts[dialect], {"rows": self._encoded(rows, dialect), **parameters})

    def _encoded(self, rows: Iterable[Sequence[Any]], dialect: str) -> str:
        # Arrays are shorter and quicker to make, but `json_to_recordset` wants objects.
        if dialect == "sqlite":
            return _encoder.encode(list(rows)).decode()
        columns = self._columns
        return _encoder.encode([dict(zip(columns, row, strict=True)) for row in rows]).decode()

    def text(self, dialect: str) -> TextClause:
        return self._texts[dialect]


def _sqlite_rows(columns: Mapping[str, ColumnType]) -> str:
    fields = ", ".join(f"json_extract(value, '$[{index}]') AS {name}" for index, name in enumerate(columns))
    return f"(SELECT {fields} FROM json_each(:rows))"


def _postgres_rows(columns: Mapping[str, ColumnType]) -> str:
    # A cast by CAST(), since `:rows::json` would read as a second parameter.
    fields = ", ".join(f"{name} {kind}" for name, kind in columns.items())
    return f"(SELECT * FROM json_to_recordset(CAST(:rows AS json)) AS expanded({fields}))"


class BulkInsert:
    """Inserts rows of `columns`; each of `constants` has one value for all rows, given to `execute` by name.

    `otherwise` is what follows, such as an ON CONFLICT clause.
    """

    def __init__(
        self, table: str, columns: Mapping[str, ColumnType], *, constants: Sequence[str] = (), otherwise: str = ""
    ) -> None:
        self._constants = tuple(constants)
        names = ", ".join((*columns, *constants))
        marks = ", ".join("?" for _ in (*columns, *constants))
        self._many = f"INSERT INTO {table} ({names}) VALUES ({marks}) {otherwise}"
        selected = ", ".join((*columns, *(f":{name}" for name in constants)))
        self._joined = BulkStatement(
            f"INSERT INTO {table} ({names}) SELECT {selected} FROM {{rows}} AS r WHERE true {otherwise}", columns
        )

    def execute(self, connection: Connection, rows: Iterable[Sequence[Any]], **constants: Any) -> None:
        if connection.dialect.name != "sqlite":
            self._joined.execute(connection, rows, **constants)
            return
        shared = tuple(constants[name] for name in self._constants)
        many = [(*row, *shared) for row in rows]
        if many:
            connection.exec_driver_sql(self._many, many)


class BulkUpdate:
    """Sets `columns` and the revision of records that still have the revision at which they were read."""

    def __init__(self, table: str, columns: Mapping[str, ColumnType]) -> None:
        marks = ", ".join(f"{column} = ?" for column in ("revision", *columns))
        # The `+` keeps SQLite from choosing another index: the uid is what finds the row.
        self._many = f"UPDATE {table} SET {marks} WHERE uid = ? AND +revision = ?"
        assigned = ", ".join(f"{column} = r.{column}" for column in ("revision", *columns))
        self._joined = BulkStatement(
            f"UPDATE {table} SET {assigned} FROM {{rows}} AS r "
            f"WHERE {table}.uid = r.uid AND {table}.revision = r.revision_read RETURNING {table}.uid",
            {"revision": "bigint", **columns, "uid": "text", "revision_read": "bigint"},
        )
        self._winners = BulkStatement(
            f"SELECT t.uid FROM {{rows}} AS r JOIN {table} AS t ON t.uid = r.uid WHERE +t.revision = r.revision",
            {"uid": "text", "revision": "bigint"},
        )

    def execute(self, connection: Connection, rows: Sequence[Sequence[Any]]) -> set[str]:
        """Rows are `(revision, *columns, uid, revision read)`; returns the uids of the records written."""
        if connection.dialect.name != "sqlite":
            return {row[0] for row in self._joined.execute(connection, rows)}
        if connection.exec_driver_sql(self._many, [tuple(row) for row in rows]).rowcount == len(rows):
            return {row[-2] for row in rows}
        # Somebody lost; the new revisions are ours alone, so they tell who won.
        found = self._winners.execute(connection, ((row[-2], row[0]) for row in rows))
        return {row[0] for row in found}
