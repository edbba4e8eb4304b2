"""Sends pods away from nodes that are silent, tainted or being deleted: counts down, then marks for deletion."""

import msgspec

from controllers._loop.contract import Outcome
from controllers._loop.readable import understood
from controllers.rescheduler import decide
from controllers.rescheduler.decide import Countdown, Mark, NodeFacts, Plan, PodFacts
from kuberklone.kinds import node as node_kind
from kuberklone.kinds import pod as pod_kind
from kuberklone.kinds.node import Node
from kuberklone.kinds.pod import FINISHED, Pod
from kuberklone.kinds.taints import Toleration
from kuberklone.settings import Settings
from kuberklone.store import crashpoints, events, evictions, heartbeats, nodes, pods
from kuberklone.store.database import Store
from kuberklone.store.evictions import Eviction
from kuberklone.store.records import Update
from kuberklone.store.transaction import Fence, Transaction, in_batches, write

_SOURCE = "rescheduler"
_MESSAGES = {
    "NodeUnreachable": "Its node is silent and its toleration is over.",
    "NodeDeleted": "Its node is being deleted.",
    "Taint": "Its node has a NoExecute taint that it does not tolerate any longer.",
}


def controller(store: Store, settings: Settings) -> "Rescheduler":
    return Rescheduler(store)


class Rescheduler:
    watches = (node_kind.RESOURCE, pod_kind.RESOURCE)
    # Countdowns are seconds; a flood of bindings need not make a pass each.
    pace_s = 0.02

    def __init__(self, store: Store) -> None:
        self._store = store
        self._tolerations: dict[str, tuple[Toleration, ...]] = {}

    def forget(self) -> None:
        self._tolerations = {}

    def run_once(self, now_ms: int, fence: Fence) -> Outcome:
        """Begin, cancel and carry out countdowns."""
        errors: list[str] = []
        with self._store.snapshot() as connection:
            paths = {path.path: path for path in heartbeats.paths(connection)}
            judged = understood(
                nodes.that_may_evict(connection),
                lambda node: _facts(node, paths.get(node_kind.path(node))),
                called=lambda node: f"node {node.name}",
                errors=errors,
            )
            facts = {node.name: node_facts for node, node_facts in judged if node_facts is not None}
            affected = pods.on_nodes(connection, facts) if facts else []
            rows = evictions.all_evictions(connection)
        plan = decide.decide(
            [pod_facts for pod in affected if (pod_facts := self._pod(pod, errors)) is not None],
            nodes=facts,
            countdowns=[
                Countdown(
                    pod_uid=row.pod_uid, node_name=row.node_name, due_ms=row.due_ms, cause=decide.cause(row.cause)
                )
                for row in rows
            ],
            now_ms=now_ms,
        )
        crashpoints.reach("rescheduler.decided")
        marked = self._mark(plan, {pod.uid: pod for pod in affected}, fence)
        self._count_down(plan, fence)
        return Outcome(
            counts={"marked": marked, "counting": len(plan.countdowns)},
            next_wake_ms=plan.next_wake_ms,
            errors=tuple(errors),
        )

    def _pod(self, pod: Pod, errors: list[str]) -> PodFacts | None:
        if pod.shape not in self._tolerations:
            try:
                self._tolerations[pod.shape] = tuple(pod_kind.scheduling_inputs(pod).tolerations)
            except ValueError as error:
                errors.append(f"pod {pod.namespace}/{pod.name} has a spec that cannot be read: {error}")
                return None
        assert pod.node_name is not None, "read by the node it is bound to"
        return PodFacts(
            uid=pod.uid,
            node_name=pod.node_name,
            bound_ms=pod.bound_ms or 0,
            finished=pod.phase in FINISHED,
            deleting=pod.deleting_ms is not None,
            tolerations=self._tolerations[pod.shape],
        )

    def _mark(self, plan: Plan, by_uid: dict[str, Pod], fence: Fence) -> int:
        def write_batch(transaction: Transaction, batch: list[Mark]) -> int:
            updates = [_marked(by_uid[mark.pod_uid], mark, transaction.now_ms) for mark in batch]
            written = pods.update(transaction, updates, ("deleting_ms", "deletion_cause", "deletion_grace_s"))
            evictions.cancel(transaction.connection, [pod.uid for pod in written])
            events.record(
                transaction,
                [
                    events.about_pod(pod, "Evicted", _MESSAGES[pod.deletion_cause or ""], type="Warning")
                    for pod in written
                ],
                source=_SOURCE,
            )
            crashpoints.reach("rescheduler.marked")
            return len(written)

        return in_batches(self._store, list(plan.marks), write_batch, fence=fence)

    def _count_down(self, plan: Plan, fence: Fence) -> None:
        if not plan.countdowns and not plan.cancelled:
            return
        with write(self._store, fence=fence) as transaction:
            evictions.put(
                transaction.connection,
                (
                    Eviction(pod_uid=row.pod_uid, node_name=row.node_name, due_ms=row.due_ms, cause=row.cause)
                    for row in plan.countdowns
                ),
            )
            evictions.cancel(transaction.connection, plan.cancelled)
            crashpoints.reach("rescheduler.counted")


def _facts(node: Node, path: heartbeats.Path | None) -> NodeFacts | None:
    """None for a node that sends nobody away."""
    taints = tuple(taint for taint in node_kind.effective_taints(node) if taint.effect == "NoExecute")
    if not taints and node.deleting_ms is None:
        return None
    return NodeFacts(
        name=node.name,
        deleting_ms=node.deleting_ms,
        taints=taints,
        halted=path is not None and path.halted,
        resumed_ms=None if path is None else path.resumed_ms,
    )


def _marked(pod: Pod, mark: Mark, now_ms: int) -> Update[Pod]:
    marked = msgspec.structs.replace(
        pod,
        deleting_ms=now_ms,
        deletion_cause=mark.cause,
        # Of a node that is heard, the agent lets the pod end in good order; on any other nobody waits for it.
        deletion_grace_s=pod_kind.termination_grace_s(pod),
    )
    return Update(pod, marked)
