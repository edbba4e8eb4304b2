"""Whose records are: reading owner references over all tables of records, and finding records again by uid."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Table, and_, literal, or_, select

from kuberklone.kinds.catalogue import catalogue
from kuberklone.store import schema
from kuberklone.store.among import among
from kuberklone.store.records import TableOf, table_of

_TABLES = (schema.pods, schema.nodes, schema.objects)
"""All but events, which nobody owns and which own nothing."""


class Owned(NamedTuple):
    """A record as far as ownership is concerned. JSON columns hold raw text."""

    group: str
    resource: str
    uid: str
    revision: int
    namespace: str
    name: str
    owner_references: str
    finalizers: str
    deleting_ms: int | None


def resources() -> tuple[str, ...]:
    """Those whose changes may change who owns what."""
    return tuple({kind.resource for kind in catalogue().kinds if kind.table != schema.events.name})


def concerned(connection: Connection) -> Iterator[Owned]:
    """Records that have an owner, or that are being deleted and held."""
    for table in _TABLES:
        held = and_(table.c.deleting_ms.is_not(None), table.c.finalizers != "[]")
        yield from _read(connection, table, or_(table.c.owner_references != "[]", held))


def with_uids(connection: Connection, uids: Iterable[str]) -> Iterator[Owned]:
    """Whatever has these uids."""
    wanted = list(uids)
    for table in _TABLES:
        yield from _read(connection, table, among(table.c.uid, wanted))


def _read(connection: Connection, table: Table, condition: ColumnElement[bool]) -> Iterator[Owned]:
    columns = table.c
    is_shared = table is schema.objects
    statement = select(
        columns.api_group if is_shared else literal(""),
        columns.resource if is_shared else literal(table.name),
        columns.uid,
        columns.revision,
        columns.namespace if "namespace" in columns else literal(""),
        columns.name,
        columns.owner_references,
        columns.finalizers,
        columns.deleting_ms,
    ).where(condition)
    for row in connection.execute(statement):
        yield Owned(*row)


def records_of(connection: Connection, found: Iterable[Owned]) -> Iterator[tuple[TableOf[Any], list[Any]]]:
    """The records that are still as they were read, with their tables; those of kinds nobody knows are left out."""
    by_kind: Mapping[tuple[str, str], list[Owned]] = defaultdict(list)
    for each in found:
        by_kind[each.group, each.resource].append(each)
    for (group, resource), wanted in by_kind.items():
        kind = catalogue().of_change(group, resource)
        if kind is None:
            continue
        table = table_of(kind)
        revisions = {each.uid: each.revision for each in wanted}
        read = table.read(connection, table.select().where(among(table.table.c.uid, revisions)))
        yield table, [record for record in read if record.revision == revisions[record.uid]]
