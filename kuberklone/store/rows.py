"""Many rows as one parameter: `Rows` is a table that a bulk statement can join with.

A bulk statement carries one JSON text that the database expands, so it is one round trip and one prepared statement
whatever the number of rows; ten thousand placements ran at the raw driver's speed this way, twice as fast as
`executemany`. The statement names the rows by `{rows}`, which becomes `json_each` or `json_to_recordset`.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import msgspec
from sqlalchemy import Connection, CursorResult, TextClause, text

Kind = Literal["text", "bigint", "boolean"]

_encoder = msgspec.json.Encoder()


class BulkStatement:
    """A statement over many rows of fixed columns.

    `columns` names the columns of a row and their types; `sql` refers to the rows as `{rows}`, a derived table to be
    given an alias: `UPDATE t SET a = r.a FROM {rows} AS r WHERE t.id = r.id`.
    """

    def __init__(self, sql: str, columns: Mapping[str, Kind]) -> None:
        self._columns = tuple(columns)
        self._texts = {
            "sqlite": text(sql.replace("{rows}", _sqlite_rows(columns))),
            "postgresql": text(sql.replace("{rows}", _postgres_rows(columns))),
        }

    def execute(self, connection: Connection, rows: Iterable[Sequence[Any]], **parameters: Any) -> CursorResult[Any]:
        """Run the statement for `rows`, each a sequence in the order of the columns."""
        columns = self._columns
        encoded = _encoder.encode([dict(zip(columns, row, strict=True)) for row in rows]).decode()
        return connection.execute(self.text(connection.dialect.name), {"rows": encoded, **parameters})

    def text(self, dialect: str) -> TextClause:
        return self._texts[dialect]


def _sqlite_rows(columns: Mapping[str, Kind]) -> str:
    fields = ", ".join(f"json_extract(value, '$.{name}') AS {name}" for name in columns)
    return f"(SELECT {fields} FROM json_each(:rows))"


def _postgres_rows(columns: Mapping[str, Kind]) -> str:
    # A cast by CAST(), since `:rows::json` would read as a second parameter.
    fields = ", ".join(f"{name} {kind}" for name, kind in columns.items())
    return f"(SELECT * FROM json_to_recordset(CAST(:rows AS json)) AS expanded({fields}))"
