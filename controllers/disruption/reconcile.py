"""Keeps the status of PodDisruptionBudgets, from which evictions take (`kuberklone.store.disruption`)."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

import msgspec

from controllers._loop.contract import Outcome
from controllers._loop.heard import HeardNodes
from controllers._loop.mirror import Mirror
from controllers._loop.readable import understood
from controllers.disruption import decide
from controllers.disruption.decide import BudgetFacts, PodFacts, Scale, Status
from kuberklone.apimachinery.document import Document
from kuberklone.clock import timestamp
from kuberklone.kinds import disruption, durations, json_text, owner_references, pod_readiness
from kuberklone.kinds import node as node_kind
from kuberklone.kinds import pod as pod_kind
from kuberklone.kinds.objects.apps import deployment, replica_set, stateful_set
from kuberklone.kinds.objects.policy import pod_disruption_budget
from kuberklone.kinds.objects.v1 import replication_controller
from kuberklone.kinds.pod import FINISHED, Pod
from kuberklone.kinds.stored_object import StoredObject
from kuberklone.settings import Settings
from kuberklone.store import crashpoints, records
from kuberklone.store.among import among
from kuberklone.store.database import Snapshot, Store
from kuberklone.store.feed import Reader
from kuberklone.store.records import PODS, Update, table_of
from kuberklone.store.transaction import Fence, Transaction, in_batches

_BUDGETS = table_of(pod_disruption_budget.KIND)
_SCALED = (deployment.KIND, replica_set.KIND, stateful_set.KIND, replication_controller.KIND)
"""Kinds whose `spec.replicas` says how many pods there shall be."""

SMALL = True


def controller(store: Store, settings: Settings) -> "Disruption":
    return Disruption(store)


class Disruption:
    watches = (
        pod_disruption_budget.KIND.resource,
        pod_kind.RESOURCE,
        node_kind.RESOURCE,
        *(kind.resource for kind in _SCALED),
    )
    # Whoever drains a node waits seconds between two tries.
    pace_s = 0.05

    def __init__(self, store: Store) -> None:
        self._store = store
        self.forget()

    def forget(self) -> None:
        self._feed = Reader(self.watches)
        self._pods: Mirror[Pod, PodFacts | None] = Mirror(PODS, _pod)
        self._scaled = [Mirror(table_of(kind), _scale) for kind in _SCALED]
        self._nodes = HeardNodes()

    def run_once(self, now_ms: int, fence: Fence) -> Outcome:
        """Count for every budget."""
        errors: list[str] = []
        with self._store.snapshot() as connection:
            found = _BUDGETS.read(connection)
            if found:
                self._follow(connection, errors)
        if not found:
            # Nothing is followed for nobody: a cluster without budgets pays for none.
            self.forget()
            return Outcome()
        budgets = {
            record.uid: facts
            for record, facts in understood(found, _budget, called=lambda each: f"budget {each.name}", errors=errors)
        }
        plan = decide.decide(budgets.values(), pods=self._unfinished(), scales=self._scales(), now_ms=now_ms)
        crashpoints.reach("disruption.decided")

        def write_batch(transaction: Transaction, batch: list[tuple[str, Status]]) -> int:
            statement = _BUDGETS.select().where(among(_BUDGETS.table.c.uid, [uid for uid, _ in batch]))
            read = {record.uid: record for record in _BUDGETS.read(transaction.connection, statement)}
            updates = [
                Update(read[uid], _written(read[uid], status, transaction.now_ms))
                for uid, status in batch
                # An eviction that came in between has taken from what was counted.
                if uid in read and read[uid].revision == budgets[uid].revision
            ]
            written = records.update(transaction, _BUDGETS, updates, ("status",))
            crashpoints.reach("disruption.counted")
            return len(written)

        counted = in_batches(self._store, list(plan.statuses.items()), write_batch, fence=fence)
        return Outcome(counts={"counted": counted}, next_wake_ms=plan.next_wake_ms, errors=tuple(errors))

    def _follow(self, connection: Snapshot, errors: list[str]) -> None:
        changes = self._feed.read(connection)
        self._pods.follow_or_load(connection, changes, errors)
        self._nodes.read(connection, changes, errors)
        for mirror in self._scaled:
            mirror.follow_or_load(connection, changes, errors)

    def _unfinished(self) -> Mapping[str, list[PodFacts]]:
        """By namespace, as ready as their nodes let them be."""
        found: dict[str, list[PodFacts]] = defaultdict(list)
        for pod in self._pods.facts.values():
            if pod is None:
                continue
            since_ms = self._nodes.ready_since_ms(pod.node_name, pod.ready_since_ms)
            is_as_said = since_ms == pod.ready_since_ms
            found[pod.namespace].append(pod if is_as_said else replace(pod, ready_since_ms=since_ms))
        return found

    def _scales(self) -> Mapping[str, Scale]:
        """What each controller of pods wants; where it has a controller itself, what that one wants."""
        every = {uid: scale for mirror in self._scaled for uid, scale in mirror.facts.items()}
        above = {uid: scale.controller_uid if scale.controller_uid in every else uid for uid, scale in every.items()}
        return {uid: Scale(top or uid, every[top or uid].replicas) for uid, top in above.items()}


class _Scale(NamedTuple):
    replicas: int
    controller_uid: str | None


class _Spec(msgspec.Struct):
    replicas: int | None = None


_SPEC = msgspec.json.Decoder(_Spec)
_LABELS = msgspec.json.Decoder(dict[str, str])


def _scale(record: StoredObject) -> _Scale:
    replicas = _SPEC.decode(record.spec).replicas
    controller = owner_references.controller_of(record.owner_references)
    return _Scale(1 if replicas is None else replicas, None if controller is None else controller.uid)


def _pod(pod: Pod) -> PodFacts | None:
    """None for a finished one, which no budget guards."""
    if pod.phase in FINISHED:
        return None
    controller = owner_references.controller_of(pod.owner_references)
    return PodFacts(
        uid=pod.uid,
        namespace=pod.namespace,
        name=pod.name,
        labels=_LABELS.decode(pod.labels),
        controller_uid=None if controller is None else controller.uid,
        node_name=pod.node_name,
        ready_since_ms=pod_readiness.ready_since_ms(pod),
        deleting=pod.deleting_ms is not None,
    )


def _budget(record: StoredObject) -> BudgetFacts:
    budget = disruption.read(record)
    status = budget.status
    return BudgetFacts(
        uid=record.uid,
        revision=record.revision,
        namespace=record.namespace,
        name=record.name,
        selector=budget.selector,
        min_available=budget.min_available,
        max_unavailable=budget.max_unavailable,
        generation=record.generation,
        status=Status(
            observed_generation=status.observed_generation,
            current_healthy=status.current_healthy,
            desired_healthy=status.desired_healthy,
            disruptions_allowed=status.disruptions_allowed,
            expected_pods=status.expected_pods,
            disrupted={name: durations.moment_ms(since) or 0 for name, since in status.disrupted_pods.items()},
        ),
    )


def _written(record: StoredObject, status: Status, now_ms: int) -> StoredObject:
    before: Document = msgspec.json.decode(record.status)
    allowed = status.disruptions_allowed > 0
    document: Document = {
        "observedGeneration": status.observed_generation,
        "currentHealthy": status.current_healthy,
        "desiredHealthy": status.desired_healthy,
        "disruptionsAllowed": status.disruptions_allowed,
        "expectedPods": status.expected_pods,
        "conditions": [_condition(before, allowed, generation=record.generation, now_ms=now_ms)],
    }
    if status.disrupted:
        document["disruptedPods"] = {name: timestamp(since_ms) for name, since_ms in status.disrupted.items()}
    return msgspec.structs.replace(record, status=json_text.text(document))


def _condition(before: Document, allowed: bool, *, generation: int, now_ms: int) -> Document:
    value = "True" if allowed else "False"
    known = (each for each in before.get("conditions") or [] if each.get("type") == "DisruptionAllowed")
    since = next((each.get("lastTransitionTime") for each in known if each.get("status") == value), None)
    return {
        "type": "DisruptionAllowed",
        "status": value,
        "observedGeneration": generation,
        "lastTransitionTime": since or timestamp(now_ms),
        "reason": "SufficientPods" if allowed else "InsufficientPods",
        "message": "",
    }
