"""Decides what goes with its owners: owner references, and the three ways of deleting an owner.

* Background: the owner is gone at once; what has no other owner follows.
* Foreground: the owner stays, with the finalizer `foregroundDeletion`, until every dependent that blocks it is gone.
* Orphan: the owner stays, with the finalizer `orphan`, until its dependents have forgotten it.

Owners are told by uid alone, which is never used again: who is gone stays gone. An owner with a namespace owns what is
in its own namespace only; elsewhere it counts as gone. A reference to a kind that nobody knows, and one from a record
without a namespace to an owner in one, are never taken for gone. Source: Kubernetes' garbage collector
(`attemptToDeleteItem`, `processDeletingDependentsItem`, `orphanDependents`).
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

Propagation = Literal["Background", "Foreground", "Orphan"]
FOREGROUND = "foregroundDeletion"
ORPHAN = "orphan"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    uid: str
    name: str = ""
    blocks: bool = False
    """Whether the owner, deleted in the foreground, waits for this record."""
    known: bool = True
    """Whether there is such a kind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A record that has owners, or one that is being deleted and waits for its dependents."""

    uid: str
    namespace: str = ""
    references: tuple[Reference, ...] = ()
    deleting: bool = False
    finalizers: tuple[str, ...] = ()

    @property
    def awaits_dependents(self) -> bool:
        return self.deleting and FOREGROUND in self.finalizers

    @property
    def is_orphaning(self) -> bool:
        return self.deleting and ORPHAN in self.finalizers


@dataclass(frozen=True, slots=True, kw_only=True)
class Deletion:
    uid: str
    propagation: Propagation = "Background"


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgetting:
    """Owners that a record shall no longer name, and those that it shall no longer block."""

    uid: str
    owners: frozenset[str] = frozenset()
    unblocked: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """A finalizer to be taken away."""

    uid: str
    finalizer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Misplaced:
    """A reference to an owner that is there, but in another namespace: people should be told."""

    uid: str
    owner_uid: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """To be written in this order: an owner goes after its dependents have forgotten it."""

    forgettings: tuple[Forgetting, ...] = ()
    deletions: tuple[Deletion, ...] = ()
    releases: tuple[Release, ...] = ()
    misplaced: tuple[Misplaced, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """All there is, as of one snapshot."""

    items: Mapping[str, Item]
    namespaces: Mapping[str, str]
    """The namespace of every owner that exists, by uid."""
    dependents: Mapping[str, Collection[str]]
    """By the uid of the owner."""


def decide(candidates: Iterable[str], view: View) -> Plan:
    """What is to be done about these; all others are as they should be."""
    forgettings: dict[str, Forgetting] = {}
    deletions: list[Deletion] = []
    releases: list[Release] = []
    misplaced: list[Misplaced] = []
    for uid in candidates:
        item = view.items.get(uid)
        if item is None:
            continue
        if item.is_orphaning:
            orphaned = _dependents_naming(item, view)
            for each in orphaned:
                _forget(forgettings, each.uid, owners={uid})
            if not orphaned:
                releases.append(Release(uid=uid, finalizer=ORPHAN))
        elif item.awaits_dependents:
            circle = _waiting_above(item, view)
            if not any(_blocks(each, uid) and each.uid not in circle for each in _dependents_naming(item, view)):
                releases.append(Release(uid=uid, finalizer=FOREGROUND))
        elif item.deleting:
            continue  # whoever holds it lets go in time
        misplaced += _misplaced(item, view) if not item.deleting else ()
        if item.references and not item.deleting:
            _judge(item, view, forgettings, deletions)
    return Plan(
        forgettings=tuple(forgettings.values()),
        deletions=tuple(deletions),
        releases=tuple(releases),
        misplaced=tuple(misplaced),
    )


def _judge(item: Item, view: View, forgettings: dict[str, Forgetting], deletions: list[Deletion]) -> None:
    """Whether an owner is left for whose sake the record exists."""
    states = {reference: _state(reference, item, view) for reference in item.references}
    gone = {reference.uid for reference, state in states.items() if state == "gone"}
    waiting = {reference.uid for reference, state in states.items() if state == "waiting"}
    if "there" in states.values():
        if gone or waiting:
            _forget(forgettings, item.uid, owners=gone | waiting)
        return
    mine = _dependents_naming(item, view)
    if waiting and mine:
        if any(each.awaits_dependents for each in mine):
            # A circle: one of its own dependents waits for it. It must not wait in turn.
            _forget(forgettings, item.uid, unblocked=waiting)
        deletions.append(Deletion(uid=item.uid, propagation="Foreground"))
        return
    deletions.append(Deletion(uid=item.uid, propagation=_propagation(item)))


def _propagation(item: Item) -> Propagation:
    """As its finalizers say, which a client may have set in advance."""
    if ORPHAN in item.finalizers:
        return "Orphan"
    return "Foreground" if FOREGROUND in item.finalizers else "Background"


def _state(reference: Reference, item: Item, view: View) -> Literal["there", "waiting", "gone"]:
    if not reference.known:
        return "there"
    namespace = view.namespaces.get(reference.uid)
    if namespace is None:
        return "gone"
    if item.namespace and namespace not in ("", item.namespace):
        return "gone"
    owner = view.items.get(reference.uid)
    if owner is not None and owner.awaits_dependents and reference.blocks:
        return "waiting"
    return "there"


def _misplaced(item: Item, view: View) -> Iterable[Misplaced]:
    for reference in item.references:
        namespace = view.namespaces.get(reference.uid, "")
        if reference.known and item.namespace and namespace not in ("", item.namespace):
            yield Misplaced(uid=item.uid, owner_uid=reference.uid)


def _dependents_naming(item: Item, view: View) -> list[Item]:
    """Those that the record truly owns."""
    found = (view.items.get(uid) for uid in sorted(view.dependents.get(item.uid, ())))
    return [each for each in found if each is not None and item.namespace in ("", each.namespace)]


def _waiting_above(item: Item, view: View) -> set[str]:
    """The record, and every owner above it that waits for its dependents: of these nobody need wait for another.

    Where one of them is a dependent as well, each would wait for the other for ever.
    """
    found = {item.uid}
    ways = [item]
    while ways:
        for reference in ways.pop().references:
            owner = view.items.get(reference.uid)
            if owner is not None and owner.awaits_dependents and owner.uid not in found:
                found.add(owner.uid)
                ways.append(owner)
    return found


def _blocks(dependent: Item, owner_uid: str) -> bool:
    return any(reference.uid == owner_uid and reference.blocks for reference in dependent.references)


def _forget(
    forgettings: dict[str, Forgetting], uid: str, *, owners: Iterable[str] = (), unblocked: Iterable[str] = ()
) -> None:
    before = forgettings.get(uid) or Forgetting(uid=uid)
    forgettings[uid] = Forgetting(
        uid=uid, owners=before.owners | frozenset(owners), unblocked=before.unblocked | frozenset(unblocked)
    )
