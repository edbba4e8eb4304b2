"""`column IN (many values)` as one parameter, whatever their number.

A parameter for each value would make every length a statement of its own, and end at 32,766 of them on SQLite and
65,535 on Postgres; the values travel as one JSON text instead.
"""

from collections.abc import Iterable
from typing import Any

import msgspec
from sqlalchemy import Boolean, ColumnElement, Text, bindparam
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement


class _TextsOf(FunctionElement[str]):
    """The texts of a JSON array, as a subquery."""

    name = "texts_of"
    inherit_cache = True


@compiles(_TextsOf, "sqlite")
def _on_sqlite(element: _TextsOf, compiler: SQLCompiler, **options: Any) -> str:
    return f"(SELECT value FROM json_each({compiler.process(element.clauses, **options)}))"


@compiles(_TextsOf, "postgresql")
def _on_postgres(element: _TextsOf, compiler: SQLCompiler, **options: Any) -> str:
    array = compiler.process(element.clauses, **options)
    return f"(SELECT json_array_elements_text(CAST({array} AS json)))"


def among(column: ColumnElement[Any], values: Iterable[str]) -> ColumnElement[bool]:
    """The condition that a text column has one of the values."""
    array = bindparam(None, msgspec.json.encode(list(values)).decode(), type_=Text, unique=True)
    return column.op("IN", return_type=Boolean())(_TextsOf(array))
