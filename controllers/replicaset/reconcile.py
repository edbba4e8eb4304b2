"""Keeps as many pods as ReplicaSets and ReplicationControllers want: claims, creates, deletes, and says how it stands.

Everything is decided on one snapshot and written only while the set is as it was in it. So two copies, a kill between
two writes or a person who scales in between never make too many: what was not written is decided anew.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import msgspec

from controllers._loop.contract import Outcome
from controllers.replicaset import decide, notes, reading, writing
from controllers.replicaset.decide import Claim, Failure, Plan, SetFacts, Status
from controllers.replicaset.index import Index
from kuberklone.chance import Chance
from kuberklone.kinds import node as node_kind
from kuberklone.kinds import owner_references
from kuberklone.kinds import pod as pod_kind
from kuberklone.kinds.catalogue import catalogue
from kuberklone.kinds.objects.apps import replica_set
from kuberklone.kinds.objects.v1 import pod as pod_object
from kuberklone.kinds.pod import Pod
from kuberklone.kinds.stored_object import StoredObject
from kuberklone.settings import Settings
from kuberklone.store import crashpoints, deletion, events, object_operations, pods, priority_classes, records
from kuberklone.store.among import among
from kuberklone.store.database import Snapshot, Store
from kuberklone.store.object_operations import CreateObject
from kuberklone.store.records import PODS, Update, table_of
from kuberklone.store.transaction import Fence, Transaction, in_batches, write

_SOURCE = "replicaset-controller"
# A template that makes no pod is tried again this often: what it lacks, such as a PriorityClass, may have come.
_RETRY_MS = 10_000
# Without any change all sets are looked at this often, in case one was overlooked.
_FULL_LOOK_MS = 30_000

SMALL = True


def controller(store: Store, settings: Settings) -> "ReplicaSets":
    return ReplicaSets(store, settings)


class _Failed(NamedTuple):
    failure: Failure
    generation: int
    until_ms: int


class ReplicaSets:
    watches = (replica_set.KIND.resource, "replicationcontrollers", pod_kind.RESOURCE, node_kind.RESOURCE)
    # A set whose pods start by the hundred is counted some times, and not a hundred times.
    pace_s = 0.02

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store = store
        self._toleration_s = settings.toleration_s
        self._chance = Chance()
        self.forget()

    def forget(self) -> None:
        kinds = [(replica_set.KIND, reading.replica_set_facts)]
        replication_controllers = catalogue().of_change("", "replicationcontrollers")
        if replication_controllers is not None:
            kinds.append((replication_controllers, reading.replication_controller_facts))
        self._index = Index(kinds)
        self._wakes_ms: dict[str, int] = {}
        self._failed: dict[str, _Failed] = {}
        self._full_look_at_ms = 0

    def run_once(self, now_ms: int, fence: Fence) -> Outcome:
        """Look at every set about which something has changed, or whose time has come."""
        with self._store.snapshot() as connection:
            errors = self._index.read(connection)
        sets = self._due(now_ms)
        plan = decide.decide(sets, view=self._index.view(sets), now_ms=now_ms)
        crashpoints.reach("replicaset.decided")
        self._wakes_ms |= plan.wakes_ms
        claimed = in_batches(self._store, [*plan.adoptions, *plan.releases], self._claim, fence=fence)
        created = self._create(plan, now_ms, fence)
        doomed = [(each.set_uid, pod_uid) for each in plan.deletions for pod_uid in each.pod_uids]
        deleted = in_batches(self._store, doomed, self._delete, fence=fence)
        in_batches(self._store, list(plan.statuses.items()), self._count, fence=fence)
        return Outcome(
            counts={"claimed": claimed, "created": created, "deleted": deleted},
            next_wake_ms=min(self._wakes_ms.values(), default=None),
            errors=tuple(errors),
        )

    def _due(self, now_ms: int) -> list[SetFacts]:
        self._index.dirty.update(uid for uid, wake_ms in self._wakes_ms.items() if wake_ms <= now_ms)
        if now_ms >= self._full_look_at_ms:
            self._index.dirty.update(self._index.all_uids())
            self._full_look_at_ms = now_ms + _FULL_LOOK_MS
        sets = [self._with_failure(each, now_ms) for each in self._index.dirty_sets()]
        for uid in self._index.dirty:
            self._wakes_ms.pop(uid, None)
        self._index.dirty.clear()
        return sets

    def _with_failure(self, each: SetFacts, now_ms: int) -> SetFacts:
        failed = self._failed.get(each.uid)
        if failed is None:
            return each
        if failed.generation != each.generation or failed.until_ms <= now_ms:
            del self._failed[each.uid]
            return each
        return replace(each, failure=failed.failure)

    # ------------------------------------------------------------------------------------------------------- writes

    def _claim(self, transaction: Transaction, batch: list[Claim]) -> int:
        found = self._unchanged_pods(transaction, [claim.pod_uid for claim in batch])
        sets = self._unchanged_sets(transaction, {claim.set_uid for claim in batch})
        updates = [
            Update(found[claim.pod_uid], self._claimed(found[claim.pod_uid], sets[claim.set_uid]))
            for claim in batch
            if claim.pod_uid in found and claim.set_uid in sets
        ]
        written = pods.update(transaction, updates, ("owner_references",))
        crashpoints.reach("replicaset.claimed")
        return len(written)

    def _claimed(self, pod: Pod, each: StoredObject) -> Pod:
        """With the set as an owner, or without it if it was one."""
        raw = pod.owner_references
        controller = owner_references.controller_of(raw)
        if controller is not None and controller.uid == each.uid:
            changed = owner_references.removed(raw, [each.uid])
        else:
            changed = owner_references.added(raw, writing.owner(each, self._index.kind_of(each.uid)))
        return msgspec.structs.replace(pod, owner_references=changed)

    def _create(self, plan: Plan, now_ms: int, fence: Fence) -> int:
        if not plan.creations:
            return 0
        models = self._models([each.set_uid for each in plan.creations], now_ms, fence)
        wanted = [each.set_uid for each in plan.creations if each.set_uid in models for _ in range(each.count)]

        def write_batch(transaction: Transaction, batch: list[str]) -> int:
            sets = self._unchanged_sets(transaction, set(batch))
            new = [msgspec.structs.replace(models[uid], uid=self._chance.uid()) for uid in batch if uid in sets]
            outcomes = object_operations.create(
                transaction, [CreateObject(kind=pod_object.KIND, record=pod) for pod in new]
            )
            made: dict[str, list[Pod]] = defaultdict(list)
            for uid, outcome in zip((uid for uid in batch if uid in sets), outcomes, strict=True):
                # What is refused is so by its namespace, which is being deleted.
                made[uid] += outcome if isinstance(outcome, list) else []
            self._tell(transaction, made, sets, reason="SuccessfulCreate", done="Created")
            crashpoints.reach("replicaset.created")
            return sum(map(len, made.values()))

        return in_batches(self._store, wanted, write_batch, fence=fence)

    def _models(self, uids: Sequence[str], now_ms: int, fence: Fence) -> dict[str, Pod]:
        """What each set's template makes; a set whose template makes none is told so, and left alone for a while."""
        with self._store.snapshot() as connection:
            classes = priority_classes.read(connection)
            sets = self._sets_of(connection, uids)
        found: dict[str, Pod] = {}
        for uid, each in sets.items():
            model = writing.model(each, self._index.kind_of(uid), toleration_s=self._toleration_s, classes=classes)
            if isinstance(model, Pod):
                found[uid] = model
                continue
            self._failed[uid] = _Failed(model, each.generation, now_ms + _RETRY_MS)
            self._wakes_ms[uid] = now_ms + _RETRY_MS
            self._index.dirty.add(uid)
            with write(self._store, fence=fence) as transaction:
                note = notes.about(
                    each, self._index.kind_of(uid), reason=model.reason, message=model.message, warning=True
                )
                events.record(transaction, [note], source=_SOURCE)
        return found

    def _delete(self, transaction: Transaction, batch: list[tuple[str, str]]) -> int:
        found = self._unchanged_pods(transaction, [pod_uid for _, pod_uid in batch])
        sets = self._unchanged_sets(transaction, {set_uid for set_uid, _ in batch})
        owners = {pod_uid: set_uid for set_uid, pod_uid in batch if set_uid in sets and pod_uid in found}
        gone = deletion.delete(transaction, PODS, [found[uid] for uid in owners], cause="ScaledDown")
        told: dict[str, list[Pod]] = defaultdict(list)
        for pod in gone:
            told[owners[pod.uid]].append(pod)
        self._tell(transaction, told, sets, reason="SuccessfulDelete", done="Deleted")
        crashpoints.reach("replicaset.deleted")
        return len(gone)

    def _tell(
        self,
        transaction: Transaction,
        done_to: Mapping[str, Sequence[Pod]],
        sets: Mapping[str, StoredObject],
        *,
        reason: str,
        done: str,
    ) -> None:
        told = [
            note
            for uid, found in done_to.items()
            for note in notes.about_pods(sets[uid], self._index.kind_of(uid), reason=reason, done=done, pods=found)
        ]
        events.record(transaction, told, source=_SOURCE)

    def _count(self, transaction: Transaction, batch: list[tuple[str, Status]]) -> int:
        sets = self._unchanged_sets(transaction, {uid for uid, _ in batch})
        updates: dict[str, list[Update[StoredObject]]] = defaultdict(list)
        for uid, wanted in batch:
            if uid in sets:
                status = writing.status(sets[uid].status, wanted, now_ms=transaction.now_ms)
                new = msgspec.structs.replace(sets[uid], status=status)
                updates[self._index.kind_of(uid).resource].append(Update(sets[uid], new))
        written = 0
        for of_kind in updates.values():
            table = table_of(self._index.kind_of(of_kind[0].old.uid))
            written += len(records.update(transaction, table, of_kind, ("status",)))
        crashpoints.reach("replicaset.counted")
        return written

    # ----------------------------------------------------------------------------------------------- under the lock

    def _unchanged_pods(self, transaction: Transaction, uids: Sequence[str]) -> dict[str, Pod]:
        """Those that are as they were when it was decided on them."""
        found = pods.with_uids(transaction.connection, uids)
        return {pod.uid: pod for pod in found if pod.revision == self._index.pod(pod.uid).revision}

    def _unchanged_sets(self, transaction: Transaction, uids: Iterable[str]) -> dict[str, StoredObject]:
        found = self._sets_of(transaction.connection, uids)
        return {uid: each for uid, each in found.items() if each.revision == self._index.facts_of(uid).revision}

    def _sets_of(self, connection: Snapshot, uids: Iterable[str]) -> dict[str, StoredObject]:
        by_kind: dict[str, list[str]] = defaultdict(list)
        for uid in uids:
            by_kind[self._index.kind_of(uid).resource].append(uid)
        found: dict[str, StoredObject] = {}
        for wanted in by_kind.values():
            table = table_of(self._index.kind_of(wanted[0]))
            statement = table.select().where(among(table.table.c.uid, wanted))
            found |= {each.uid: each for each in table.read(connection, statement)}
        return found
