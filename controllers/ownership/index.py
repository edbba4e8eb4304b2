"""Who owns what, in memory: built once from the tables and then kept by the feed.

Only records that have an owner, or wait for their dependents, take room; of all others it is asked whether they exist
only when somebody names them as an owner. A derived table would hold the same rows again, and each of ten thousand pods
would cost its writer one more; here a restart costs one scan.
"""

from collections import defaultdict
from collections.abc import Iterable

import msgspec

from controllers._loop.readable import UNREADABLE
from controllers.ownership.decide import FOREGROUND, ORPHAN, Item, Reference, View
from kuberklone.kinds import owner_references
from kuberklone.kinds.catalogue import catalogue
from kuberklone.store import ownership
from kuberklone.store.database import Snapshot
from kuberklone.store.feed import Reader
from kuberklone.store.ownership import Owned

_FINALIZERS = msgspec.json.Decoder(tuple[str, ...])


class Index:
    def __init__(self) -> None:
        self._feed = Reader(ownership.resources())
        self._known = frozenset((each.group, each.kind.kind) for each in catalogue().served)
        self.rows: dict[str, Owned] = {}
        self._items: dict[str, Item] = {}
        self._namespaces: dict[str, str] = {}
        """Of owners that exist; owners are those that somebody names."""
        self._dependents: dict[str, set[str]] = defaultdict(set)
        self.candidates: set[str] = set()

    def view(self) -> View:
        return View(items=self._items, namespaces=self._namespaces, dependents=self._dependents)

    def read(self, connection: Snapshot) -> list[str]:
        """Bring it up to date; messages about records that cannot be read."""
        errors: list[str] = []
        changes = self._feed.read(connection)
        if changes is None:
            self._start_anew()
            found = {each.uid: each for each in ownership.concerned(connection)}
            changed = set(found)
        else:
            changed = {change.uid for change in changes}
            found = {each.uid: each for each in ownership.with_uids(connection, changed)} if changed else {}
        for uid in changed:
            self._put(uid, found.get(uid), errors)
        self._ask_for_owners(connection, found.keys())
        return errors

    def _start_anew(self) -> None:
        for each in (self.rows, self._items, self._namespaces, self._dependents):
            each.clear()
        self.candidates.clear()

    def _put(self, uid: str, row: Owned | None, errors: list[str]) -> None:
        before = self._items.pop(uid, None)
        self.rows.pop(uid, None)
        item = None if row is None else self._item(row, errors)
        if uid in self._dependents:
            # Somebody names it as an owner.
            if row is None:
                self._namespaces.pop(uid, None)
            else:
                self._namespaces[uid] = row.namespace
        for reference in () if before is None else before.references:
            owned = self._dependents[reference.uid]
            owned.discard(uid)
            # An owner that waits for its dependents may have lost the last one.
            self.candidates.add(reference.uid)
            if not owned:
                del self._dependents[reference.uid]
                self._namespaces.pop(reference.uid, None)
        if row is not None and item is not None and _concerns(item):
            self.rows[uid] = row
            self._items[uid] = item
            self.candidates.add(uid)
            for reference in item.references:
                self._dependents[reference.uid].add(uid)
                self.candidates.add(reference.uid)
        if row is None or row.deleting_ms is not None:
            self.candidates.update(self._dependents.get(uid, ()))

    def _ask_for_owners(self, connection: Snapshot, changed: Iterable[str]) -> None:
        """Whether owners exist that nobody has named before."""
        named = {ref.uid for uid in changed if uid in self._items for ref in self._items[uid].references}
        unknown = named - self._namespaces.keys()
        if unknown:
            self._namespaces |= {each.uid: each.namespace for each in ownership.with_uids(connection, unknown)}

    def _item(self, row: Owned, errors: list[str]) -> Item | None:
        try:
            references = owner_references.read(row.owner_references)
            finalizers = () if row.finalizers == "[]" else _FINALIZERS.decode(row.finalizers)
        except UNREADABLE as error:
            errors.append(f"{row.resource} {row.namespace}/{row.name} cannot be read: {type(error).__name__} {error}")
            return None
        return Item(
            uid=row.uid,
            namespace=row.namespace,
            references=tuple(
                Reference(
                    uid=each.uid,
                    name=each.name,
                    blocks=bool(each.block_owner_deletion),
                    known=(each.group, each.kind) in self._known,
                )
                for each in references
            ),
            deleting=row.deleting_ms is not None,
            finalizers=tuple(name for name in finalizers if name in (FOREGROUND, ORPHAN)),
        )


def _concerns(item: Item) -> bool:
    return bool(item.references) or item.awaits_dependents or item.is_orphaning
