"""All objects of a kind as of one revision, page by page, so that nobody holds more of them than a page.

The first page comes from the kind's table and tells the revision; those after it come from the history, each in a
snapshot of its own. Every object that was there at that revision comes once, as it was then, however long it takes.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

from sqlalchemy import Connection, func, select, tuple_

from kuberklone.apimachinery.selectors import EVERY_FIELD, FieldSelector
from kuberklone.kinds import event as event_kind
from kuberklone.kinds.event import Event
from kuberklone.kinds.kind import Kind
from kuberklone.store import feed, history, moment, node_leases, records, scheduler_events, schema, selecting
from kuberklone.store.database import Store
from kuberklone.store.moment import Moment
from kuberklone.store.watch_feed import WholeChange

# A page of large objects (1 MiB each is allowed) must fit into memory, a page of pods should be worth the statement.
PAGE_MAX = 500


class Page(NamedTuple):
    revision: int
    """The revision of the whole collection."""
    objects: list[WholeChange]
    """As changes that add them, each with the revision of its last write."""
    now_ms: int
    """Cluster time when the page was read."""
    after: tuple[str, str] | None
    """Namespace and name from which the next page goes on; None when this is the last one."""
    unordered: int = 0
    """So many at the end of `objects` have no place in the order: no page may end among them."""


def pages(store: Store, kind: Kind[Any], *, namespace: str = "", name: str = "") -> Iterator[Page]:
    """The collection, or what a namespace or a name leaves of it. Raises CursorExpired when it was read too slowly."""
    with moment.now(store) as at:
        page = first(at, kind, namespace=namespace, name=name)
    yield page
    while page.after is not None:
        with moment.now(store) as at:
            page = following(at, kind, page.revision, page.after, namespace=namespace)
        yield page


def first(
    at: Moment,
    kind: Kind[Any],
    *,
    namespace: str = "",
    name: str = "",
    limit: int = PAGE_MAX,
    fields: FieldSelector = EVERY_FIELD,
    after: tuple[str, str] | None = None,
) -> Page:
    """The first objects (after a namespace and name), by namespace and name, as they are now.

    Of `fields` only what columns say is looked at: the caller sees to the rest.
    """
    connection = at.connection
    table = records.table_of(kind)
    columns = table.table.c
    order = [columns.namespace, columns.name] if "namespace" in table.columns else [columns.name]
    statement = table.select().order_by(*order).limit(limit)
    if namespace:
        statement = statement.where(columns.namespace == namespace)
    if name:
        statement = statement.where(columns.name == name)
    if (condition := selecting.condition(table, fields)) is not None:
        statement = statement.where(condition)
    if after is not None:
        place = tuple_(*order) > tuple_(*after[-len(order) :])
        statement = statement.where(place)
    found = [
        _added(
            kind,
            record.revision,
            (table.namespace_of(record), record.name),
            uid=record.uid,
            document=table.document(record),
        )
        for record in table.read(connection, statement)
    ]
    following_on = (found[-1].namespace, found[-1].name) if len(found) == limit else None
    ordered = len(found)
    # The scheduler's decisions have no place in the order, so they come with the first page.
    if kind.resource == event_kind.RESOURCE and not kind.group and after is None:
        found += [
            _added(kind, told.revision, (told.namespace, told.name), uid=told.uid, document=event_kind.document(told))
            for told in _decisions(connection, namespace, fields)
            if name in ("", told.name)
        ]
    # Nor have the leases of nodes, which are their heartbeats.
    if (kind.group, kind.resource) == node_leases.KEY and after is None and namespace in ("", node_leases.NAMESPACE):
        found += [
            _added(kind, each.revision, (each.namespace, each.name), uid=each.uid, document=kind.document(each))
            for each in node_leases.every(connection, names=[name] if name else None)
        ]
    return Page(feed.head(connection), found, at.now_ms, following_on, len(found) - ordered)


def _decisions(connection: Connection, namespace: str, fields: FieldSelector) -> list[Event]:
    """Decisions as events; of one pod where only its events are asked for, as `kubectl describe` does."""
    for each in fields.requirements:
        if each.path == "involvedObject.uid" and each.operator == "=":
            return scheduler_events.of_pod(connection, each.value)
    return scheduler_events.every(connection, namespace=namespace or None)


_changes = schema.changes.c


def following(
    at: Moment,
    kind: Kind[Any],
    revision: int,
    after: tuple[str, str],
    *,
    namespace: str = "",
    limit: int = PAGE_MAX,
) -> Page:
    """The next objects after a namespace and name, as they were at `revision`."""
    history.ensure_told(at.connection, revision)
    newest = (
        select(func.max(_changes.revision).label("revision"))
        .where(
            _changes.resource == kind.resource,
            _changes.api_group == kind.group,
            _changes.revision <= revision,
            tuple_(_changes.namespace, _changes.name) > tuple_(*after),
        )
        .group_by(_changes.namespace, _changes.name)
        .order_by(_changes.namespace, _changes.name)
        .limit(limit)
    )
    if namespace:
        newest = newest.where(_changes.namespace == namespace)
    rows = at.connection.execute(
        select(_changes.revision, _changes.namespace, _changes.name, _changes.uid, _changes.type, _changes.object)
        .where(_changes.revision.in_(newest))
        .order_by(_changes.namespace, _changes.name)
    ).all()
    found = [
        _added(kind, row.revision, (row.namespace, row.name), uid=row.uid, document=row.object)
        for row in rows
        if row.type != "DELETED"
    ]
    last = (rows[-1].namespace, rows[-1].name) if len(rows) == limit else None
    return Page(revision, found, at.now_ms, last)


def _added(kind: Kind[Any], revision: int, key: tuple[str, str], *, uid: str, document: str) -> WholeChange:
    return WholeChange(
        revision=revision,
        group=kind.group,
        resource=kind.resource,
        namespace=key[0],
        name=key[1],
        uid=uid,
        type="ADDED",
        object=document,
        previous=None,
    )
