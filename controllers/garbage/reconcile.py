"""Finishes deletions that no agent can finish, and forgets what is old enough."""

from dataclasses import dataclass

import msgspec

from controllers._loop.contract import Outcome
from controllers._loop.readable import understood
from controllers.garbage import decide
from controllers.garbage.decide import CutOffs, Finish, NodeFacts, Plan, PodFacts, Retention
from kuberklone.kinds import node as node_kind
from kuberklone.kinds import pod as pod_kind
from kuberklone.kinds.event import Event
from kuberklone.kinds.node import Node
from kuberklone.kinds.pod import FINISHED, Pod
from kuberklone.settings import Settings
from kuberklone.store import compaction, crashpoints, events, heartbeats, nodes, pods, records, removal
from kuberklone.store.database import Store
from kuberklone.store.records import EVENTS, Update
from kuberklone.store.transaction import ROWS_MAX, Fence, Transaction, in_batches, write

# Retention is not urgent; once a minute keeps a step small.
_RETENTION_EVERY_MS = 60_000
# While there is more to forget than one step may take, the next one follows soon, leaving room for others.
_RETENTION_AGAIN_MS = 50
# Often enough that the log of a busy cluster stays at some megabytes.
_CHECKPOINT_EVERY_MS = 1_000


def controller(store: Store, settings: Settings) -> "Garbage":
    return Garbage(store, settings)


class Garbage:
    watches = (pod_kind.RESOURCE, node_kind.RESOURCE)
    pace_s = 0.02

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store = store
        self._wal_limit_bytes = settings.wal_limit_bytes
        self._retention = Retention(
            changes_ms=round(settings.changes_keep_s * 1000),
            history_ms=round(settings.history_keep_s * 1000),
            history_rows_max=settings.history_rows_max,
            decisions_ms=round(settings.decisions_keep_s * 1000),
            placements_ms=round(settings.placements_keep_s * 1000),
            events_ms=round(settings.events_keep_s * 1000),
            finished_pods_max=settings.finished_pods_keep,
        )
        self.forget()

    def forget(self) -> None:
        self._retention_at_ms = 0
        self._checkpoint_at_ms = 0
        self._look_for_orphans = True
        self._sweep = _Sweep(after=0, upto=0)

    def run_once(self, now_ms: int, fence: Fence) -> Outcome:
        """Finish deletions that are due; now and then, forget what is old."""
        with self._store.snapshot() as connection:
            found = pods.deleting(connection)
            if self._look_for_orphans:
                found += pods.on_missing_nodes(connection)
            # One that is being deleted on a node that is missing was found twice, and has one successor.
            by_uid = {pod.uid: pod for pod in found}
            names = {pod.node_name for pod in by_uid.values() if pod.node_name is not None}
            found_nodes = nodes.named(connection, names) if names else []
            beats = {
                beat.node_uid: beat.granted_until_ms
                for beat in heartbeats.of_nodes(connection, [node.uid for node in found_nodes])
            }
        errors: list[str] = []
        facts = {
            node.name: node_facts
            for node, node_facts in understood(
                found_nodes, lambda node: _node(node, beats.get(node.uid)), called=_called, errors=errors
            )
        }
        # A node that cannot be read is there all the same: its pods are not those of a node that is gone.
        unread = {node.name for node in found_nodes} - facts.keys()
        readable = understood(by_uid.values(), _pod, called=_called, errors=errors)
        plan = decide.decide(
            [pod_facts for pod, pod_facts in readable if pod.node_name not in unread], nodes=facts, now_ms=now_ms
        )
        crashpoints.reach("garbage.decided")
        finished = self._finish(plan, by_uid, facts, fence)
        self._mark_orphans(plan, by_uid, fence)
        self._look_for_orphans = False
        forgotten = 0
        if now_ms >= self._retention_at_ms:
            forgotten = self._forget_old(now_ms, fence)
            more = forgotten >= ROWS_MAX
            self._retention_at_ms = now_ms + (_RETENTION_AGAIN_MS if more else _RETENTION_EVERY_MS)
            self._look_for_orphans = not more
        if now_ms >= self._checkpoint_at_ms:
            # Only changes wake us before the retention does, so a quiet database is left alone.
            compaction.checkpoint(self._store)
            self._checkpoint_at_ms = now_ms + _CHECKPOINT_EVERY_MS
        wakes_ms = [self._retention_at_ms, *([plan.next_wake_ms] if plan.next_wake_ms is not None else [])]
        counts = {"finished": finished, "forgotten": forgotten}
        return Outcome(counts=counts, next_wake_ms=min(wakes_ms), errors=tuple(errors))

    def _finish(self, plan: Plan, by_uid: dict[str, Pod], facts: dict[str, NodeFacts], fence: Fence) -> int:
        def write_batch(transaction: Transaction, batch: list[Finish]) -> int:
            doomed = [by_uid[finish.pod_uid] for finish in batch]
            # Judged again under the lock: a node that was heard meanwhile has a new grant, and its agent runs the pod.
            heartbeats.hold(transaction.connection)
            names = {pod.node_name for pod in doomed if pod.node_name is not None}
            now_nodes = nodes.named(transaction.connection, names) if names else []
            grants = {
                beat.node_uid: beat.granted_until_ms
                for beat in heartbeats.of_nodes(transaction.connection, [node.uid for node in now_nodes])
            }
            judged = understood(now_nodes, lambda node: _node(node, grants.get(node.uid)), called=_called, errors=[])
            unchanged = {node.name for node, node_facts in judged if node_facts == facts.get(node.name)}
            missing = names - {node.name for node in now_nodes}
            certain = [
                pod for pod in doomed if pod.node_name is None or pod.node_name in unchanged or pod.node_name in missing
            ]
            removed, _ = removal.remove_pods(transaction, certain)
            crashpoints.reach("garbage.finished")
            return len(removed)

        return in_batches(self._store, list(plan.finishes), write_batch, fence=fence)

    def _mark_orphans(self, plan: Plan, by_uid: dict[str, Pod], fence: Fence) -> None:
        def write_batch(transaction: Transaction, batch: list[str]) -> int:
            updates = [Update(by_uid[uid], _orphaned(by_uid[uid], transaction.now_ms)) for uid in batch]
            columns = ("deleting_ms", "deletion_cause", "deletion_grace_s")
            marked = pods.update(transaction, updates, columns)
            crashpoints.reach("garbage.orphaned")
            return len(marked)

        in_batches(self._store, list(plan.orphans), write_batch, fence=fence)

    def _forget_old(self, now_ms: int, fence: Fence) -> int:
        """One step of everything that is kept for a time; how many rows went in the fullest of them."""
        with self._store.snapshot() as connection:
            watch_from = compaction.watch_from(connection)
            cut_offs = decide.cut_offs(
                self._retention,
                history_rows=compaction.rows_upto(connection, watch_from),
                finished_pods=pods.count_finished(connection),
                now_ms=now_ms,
            )
            watch_cut = compaction.newest_before(connection, cut_offs.watch_from_ms, known=watch_from)
            finished = pods.oldest_finished(connection, limit=min(cut_offs.finished_pods_excess, ROWS_MAX))
            old_events = events.older_than(connection, cut_offs.events_from_ms, limit=ROWS_MAX)
        if watch_cut > watch_from:
            with write(self._store, fence=fence) as transaction:
                compaction.raise_watch_from(transaction, watch_cut)
                crashpoints.reach("garbage.raised")
        gone = [
            self._compact(cut_offs, watch_cut, fence),
            self._delete_old("decisions", cut_offs.decisions_from_ms, fence),
            self._delete_old("placements", cut_offs.placements_from_ms, fence),
            self._delete_events(old_events, fence),
            in_batches(self._store, finished, _mark_finished, fence=fence),
        ]
        compaction.give_back_space(self._store, wal_limit_bytes=self._wal_limit_bytes)
        crashpoints.reach("garbage.vacuumed")
        return max(gone)

    def _compact(self, cut_offs: CutOffs, watch_cut: int, fence: Fence) -> int:
        with self._store.snapshot() as connection:
            upto = compaction.newest_before(connection, cut_offs.history_from_ms, known=0)
            if cut_offs.history_rows_excess:
                upto = max(upto, compaction.nth_oldest(connection, cut_offs.history_rows_excess) or 0)
            self._sweep = self._sweep.towards(min(upto, watch_cut))
            doomed = compaction.superfluous(connection, after=self._sweep.after, upto=self._sweep.upto)
        # Less than a full step is the sweep's last one.
        self._sweep = self._sweep.past(doomed[-1] if len(doomed) >= ROWS_MAX else self._sweep.upto)
        if not doomed:
            return 0
        with write(self._store, fence=fence) as transaction:
            compaction.delete_changes(transaction, doomed, upto=self._sweep.upto)
            crashpoints.reach("garbage.compacted")
        return len(doomed)

    def _delete_old(self, table: str, before_ms: int, fence: Fence) -> int:
        with write(self._store, fence=fence) as transaction:
            deleted = compaction.delete_old(transaction, table, before_ms=before_ms)
            crashpoints.reach("garbage.forgot")
            return deleted

    def _delete_events(self, old: list[Event], fence: Fence) -> int:
        with write(self._store, fence=fence) as transaction:
            deleted = records.delete(transaction, EVENTS, old)
            crashpoints.reach("garbage.hushed")
            return len(deleted)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sweep:
    """One walk through the old part of the log, from its oldest row to the cut, over as many passes as it takes."""

    after: int
    upto: int

    def towards(self, cut: int) -> "_Sweep":
        """Go on, or begin anew once the last walk is done and the cut has moved."""
        if self.after < self.upto or cut <= self.upto:
            return self
        return _Sweep(after=0, upto=cut)

    def past(self, revision: int) -> "_Sweep":
        return _Sweep(after=revision, upto=self.upto)


def _mark_finished(transaction: Transaction, batch: list[Pod]) -> int:
    """Finished pods beyond the number to keep go the way of all pods: marked, then removed when nothing is left."""
    updates = [
        Update(
            pod,
            msgspec.structs.replace(
                pod, deleting_ms=transaction.now_ms, deletion_cause="Retention", deletion_grace_s=0
            ),
        )
        for pod in batch
    ]
    marked = pods.update(transaction, updates, ("deleting_ms", "deletion_cause", "deletion_grace_s"))
    crashpoints.reach("garbage.retired")
    return len(marked)


def _called(record: Node | Pod) -> str:
    return f"pod {record.namespace}/{record.name}" if isinstance(record, Pod) else f"node {record.name}"


def _orphaned(pod: Pod, now_ms: int) -> Pod:
    return msgspec.structs.replace(pod, deleting_ms=now_ms, deletion_cause="NodeDeleted", deletion_grace_s=0)


def _node(node: Node, granted_until_ms: int | None) -> NodeFacts:
    return NodeFacts(
        name=node.name,
        provider=node_kind.provider(node.provider),
        machine=node_kind.machine(node.machine),
        deleting=node.deleting_ms is not None,
        ready=node_kind.readiness(node.ready),
        granted_until_ms=granted_until_ms,
    )


def _pod(pod: Pod) -> PodFacts:
    return PodFacts(
        uid=pod.uid,
        node_name=pod.node_name,
        deleting=pod.deleting_ms is not None,
        held=pod.finalizers != "[]",
        finished=pod.phase in FINISHED,
        on_node_failure=pod_kind.on_node_failure(pod.on_node_failure),
    )
