"""What is in a namespace: records of every kind that lives in one."""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Connection

from kuberklone.kinds.catalogue import catalogue
from kuberklone.store.records import TableOf, table_of


def content(connection: Connection, namespace: str, *, limit: int) -> Iterator[tuple[TableOf[Any], Sequence[Any]]]:
    """At most `limit` records of each kind of which there are any."""
    for kind in catalogue().kinds:
        if not kind.namespaced:
            continue
        table = table_of(kind)
        found = table.read(connection, table.select().where(table.table.c.namespace == namespace).limit(limit))
        if found:
            yield table, found
