"""Field selectors as conditions of SQL, where a column has what the field says."""

from typing import Any

from sqlalchemy import Boolean, Column, ColumnElement, Integer, and_, false, or_

from kuberklone.apimachinery.selectors import FieldRequirement, FieldSelector
from kuberklone.store.records import TableOf

_NAMES = {"metadata.name": "name", "metadata.namespace": "namespace"}


def condition(table: TableOf[Any], fields: FieldSelector) -> ColumnElement[bool] | None:
    """What SQL can say of a selector; the rest of it has to be looked up in the documents. None: nothing."""
    columns = {**_NAMES, **table.selectable}
    found = [
        _condition(table.table.c[columns[each.path]], each)
        for each in fields.requirements
        if columns.get(each.path) in table.columns
    ]
    return and_(*found) if found else None


def _condition(column: Column[Any], wanted: FieldRequirement) -> ColumnElement[bool]:
    """A field that is not there is the empty text, and a boolean is `true` or `false`."""
    value: Any = wanted.value
    if isinstance(column.type, Boolean):
        if wanted.value not in ("true", "false"):
            return false() if wanted.operator == "=" else ~false()
        value = wanted.value == "true"
    elif isinstance(column.type, Integer):
        digits = wanted.value.removeprefix("-")
        if not (digits.isascii() and digits.isdecimal() and len(digits) < 19):
            return false() if wanted.operator == "=" else ~false()
        value = int(wanted.value)
    elif wanted.value == "":
        is_empty = or_(column.is_(None), column == "")
        return is_empty if wanted.operator == "=" else ~is_empty
    if wanted.operator == "=":
        equals: ColumnElement[bool] = column == value
        return equals
    differs: ColumnElement[bool] = or_(column.is_(None), column != value)
    return differs
