"""Reading changes in order: who has read up to a revision asks for what came after it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select, text

from kuberklone.errors import CursorExpired
from kuberklone.store import schema
from kuberklone.store.transaction import INCARNATION_SPAN

# So many rows at once keep a snapshot short.
BATCH_MAX = 5_000


@dataclass(frozen=True, slots=True)
class Change:
    """One row of `changes` without its object: what changed, not how."""

    revision: int
    resource: str
    namespace: str
    name: str
    uid: str
    type: str


_HEAD = text("SELECT revision, watch_from, incarnation FROM cluster")
_columns = schema.changes.c
# No index is to be used for the resource: it would find all changes of a kind there ever were, where the revision finds
# the few new ones.
_RESOURCE = _columns.resource.concat("")
_KEYS = (_columns.revision, _columns.resource, _columns.namespace, _columns.name, _columns.uid, _columns.type)


def head(connection: Connection) -> int:
    """The newest revision handed out; everything at or below it is visible in this snapshot."""
    revision: int = connection.execute(_HEAD).one().revision
    return revision


def after(connection: Connection, cursor: int, *, resources: Iterable[str], limit: int = BATCH_MAX) -> list[Change]:
    """Changes after `cursor`, oldest first, at most `limit`.

    Raises CursorExpired when rows after the cursor may be missing: they were compacted away, or the cursor comes from
    before a restore. The reader then takes everything anew from the tables, with `head` as its cursor.
    """
    ensure_readable(connection, cursor)
    statement = (
        select(*_KEYS)
        .where(_columns.revision > cursor, _RESOURCE.in_(list(resources)))
        .order_by(_columns.revision)
        .limit(limit)
    )
    return [Change(*row) for row in connection.execute(statement)]


def any_after(connection: Connection, cursor: int, *, upto: int, resources: Iterable[str]) -> bool:
    """Whether something of these resources changed after `cursor`, up to `upto`; true when nobody knows any more."""
    if cursor >= upto:
        return False
    try:
        ensure_readable(connection, cursor)
    except CursorExpired:
        return True
    found = select(_columns.revision).where(_columns.revision > cursor, _RESOURCE.in_(list(resources)))
    return connection.execute(found.limit(1)).first() is not None


def ensure_readable(connection: Connection, cursor: int) -> None:
    """Raises CursorExpired unless every change after `cursor` is still there."""
    row: Any = connection.execute(_HEAD).one()
    is_of_another_life = cursor // INCARNATION_SPAN != row.incarnation
    if is_of_another_life or cursor < row.watch_from or cursor > row.revision:
        raise CursorExpired


class Reader:
    """One controller's place in the feed."""

    def __init__(self, resources: Iterable[str]) -> None:
        self._resources = tuple(resources)
        self.cursor: int | None = None

    def read(self, connection: Connection) -> list[Change] | None:
        """All that changed since the last call; None when everything has to be read anew.

        So it is the first time, when the feed no longer reaches back, and for a reader so far behind that the tables
        tell it sooner than the changes do. Nothing is left for a later call: nobody would know that there is more.
        """
        cursor, self.cursor = self.cursor, head(connection)
        if cursor is None:
            return None
        try:
            changes = after(connection, cursor, resources=self._resources)
        except CursorExpired:
            return None
        return None if len(changes) >= BATCH_MAX else changes
