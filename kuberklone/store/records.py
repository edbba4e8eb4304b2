"""Writing records: every insert, update and delete of a record goes through here and into the change log.

A record is a struct of `kuberklone.kinds` whose fields are the columns of its table. `update` and `delete` are given
the record as it was read: a record whose revision has changed since is lost to this writer and left as it is, and the
caller is told which ones were written. So nothing is ever written on the ground of something no longer true.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Generic, Literal, TypeVar

import msgspec
from sqlalchemy import Boolean, Connection, Integer, Select, bindparam, select

from kuberklone.kinds import json_text
from kuberklone.kinds.field_values import field_value
from kuberklone.kinds.header import Header
from kuberklone.kinds.kind import SHARED_TABLE, Kind
from kuberklone.kinds.objects.v1 import event, namespace, node, pod
from kuberklone.store import schema
from kuberklone.store.among import among
from kuberklone.store.rows import BulkInsert, BulkStatement, BulkUpdate, ColumnType
from kuberklone.store.transaction import Transaction

_decode = msgspec.json.Decoder().decode
R = TypeVar("R", bound=Header)
ChangeType = Literal["ADDED", "MODIFIED", "DELETED"]


class TableOf(Generic[R]):
    """How the records of one kind are read and written; made from the kind's declaration."""

    def __init__(self, kind: Kind[R]) -> None:
        self.table = schema.metadata.tables[kind.table]
        self.struct = kind.record
        self.document = kind.document
        self.resource = kind.resource
        self.group = kind.group
        self.api_version = kind.api_version
        self.selectable = kind.selectable
        self.sections = _sections(kind)
        self.constants = _constants(kind)
        """Columns with one value for the whole kind, absent from the struct."""
        self.columns: tuple[str, ...] = kind.record.__struct_fields__
        name = self.table.name
        self.delete_statement = BulkStatement(
            f"DELETE FROM {name} WHERE uid IN (SELECT r.uid FROM {{rows}} AS r JOIN {name} AS t ON t.uid = r.uid "
            "WHERE +t.revision = r.revision_read) RETURNING uid",
            {"uid": "text", "revision_read": "bigint"},
        )
        self._insert: BulkInsert | None = None
        self._taken: BulkStatement | None = None
        self._one: Select[Any] | None = None
        self._updates: dict[tuple[str, ...], BulkUpdate] = {}

    def select(self) -> Select[Any]:
        """All columns of the struct, in its order; narrow it with `where` and read it with `read`."""
        statement = select(*(self.table.c[column] for column in self.columns))
        for column, value in self.constants.items():
            statement = statement.where(self.table.c[column] == value)
        return statement

    def read(self, connection: Connection, statement: Select[Any] | None = None) -> list[R]:
        """The records that a statement made by `select` finds."""
        struct = self.struct
        # By position: `select` names the columns in the order of the struct's fields, and this is read by the thousand.
        return [struct(*row) for row in connection.execute(self.select() if statement is None else statement).all()]

    def namespace_of(self, record: R) -> str:
        return getattr(record, "namespace", "")

    def taken(self, connection: Connection, keys: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
        """Those of `(namespace, name)` that a record has already; the namespace is '' for kinds without one."""
        if self._taken is None:
            self._taken = self._taken_statement()
        constants = tuple(self.constants.values())
        rows = ((*key, *constants) for key in keys)
        return {(row.namespace, row.name) for row in self._taken.execute(connection, rows)}

    def _taken_statement(self) -> BulkStatement:
        # A join, because SQLite looks up no index for `(namespace, name) IN (…)`; and all of the key from the rows:
        # otherwise each look would read all objects of the kind.
        columns = ("namespace", "name", *self.constants)
        equal = " AND ".join(f"t.{column} = r.{column}" for column in columns if column in self.table.c)
        return BulkStatement(
            f"SELECT r.namespace, r.name FROM {{rows}} AS r JOIN {self.table.name} AS t ON {equal}",
            dict.fromkeys(columns, "text"),
        )

    def named(self, connection: Connection, keys: Iterable[tuple[str, str]]) -> dict[tuple[str, str], R]:
        """The records of these `(namespace, name)` that exist."""
        by_place: dict[str, list[str]] = {}
        for namespace_, name in keys:
            by_place.setdefault(namespace_, []).append(name)
        found: dict[tuple[str, str], R] = {}
        for namespace_, names in by_place.items():
            if len(names) == 1:
                record = self._read_one(connection, namespace_, names[0])
                found |= {} if record is None else {(namespace_, record.name): record}
                continue
            statement = self.select().where(among(self.table.c.name, names))
            if "namespace" in self.columns:
                statement = statement.where(self.table.c.namespace == namespace_)
            found |= {(namespace_, record.name): record for record in self.read(connection, statement)}
        return found

    def _read_one(self, connection: Connection, namespace_: str, name: str) -> R | None:
        if self._one is None:
            # Made once: putting a statement of thirty columns together takes longer than to carry it out.
            self._one = self.select().where(self.table.c.name == bindparam("name"))
            if "namespace" in self.columns:
                self._one = self._one.where(self.table.c.namespace == bindparam("namespace"))
        row = connection.execute(self._one, {"name": name, "namespace": namespace_}).first()
        return None if row is None else self.struct(*row)

    def insert_statement(self) -> BulkInsert:
        if self._insert is None:
            self._insert = BulkInsert(
                self.table.name,
                {column: self._type(column) for column in self.columns},
                constants=tuple(self.constants),
            )
        return self._insert

    def update_statement(self, columns: tuple[str, ...]) -> BulkUpdate:
        if columns not in self._updates:
            self._updates[columns] = BulkUpdate(self.table.name, {column: self._type(column) for column in columns})
        return self._updates[columns]

    def _type(self, column: str) -> ColumnType:
        column_type = self.table.c[column].type
        if isinstance(column_type, Boolean):
            return "boolean"
        return "bigint" if isinstance(column_type, Integer) else "text"


def _constants(kind: Kind[R]) -> dict[str, str]:
    if kind.table != SHARED_TABLE:
        return {}
    return {"api_group": kind.group, "resource": kind.resource}


def _sections(kind: Kind[R]) -> dict[str, tuple[str, ...]]:
    """Fields that selectors look up in the documents, by the column that holds them. Others never change."""
    columns = {section for section in ("spec", "status") if section in kind.record.__struct_fields__}
    paths = {path: path.partition(".")[0] for path in kind.selectable_paths}
    return {
        column: tuple(path for path, section in paths.items() if section == column)
        for column in columns & set(paths.values())
    }


NODES = TableOf(node.KIND)
PODS = TableOf(pod.KIND)
EVENTS = TableOf(event.KIND)
NAMESPACES = TableOf(namespace.KIND)

_tables: dict[tuple[str, str], TableOf[Any]] = {
    (table.group, table.resource): table for table in (NODES, PODS, EVENTS, NAMESPACES)
}


def table_of(kind: Kind[R]) -> TableOf[R]:
    """How the records of a kind are kept; one for each kind, so that its statements are made once."""
    found: TableOf[R] | None = _tables.get((kind.group, kind.resource))
    if found is None:
        found = _tables[kind.group, kind.resource] = TableOf(kind)
    return found


class Update(msgspec.Struct, Generic[R], frozen=True, gc=False):
    """A record as it was read and as it shall be. Columns that differ must be named to `update`."""

    old: R
    new: R


def insert(transaction: Transaction, table: TableOf[R], records: Sequence[R]) -> list[R]:
    """Add records whose keys are known to be free; gives them their revision and time of creation."""
    if not records:
        return []
    first = transaction.take(len(records))
    written = [
        msgspec.structs.replace(record, revision=first + index, created_ms=transaction.now_ms)
        for index, record in enumerate(records)
    ]
    table.insert_statement().execute(
        transaction.connection,
        ([getattr(record, column) for column in table.columns] for record in written),
        **table.constants,
    )
    _log(transaction, table, "ADDED", written)
    return written


def update(
    transaction: Transaction, table: TableOf[R], updates: Sequence[Update[R]], columns: tuple[str, ...]
) -> list[R]:
    """Write `columns` of records that are still as they were read; the ones written, with their new revision."""
    if not updates:
        return []
    first = transaction.take(len(updates))
    revised = {
        change.old.uid: msgspec.structs.replace(change.new, revision=first + index)
        for index, change in enumerate(updates)
    }
    winners = table.update_statement(columns).execute(
        transaction.connection,
        [
            (
                first + index,
                *[getattr(change.new, column) for column in columns],
                change.old.uid,
                change.old.revision,
            )
            for index, change in enumerate(updates)
        ],
    )
    won = [change for change in updates if change.old.uid in winners]
    written = [revised[change.old.uid] for change in won]
    _log(transaction, table, "MODIFIED", written, _previous(table, won, columns))
    return written


def delete(transaction: Transaction, table: TableOf[R], records: Sequence[R]) -> list[R]:
    """Remove records that are still as they were read; the ones removed, with the revision of their removal."""
    if not records:
        return []
    found = table.delete_statement.execute(
        transaction.connection, ((record.uid, record.revision) for record in records)
    )
    winners = {row[0] for row in found}
    first = transaction.take(len(winners))
    gone = [record for record in records if record.uid in winners]
    written = [msgspec.structs.replace(record, revision=first + index) for index, record in enumerate(gone)]
    _log(transaction, table, "DELETED", written)
    return written


_LOG = BulkInsert(
    "changes",
    {
        "revision": "bigint",
        "namespace": "text",
        "name": "text",
        "uid": "text",
        "object": "text",
        "previous": "text",
    },
    constants=("transaction_id", "api_group", "resource", "type", "api_version", "time_ms", "writer"),
)


def _log(
    transaction: Transaction,
    table: TableOf[R],
    change: ChangeType,
    records: Sequence[R],
    previous: Sequence[str | None] = (),
) -> None:
    if not records:
        return
    _LOG.execute(
        transaction.connection,
        (
            (
                record.revision,
                table.namespace_of(record),
                record.name,
                record.uid,
                table.document(record),
                previous[index] if previous else None,
            )
            for index, record in enumerate(records)
        ),
        transaction_id=transaction.txid,
        api_group=table.group,
        resource=table.resource,
        type=change,
        api_version=table.api_version,
        time_ms=transaction.now_ms,
        writer=transaction.writer,
    )
    transaction.logged = True


def _previous(table: TableOf[R], updates: Sequence[Update[R]], columns: tuple[str, ...]) -> list[str | None]:
    """For each update, labels and selectable fields as they were before, where they changed."""
    fields = [(path, column) for path, column in table.selectable.items() if column in columns]
    sections = {column: paths for column, paths in table.sections.items() if column in columns}
    found: list[str | None] = []
    for change in updates:
        members = [
            f'"{path}":{json_text.quoted(_selectable(change.old, column))}'
            for path, column in fields
            if getattr(change.old, column) != getattr(change.new, column)
        ]
        for column, paths in sections.items():
            members += _moved(getattr(change.old, column), getattr(change.new, column), column, paths)
        parts = [f'"fields":{{{",".join(members)}}}'] if members else []
        if change.old.labels != change.new.labels:
            parts.append(f'"labels":{change.old.labels}')
        found.append("{" + ",".join(parts) + "}" if parts else None)
    return found


def _moved(old: str, new: str, section: str, paths: Sequence[str]) -> list[str]:
    """Of the fields in a section, those that are something else now, as they were before."""
    if old == new:
        return []
    before, after = {section: _decode(old)}, {section: _decode(new)}
    values = ((path, field_value(before, path)) for path in paths)
    return [f'"{path}":{json_text.quoted(value)}' for path, value in values if value != field_value(after, path)]


def _selectable(record: Header, column: str) -> str:
    """A column as a field selector sees it: text, empty when there is nothing."""
    value = getattr(record, column)
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)
