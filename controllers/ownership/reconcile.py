"""Deletes what exists only for the sake of something that is gone, and lets owners go that waited for it.

It stands beside `garbage` and not in it: that one ends pods that no agent can end and forgets what is old, and looks at
pods and nodes alone; this one follows every kind. Either may fail without the other.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec

from controllers._loop.contract import Outcome
from controllers.ownership import decide
from controllers.ownership.decide import Deletion, Forgetting, Misplaced, Release
from controllers.ownership.index import Index
from kuberklone.kinds import owner_references
from kuberklone.kinds.catalogue import catalogue
from kuberklone.kinds.header import Header
from kuberklone.settings import Settings
from kuberklone.store import crashpoints, deletion, events, ownership, pods, records
from kuberklone.store.database import Store
from kuberklone.store.events import Note
from kuberklone.store.records import PODS, TableOf, Update
from kuberklone.store.transaction import Fence, Transaction, in_batches

_SOURCE = "garbage-collector-controller"
_CAUSE = "OwnerDeleted"
# Without any change everything is looked at this often, in case something was overlooked.
_FULL_LOOK_MS = 30_000

SMALL = True


def controller(store: Store, settings: Settings) -> "Ownership":
    return Ownership(store)


class Ownership:
    # It must see every change of every kind, so it sees many at a time.
    pace_s = 0.05

    def __init__(self, store: Store) -> None:
        self._store = store
        self.watches = ownership.resources()
        self.forget()

    def forget(self) -> None:
        self._index = Index()
        self._full_look_at_ms = 0

    def run_once(self, now_ms: int, fence: Fence) -> Outcome:
        """Look at what has changed, and at all that depends on it or owns it."""
        with self._store.snapshot() as connection:
            errors = self._index.read(connection)
        candidates = self._index.candidates
        if now_ms >= self._full_look_at_ms:
            candidates.update(self._index.rows)
            self._full_look_at_ms = now_ms + _FULL_LOOK_MS
        plan = decide.decide(sorted(candidates), self._index.view())
        candidates.clear()
        crashpoints.reach("ownership.decided")
        in_batches(self._store, list(plan.misplaced), self._tell, fence=fence)
        forgotten = in_batches(self._store, list(plan.forgettings), self._forget_owners, fence=fence)
        deleted = in_batches(self._store, list(plan.deletions), self._delete, fence=fence)
        released = in_batches(self._store, list(plan.releases), self._release, fence=fence)
        counts = {"forgotten": forgotten, "deleted": deleted, "released": released}
        return Outcome(counts=counts, errors=tuple(errors))

    def _forget_owners(self, transaction: Transaction, batch: list[Forgetting]) -> int:
        wanted = {each.uid: each for each in batch}

        def forgot(record: Header) -> Header:
            each = wanted[record.uid]
            raw = owner_references.removed(record.owner_references, each.owners)
            raw = owner_references.unblocked(raw, each.unblocked)
            return msgspec.structs.replace(record, owner_references=raw)

        written = self._change(transaction, wanted, forgot, ("owner_references",))
        crashpoints.reach("ownership.forgotten")
        return len(written)

    def _delete(self, transaction: Transaction, batch: list[Deletion]) -> int:
        deleted = 0
        ways = {each.uid: each.propagation for each in batch}
        for table, found in self._unchanged(transaction, ways):
            for propagation in sorted({ways[record.uid] for record in found}):
                doomed = [record for record in found if ways[record.uid] == propagation]
                gone = deletion.delete(transaction, table, doomed, cause=_CAUSE, propagation=propagation)
                deleted += len(gone)
        crashpoints.reach("ownership.deleted")
        return deleted

    def _release(self, transaction: Transaction, batch: list[Release]) -> int:
        wanted = {each.uid: each.finalizer for each in batch}

        def freed(record: Header) -> Header:
            finalizers = deletion.without_finalizer(record.finalizers, wanted[record.uid])
            return msgspec.structs.replace(record, finalizers=finalizers)

        written = self._change(transaction, wanted, freed, ("finalizers",))
        for table, found in written:
            deletion.release(transaction, table, found)
        crashpoints.reach("ownership.released")
        return len(written)

    def _change(
        self,
        transaction: Transaction,
        uids: Iterable[str],
        change: Callable[[Header], Header],
        columns: tuple[str, ...],
    ) -> list[tuple[TableOf[Any], Sequence[Any]]]:
        written: list[tuple[TableOf[Any], Sequence[Any]]] = []
        for table, found in self._unchanged(transaction, uids):
            updates: list[Update[Any]] = [Update(record, change(record)) for record in found]
            if table is PODS:
                written.append((table, pods.update(transaction, updates, columns)))
            else:
                written.append((table, records.update(transaction, table, updates, columns)))
        return written

    def _unchanged(self, transaction: Transaction, uids: Iterable[str]) -> list[tuple[TableOf[Any], list[Any]]]:
        rows = [self._index.rows[uid] for uid in uids]
        return list(ownership.records_of(transaction.connection, rows))

    def _tell(self, transaction: Transaction, batch: list[Misplaced]) -> int:
        events.record(transaction, [self._note(each) for each in batch], source=_SOURCE)
        return len(batch)

    def _note(self, misplaced: Misplaced) -> Note:
        row = self._index.rows[misplaced.uid]
        kind = catalogue().of_change(row.group, row.resource)
        return Note(
            kind="" if kind is None else kind.kind,
            namespace=row.namespace,
            name=row.name,
            uid=row.uid,
            type="Warning",
            reason="OwnerRefInvalidNamespace",
            message=f"its owner of uid {misplaced.owner_uid} is in another namespace, so it counts as gone",
        )
