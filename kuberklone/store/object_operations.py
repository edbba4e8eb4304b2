"""Creating, replacing and deleting records of any kind: wishes of the Kubernetes API, checked under the writers' lock.

What was decided outside, on what was read, comes as a finished record; what only the lock can say is said here: that
the name is free, that the namespace is there and takes content, that nobody has changed the record since.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec

from kuberklone.chance import Chance
from kuberklone.errors import AlreadyExists, Cause, Conflict, Forbidden, KuberkloneError, NotFound
from kuberklone.kinds.header import Header
from kuberklone.kinds.kind import Kind
from kuberklone.kinds.node import Node
from kuberklone.kinds.pod import Pod
from kuberklone.store import binding, deletion, nodes, pods, records
from kuberklone.store.database import Store
from kuberklone.store.deletion import Propagation
from kuberklone.store.records import NAMESPACES, TableOf, Update, table_of
from kuberklone.store.rows import BulkStatement
from kuberklone.store.transaction import Transaction, write

_chance = Chance()
T = TypeVar("T")
# As kube-apiserver: with five letters a second draw is needed once in millions of names, a ninth never.
_NAMES_TRIED_MAX = 8
# What stands before the drawn letters is cut, so that the name is a DNS label (names.maxGeneratedNameLength).
_GENERATE_NAME_LENGTH_MAX = 58
# kube-apiserver's own, without which nothing works.
_LASTING_NAMESPACES = frozenset({"default", "kube-system", "kube-public", "kube-node-lease"})


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateObject:
    """Add a record; one without a name gets `generate_name` and letters drawn by chance."""

    kind: Kind[Any]
    record: Header


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplaceObject:
    """Write a record anew, if it is still as it was read."""

    kind: Kind[Any]
    old: Header
    new: Header


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteObject:
    """Ask for the deletion of a record; it goes once nothing holds it."""

    kind: Kind[Any]
    namespace: str
    name: str
    uid: str | None = None
    """Preconditions: what the record must be, or the request is refused."""
    revision: int | None = None
    grace_s: int | None = None
    propagation: Propagation | None = None


# Whether namespaces are there and go on, for each commit of the API. All of the key from the rows, as in `taken`.
_NAMESPACES = BulkStatement(
    "SELECT r.name, t.deleting_ms FROM {rows} AS r JOIN objects AS t ON t.api_group = r.api_group "
    "AND t.resource = r.resource AND t.namespace = r.namespace AND t.name = r.name",
    dict.fromkeys(("api_group", "resource", "namespace", "name"), "text"),
)

ObjectOperation = CreateObject | ReplaceObject | DeleteObject
ObjectOutcome = list[Any] | KuberkloneError


def qualified(kind: Kind[Any]) -> str:
    """The resource as messages name it: `pods`, `deployments.apps`."""
    return f"{kind.resource}.{kind.group}" if kind.group else kind.resource


def not_found(kind: Kind[Any], name: str) -> NotFound:
    """In the words that kubectl's users know."""
    return NotFound(f'{qualified(kind)} "{name}" not found', resource=qualified(kind), name=name)


def changed(kind: Kind[Any], name: str) -> Conflict:
    """The record is no longer what the writer read."""
    return Conflict(
        f'Operation cannot be fulfilled on {qualified(kind)} "{name}": the object has been modified; please apply your '
        "changes to the latest version and try again"
    )


def create(transaction: Transaction, operations: Sequence[CreateObject]) -> list[ObjectOutcome]:
    """All of them by a few statements for each kind: this is the path of thousands of requests per second."""
    outcomes: list[ObjectOutcome] = [[] for _ in operations]
    places: dict[tuple[str, str], list[int]] = defaultdict(list)
    for place, operation in enumerate(operations):
        places[operation.kind.group, operation.kind.resource].append(place)
    for found in places.values():
        kind = operations[found[0]].kind
        wanted = [operations[place].record for place in found]
        for place, outcome in zip(found, _create_of(transaction, kind, wanted), strict=True):
            outcomes[place] = outcome
    return outcomes


def _create_of(transaction: Transaction, kind: Kind[Any], wanted: Sequence[Header]) -> list[ObjectOutcome]:
    table = table_of(kind)
    refusals = _refusing_namespaces(transaction, table, wanted) if kind.namespaced else {}
    named, taken = _named(transaction, table, wanted)
    outcomes: list[ObjectOutcome] = []
    accepted: list[Header] = []
    for record in named:
        namespace = table.namespace_of(record)
        if (refusal := refusals.get(namespace)) is not None:
            outcomes.append(refusal if isinstance(refusal, NotFound) else _terminating(kind, record.name, namespace))
            continue
        if (namespace, record.name) in taken:
            message = f'{qualified(kind)} "{record.name}" already exists'
            outcomes.append(AlreadyExists("metadata.name", message, name=record.name))
            continue
        taken.add((namespace, record.name))
        accepted.append(record)
        outcomes.append([])
    written = iter(_insert(transaction, table, accepted))
    return [outcome if isinstance(outcome, KuberkloneError) else [next(written)] for outcome in outcomes]


def _insert(transaction: Transaction, table: TableOf[Any], accepted: list[Header]) -> Sequence[Header]:
    if table is records.PODS:
        return binding.create(transaction, [record for record in accepted if isinstance(record, Pod)])
    if table is records.NODES:
        return nodes.create(transaction, [record for record in accepted if isinstance(record, Node)])
    return records.insert(transaction, table, accepted)


def _refusing_namespaces(
    transaction: Transaction, table: TableOf[Any], wanted: Sequence[Header]
) -> dict[str, KuberkloneError]:
    """Namespaces that take nothing new, and why."""
    names = {table.namespace_of(record) for record in wanted}
    rows = ((NAMESPACES.group, NAMESPACES.resource, "", name) for name in names)
    found = {row.name: row.deleting_ms for row in _NAMESPACES.execute(transaction.connection, rows)}
    refusing: dict[str, KuberkloneError] = {}
    for name in names:
        if name not in found:
            refusing[name] = NotFound(f'namespaces "{name}" not found', resource="namespaces", name=name)
        elif found[name] is not None:
            refusing[name] = Forbidden()
    return refusing


def _terminating(kind: Kind[Any], name: str, namespace: str) -> Forbidden:
    return Forbidden(
        f'{qualified(kind)} "{name}" is forbidden: unable to create new content in namespace {namespace} because it '
        "is being terminated",
        causes=(
            Cause(
                field="metadata.namespace",
                reason="NamespaceTerminating",
                message=f"namespace {namespace} is being terminated",
            ),
        ),
    )


def _named(
    transaction: Transaction, table: TableOf[Any], wanted: Sequence[Header]
) -> tuple[list[Header], set[tuple[str, str]]]:
    """The records, those without a name with one that is free; and of all their keys those that are taken."""
    connection = transaction.connection
    named = list(wanted)
    unnamed = [place for place, record in enumerate(wanted) if not record.name]
    given = {(table.namespace_of(record), record.name) for record in wanted if record.name}
    taken = table.taken(connection, given) if given else set()
    for _ in range(_NAMES_TRIED_MAX):
        if not unnamed:
            break
        for place in unnamed:
            prefix = wanted[place].generate_name[:_GENERATE_NAME_LENGTH_MAX]
            named[place] = msgspec.structs.replace(wanted[place], name=prefix + _chance.suffix())
        keys = [(table.namespace_of(named[place]), named[place].name) for place in unnamed]
        taken |= table.taken(connection, keys)
        unnamed = [place for place, key in zip(unnamed, keys, strict=True) if key in taken or key in given]
        given |= set(keys)
    return named, taken


def replace_one(transaction: Transaction, operation: ReplaceObject) -> ObjectOutcome:
    """The record as it was written; Conflict when it was changed since it was read."""
    table = table_of(operation.kind)
    columns = tuple(
        column for column in table.columns if getattr(operation.old, column) != getattr(operation.new, column)
    )
    update = Update(operation.old, operation.new)
    if table is records.PODS:
        written: Sequence[Header] = pods.update(transaction, [update], columns)  # type: ignore[list-item]
    else:
        written = records.update(transaction, table, [update], columns)
    if not written:
        raise _lost(transaction, operation)
    deletion.release(transaction, table, written)
    return list(written)


def _lost(transaction: Transaction, operation: ReplaceObject) -> KuberkloneError:
    table = table_of(operation.kind)
    key = (table.namespace_of(operation.old), operation.old.name)
    if key not in table.taken(transaction.connection, [key]):
        return not_found(operation.kind, operation.old.name)
    return changed(operation.kind, operation.old.name)


def delete_one(transaction: Transaction, operation: DeleteObject) -> ObjectOutcome:
    """The record as it is now, or as it was last."""
    kind = operation.kind
    table = table_of(kind)
    key = (operation.namespace, operation.name)
    found = table.named(transaction.connection, [key]).get(key)
    if found is None:
        raise not_found(kind, operation.name)
    check_preconditions(kind, found, uid=operation.uid, revision=operation.revision)
    if table is NAMESPACES and operation.name in _LASTING_NAMESPACES:
        raise Forbidden(f'namespaces "{operation.name}" is forbidden: this namespace may not be deleted')
    gone = deletion.delete(transaction, table, [found], grace_s=operation.grace_s, propagation=operation.propagation)
    return list(gone) or [found]


def check_preconditions(kind: Kind[Any], found: Header, *, uid: str | None, revision: int | None) -> None:
    """Raises Conflict unless the record is what the writer expects it to be."""
    head = f'Operation cannot be fulfilled on {qualified(kind)} "{found.name}": Precondition failed: '
    if uid is not None and uid != found.uid:
        raise Conflict(f"{head}UID in precondition: {uid:.80}, UID in object meta: {found.uid}")
    if revision is not None and revision != found.revision:
        raise Conflict(
            f"{head}ResourceVersion in precondition: {revision}, ResourceVersion in object meta: {found.revision}"
        )


def apply(transaction: Transaction, operations: Sequence[ObjectOperation]) -> list[ObjectOutcome]:
    """The outcome of each operation, in order; all of one type."""
    if operations and isinstance(operations[0], CreateObject):
        return create(transaction, [each for each in operations if isinstance(each, CreateObject)])
    return [_one(transaction, operation) for operation in operations]


def _one(transaction: Transaction, operation: ObjectOperation) -> ObjectOutcome:
    try:
        match operation:
            case CreateObject():
                return create(transaction, [operation])[0]
            case ReplaceObject():
                return replace_one(transaction, operation)
            case DeleteObject():
                return delete_one(transaction, operation)
    except KuberkloneError as error:
        return error


class _NotMeant(Exception):
    """Undoes a transaction."""


def undone(store: Store, act: Callable[[Transaction], T]) -> T:
    """What an action in a transaction answers that is always undone."""
    answers: list[T] = []
    with suppress(_NotMeant), write(store) as transaction:
        answers.append(act(transaction))
        raise _NotMeant
    return answers[0]


def try_out(store: Store, operation: ObjectOperation) -> list[Any]:
    """What an operation would write. Its transaction is always undone, so nothing is written and no revision used.

    Records come with the revision that they had, 0 for new ones: the revisions that were taken here will be somebody
    else's.
    """
    outcome = undone(store, lambda transaction: apply(transaction, [operation])[0])
    if isinstance(outcome, KuberkloneError):
        raise outcome
    revision = operation.old.revision if isinstance(operation, ReplaceObject) else 0
    return [msgspec.structs.replace(record, revision=revision) for record in outcome]
