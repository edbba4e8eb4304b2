"""Rolls Deployments out: one small step of each at a time, and what it says of itself.

A step is one transaction, and holds only while the Deployment and every set it was decided on are as they were read:
a status that has changed in between may forbid it.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import msgspec

from controllers._loop.contract import Outcome
from controllers.deployment import decide, revisions, writing
from controllers.deployment.decide import Plan, Scaling
from controllers.deployment.facts import DeploymentFacts, SetFacts
from controllers.deployment.index import Index
from kuberklone.chance import Chance
from kuberklone.kinds import owner_references
from kuberklone.kinds.objects.apps import deployment, replica_set
from kuberklone.kinds.stored_object import StoredObject
from kuberklone.settings import Settings
from kuberklone.store import crashpoints, deletion, events, object_operations, records
from kuberklone.store.among import among
from kuberklone.store.database import Snapshot, Store
from kuberklone.store.events import Note
from kuberklone.store.object_operations import CreateObject
from kuberklone.store.records import TableOf, Update, table_of
from kuberklone.store.transaction import Fence, Transaction, in_batches

_SOURCE = "deployment-controller"
# Without any change all Deployments are looked at this often, in case one was overlooked.
_FULL_LOOK_MS = 30_000

_DEPLOYMENTS = table_of(deployment.KIND)
_SETS = table_of(replica_set.KIND)

SMALL = True


def controller(store: Store, settings: Settings) -> "Deployments":
    return Deployments(store)


class _Step(NamedTuple):
    """A plan and what it was made of."""

    facts: DeploymentFacts
    sets: Sequence[SetFacts]
    plan: Plan

    def read_at(self) -> Iterator[tuple[str, int]]:
        """The uid and the revision of everything that was looked at."""
        yield self.facts.uid, self.facts.revision
        for each in self.sets:
            yield each.uid, each.revision


class Deployments:
    watches = (deployment.KIND.resource, replica_set.KIND.resource)
    # The statuses of sets come in floods while their pods start.
    pace_s = 0.02

    def __init__(self, store: Store) -> None:
        self._store = store
        self._chance = Chance()
        self.forget()

    def forget(self) -> None:
        self._index = Index()
        self._wakes_ms: dict[str, int] = {}
        self._full_look_at_ms = 0

    def run_once(self, now_ms: int, fence: Fence) -> Outcome:
        """One step of every Deployment about which something has changed, or whose deadline has come."""
        with self._store.snapshot() as connection:
            errors = self._index.read(connection)
        steps = [self._decide(found, now_ms) for found in self._due(now_ms)]
        crashpoints.reach("deployment.decided")
        for step in steps:
            if step.plan.next_wake_ms is not None:
                self._wakes_ms[step.facts.uid] = step.plan.next_wake_ms
        moving = _without_rivals([step for step in steps if _moves(step)])
        stepped = in_batches(self._store, moving, self._write, fence=fence)
        return Outcome(
            counts={"stepped": stepped},
            next_wake_ms=min(self._wakes_ms.values(), default=None),
            errors=tuple(errors),
        )

    def _due(self, now_ms: int) -> list[DeploymentFacts]:
        dirty = self._index.dirty
        dirty.update(uid for uid, wake_ms in self._wakes_ms.items() if wake_ms <= now_ms)
        if now_ms >= self._full_look_at_ms:
            dirty.update(self._index.deployments.facts)
            self._full_look_at_ms = now_ms + _FULL_LOOK_MS
        found = self._index.dirty_deployments()
        for uid in dirty:
            self._wakes_ms.pop(uid, None)
        dirty.clear()
        return found

    def _decide(self, found: DeploymentFacts, now_ms: int) -> _Step:
        sets = self._index.sets_for(found)
        plan = decide.decide(found, sets, taken=tuple(self._index.names_in(found.namespace)), now_ms=now_ms)
        own = [each for each in sets if each.controller_uid == found.uid or each.uid in plan.adopted]
        return _Step(found, own, plan)

    # ------------------------------------------------------------------------------------------------------- writes

    def _write(self, transaction: Transaction, batch: list[_Step]) -> int:
        connection = transaction.connection
        found = _by_uid(connection, _DEPLOYMENTS, (step.facts.uid for step in batch))
        sets = _by_uid(connection, _SETS, (each.uid for step in batch for each in step.sets))
        revisions = {uid: record.revision for uid, record in (*found.items(), *sets.items())}
        valid = [step for step in batch if all(revisions.get(uid) == at for uid, at in step.read_at())]
        updates = [update for step in valid for update in _set_updates(step, found[step.facts.uid], sets)]
        records.update(transaction, _SETS, updates, ("owner_references", "annotations", "spec", "generation"))
        forgotten = [sets[uid] for step in valid for uid in step.plan.forgotten]
        deletion.delete(transaction, _SETS, forgotten, cause="History")
        refused = self._make(transaction, valid, found)
        stepped = [step for step in valid if step.facts.uid not in refused]
        after = [(found[step.facts.uid], _deployment_after(step, found[step.facts.uid])) for step in stepped]
        changed = [Update(old, new) for old, new in after if new != old]
        records.update(transaction, _DEPLOYMENTS, changed, ("annotations", "status"))
        told = [_note(found[step.facts.uid], scaling) for step in stepped for scaling in step.plan.told]
        events.record(transaction, told, source=_SOURCE)
        crashpoints.reach("deployment.stepped")
        return len(stepped)

    def _make(self, transaction: Transaction, valid: Sequence[_Step], found: dict[str, StoredObject]) -> set[str]:
        """Create new sets; the uids of Deployments whose set was refused: its namespace goes, or its name was taken."""
        making = [step for step in valid if step.plan.new is not None]
        operations = [
            CreateObject(
                kind=replica_set.KIND,
                record=writing.new_set(found[step.facts.uid], step.plan.new, uid=self._chance.uid()),
            )
            for step in making
            if step.plan.new is not None
        ]
        outcomes = object_operations.create(transaction, operations)
        return {step.facts.uid for step, each in zip(making, outcomes, strict=True) if isinstance(each, Exception)}


def _moves(step: _Step) -> bool:
    """Whether the plan changes anything."""
    plan = step.plan
    if plan.adopted or plan.released or plan.new or plan.changes or plan.forgotten:
        return True
    revision = plan.revision is not None and step.facts.annotations.get(revisions.REVISION) != str(plan.revision)
    return revision or plan.status != step.facts.status


def _without_rivals(steps: list[_Step]) -> list[_Step]:
    """Of several Deployments that would take the same set only the first; the others see whose it is then."""
    taken: set[str] = set()
    first = []
    for step in steps:
        if taken.isdisjoint(step.plan.adopted):
            first.append(step)
            taken.update(step.plan.adopted)
    return first


def _set_updates(step: _Step, owner: StoredObject, sets: dict[str, StoredObject]) -> Iterable[Update[StoredObject]]:
    for uid in step.plan.adopted:
        references = owner_references.added(sets[uid].owner_references, writing.owner(owner))
        yield Update(sets[uid], msgspec.structs.replace(sets[uid], owner_references=references))
    for uid in step.plan.released:
        references = owner_references.removed(sets[uid].owner_references, [owner.uid])
        yield Update(sets[uid], msgspec.structs.replace(sets[uid], owner_references=references))
    for change in step.plan.changes:
        yield Update(sets[change.uid], writing.changed_set(sets[change.uid], change))


def _deployment_after(step: _Step, old: StoredObject) -> StoredObject:
    return writing.changed_deployment(
        old, step.plan.status, annotations=step.facts.annotations, revision=step.plan.revision
    )


def _by_uid(connection: Snapshot, table: TableOf[StoredObject], uids: Iterable[str]) -> dict[str, StoredObject]:
    statement = table.select().where(among(table.table.c.uid, set(uids)))
    return {record.uid: record for record in table.read(connection, statement)}


def _note(owner: StoredObject, scaling: Scaling) -> Note:
    way = "up" if scaling.after > scaling.before else "down"
    return Note(
        kind=deployment.KIND.kind,
        namespace=owner.namespace,
        name=owner.name,
        uid=owner.uid,
        reason="ScalingReplicaSet",
        message=f"Scaled {way} replica set {scaling.name} from {scaling.before} to {scaling.after}",
    )
