"""Writing records: every insert, update and delete of a record goes through here and into the change log.

A record is a struct of `kuberklone.kinds` whose fields are the columns of its table. `update` and `delete` are given
the record as it was read: a record whose revision has changed since is lost to this writer and left as it is, and the
caller is told which ones were written. So nothing is ever written on the ground of something no longer true.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

import msgspec
from sqlalchemy import Boolean, Connection, Integer, Select, Table, select

from kuberklone.kinds import event, json_text, namespace, node, pod
from kuberklone.kinds.event import Event
from kuberklone.kinds.header import Header
from kuberklone.kinds.namespace import Namespace
from kuberklone.kinds.node import Node
from kuberklone.kinds.pod import Pod
from kuberklone.store import schema
from kuberklone.store.rows import BulkStatement, Kind
from kuberklone.store.transaction import Transaction

R = TypeVar("R", bound=Header)
ChangeType = Literal["ADDED", "MODIFIED", "DELETED"]


class TableOf(Generic[R]):
    """How records of one kind are kept: their table, their struct and their document."""

    def __init__(
        self,
        table: Table,
        struct: type[R],
        *,
        document: Callable[[R], str],
        resource: str,
        group: str = "",
        api_version: str = "v1",
        selectable: Mapping[str, str] | None = None,
        constants: Mapping[str, str] | None = None,
    ) -> None:
        self.table = table
        self.struct = struct
        self.document = document
        self.resource = resource
        self.group = group
        self.api_version = api_version
        self.selectable = dict(selectable or {})
        self.constants = dict(constants or {})
        """Columns with one value for the whole kind (`objects.resource`), absent from the struct."""
        self.columns: tuple[str, ...] = struct.__struct_fields__
        self._statements: dict[tuple[str, ...], BulkStatement] = {}

    def select(self) -> Select[Any]:
        """All columns of the struct, in its order; narrow it with `where` and read it with `read`."""
        statement = select(*(self.table.c[column] for column in self.columns))
        for column, value in self.constants.items():
            statement = statement.where(self.table.c[column] == value)
        return statement

    def read(self, connection: Connection, statement: Select[Any] | None = None) -> list[R]:
        """The records that a statement made by `select` finds."""
        rows = connection.execute(self.select() if statement is None else statement)
        columns = self.columns
        return [self.struct(**dict(zip(columns, row, strict=True))) for row in rows]

    def namespace_of(self, record: R) -> str:
        return getattr(record, "namespace", "")

    def insert_statement(self) -> BulkStatement:
        if () not in self._statements:
            fixed = "".join(f", {column}" for column in self.constants)
            values = "".join(f", '{value}'" for value in self.constants.values())
            names = ", ".join(self.columns)
            self._statements[()] = BulkStatement(
                f"INSERT INTO {self.table.name} ({names}{fixed}) SELECT {names}{values} FROM {{rows}} AS r",
                {column: self._kind(column) for column in self.columns},
            )
        return self._statements[()]

    def update_statement(self, columns: tuple[str, ...]) -> BulkStatement:
        if columns not in self._statements:
            name = self.table.name
            assigned = ", ".join(f"{column} = r.{column}" for column in ("revision", *columns))
            # The `+` keeps SQLite from choosing an index for the revision; the key of the row is what finds it.
            self._statements[columns] = BulkStatement(
                f"UPDATE {name} SET {assigned} FROM {{rows}} AS r "
                f"WHERE {name}.uid = r.uid AND +{name}.revision = r.revision_read RETURNING {name}.uid",
                {
                    "uid": "text",
                    "revision_read": "bigint",
                    "revision": "bigint",
                    **{column: self._kind(column) for column in columns},
                },
            )
        return self._statements[columns]

    def _kind(self, column: str) -> Kind:
        column_type = self.table.c[column].type
        if isinstance(column_type, Boolean):
            return "boolean"
        return "bigint" if isinstance(column_type, Integer) else "text"


NODES = TableOf(schema.nodes, Node, document=node.document, resource=node.RESOURCE, selectable=node.SELECTABLE)
PODS = TableOf(schema.pods, Pod, document=pod.document, resource=pod.RESOURCE, selectable=pod.SELECTABLE)
EVENTS = TableOf(schema.events, Event, document=event.document, resource=event.RESOURCE)
NAMESPACES = TableOf(
    schema.objects,
    Namespace,
    document=namespace.document,
    resource=namespace.RESOURCE,
    constants={"api_group": "", "resource": namespace.RESOURCE, "namespace": ""},
)


@dataclass(frozen=True, slots=True)
class Update(Generic[R]):
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
        transaction.connection, ([getattr(record, column) for column in table.columns] for record in written)
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
    found = table.update_statement(columns).execute(
        transaction.connection,
        (
            (
                change.old.uid,
                change.old.revision,
                first + index,
                *[getattr(change.new, column) for column in columns],
            )
            for index, change in enumerate(updates)
        ),
    )
    winners = {row[0] for row in found}
    won = [change for change in updates if change.old.uid in winners]
    written = [revised[change.old.uid] for change in won]
    _log(transaction, table, "MODIFIED", written, [change.old for change in won])
    return written


_DELETE = {
    name: BulkStatement(
        f"DELETE FROM {name} WHERE uid IN (SELECT r.uid FROM {{rows}} AS r JOIN {name} AS t ON t.uid = r.uid "
        f"WHERE +t.revision = r.revision_read) RETURNING uid",
        {"uid": "text", "revision_read": "bigint"},
    )
    for name in ("nodes", "pods", "events", "objects")
}


def delete(transaction: Transaction, table: TableOf[R], records: Sequence[R]) -> list[R]:
    """Remove records that are still as they were read; the ones removed, with the revision of their removal."""
    if not records:
        return []
    found = _DELETE[table.table.name].execute(
        transaction.connection, ((record.uid, record.revision) for record in records)
    )
    winners = {row[0] for row in found}
    first = transaction.take(len(winners))
    gone = [record for record in records if record.uid in winners]
    written = [msgspec.structs.replace(record, revision=first + index) for index, record in enumerate(gone)]
    _log(transaction, table, "DELETED", written)
    return written


_LOG = BulkStatement(
    "INSERT INTO changes (revision, transaction_id, api_group, resource, namespace, name, uid, type, api_version, "
    "object, previous, time_ms, writer) SELECT r.revision, :txid, :api_group, :resource, r.namespace, r.name, r.uid, "
    ":type, :api_version, r.object, r.previous, :time_ms, :writer FROM {rows} AS r",
    {
        "revision": "bigint",
        "namespace": "text",
        "name": "text",
        "uid": "text",
        "object": "text",
        "previous": "text",
    },
)


def _log(
    transaction: Transaction,
    table: TableOf[R],
    change: ChangeType,
    records: Sequence[R],
    old: Sequence[R] = (),
) -> None:
    if not records:
        return
    previous = [_previous(table, before, after) for before, after in zip(old, records, strict=True)] if old else None
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
        txid=transaction.txid,
        api_group=table.group,
        resource=table.resource,
        type=change,
        api_version=table.api_version,
        time_ms=transaction.now_ms,
        writer=transaction.writer,
    )
    transaction.logged = True


def _previous(table: TableOf[R], before: R, after: R) -> str | None:
    members = []
    if before.labels != after.labels:
        members.append(f'"labels":{before.labels}')
    fields = [
        f'"{path}":{json_text.text(_selectable(before, column))}'
        for path, column in table.selectable.items()
        if getattr(before, column) != getattr(after, column)
    ]
    if fields:
        members.append(f'"fields":{json_text.joined(*fields)}')
    return json_text.joined(*members) if members else None


def _selectable(record: Header, column: str) -> str:
    """A column as a field selector sees it: text, empty when there is nothing."""
    value = getattr(record, column)
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)
