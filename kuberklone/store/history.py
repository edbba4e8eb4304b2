"""The past: every object as it was at a revision, and what became of one object."""

from sqlalchemy import Connection, RowMapping, func, select

from kuberklone.errors import CursorExpired
from kuberklone.store import schema

_changes = schema.changes
_cluster = schema.cluster.c


def state_at(connection: Connection, revision: int, *, resource: str, namespace: str | None = None) -> list[RowMapping]:
    """Every object of a resource as it was at `revision`: rows of `changes`, ordered by namespace and name.

    Raises CursorExpired when the history no longer reaches back that far or not yet so far.
    """
    ensure_told(connection, revision)
    newest = select(func.max(_changes.c.revision)).where(
        _changes.c.resource == resource, _changes.c.revision <= revision
    )
    if namespace is not None:
        newest = newest.where(_changes.c.namespace == namespace)
    newest = newest.group_by(_changes.c.namespace, _changes.c.name)
    statement = (
        select(_changes)
        .where(_changes.c.revision.in_(newest), _changes.c.type != "DELETED")
        .order_by(_changes.c.namespace, _changes.c.name)
    )
    return [row._mapping for row in connection.execute(statement)]


def ensure_told(connection: Connection, revision: int) -> None:
    """Raises CursorExpired unless the state at `revision` can be told."""
    oldest, newest = connection.execute(select(_cluster.history_from, _cluster.revision)).one()
    if not oldest <= revision <= newest:
        raise CursorExpired(f"the history reaches from revision {oldest} to {newest}")


def of_object(connection: Connection, resource: str, namespace: str, name: str, *, limit: int) -> list[RowMapping]:
    """What happened to the objects of one name, newest first."""
    statement = (
        select(_changes)
        .where(_changes.c.resource == resource, _changes.c.namespace == namespace, _changes.c.name == name)
        .order_by(_changes.c.revision.desc())
        .limit(limit)
    )
    return [row._mapping for row in connection.execute(statement)]
