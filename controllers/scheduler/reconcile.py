"""The scheduler: binds pending pods in batches, by priority and age, and records why.

What it knows of nodes, use and waiting pods is kept in memory and brought up to date from the feed; everything it
decides on is checked again where it is written (`store.binding`), so a view that is a moment old loses a batch, never
a node's capacity.
"""

from collections.abc import Iterable, Sequence

from controllers._loop.contract import Outcome
from controllers._loop.readable import understood
from controllers.scheduler import decide, facts
from controllers.scheduler.cluster import ClusterTable
from controllers.scheduler.plan import Placement, Plan, Unplaced
from controllers.scheduler.queue import Queue
from kuberklone.chance import Chance
from kuberklone.kinds import node as node_kind
from kuberklone.kinds import pod as pod_kind
from kuberklone.kinds.node import Node
from kuberklone.settings import Settings
from kuberklone.store import binding, crashpoints, decisions, nodes, pods, use
from kuberklone.store.binding import Binding
from kuberklone.store.database import Snapshot, Store
from kuberklone.store.decisions import Decision
from kuberklone.store.feed import Change, Reader
from kuberklone.store.transaction import Fence, Transaction, in_batches


def controller(store: Store, settings: Settings) -> "Scheduler":
    return Scheduler(store, chance=Chance())


class Scheduler:
    watches = (node_kind.RESOURCE, pod_kind.RESOURCE)
    # A pod on an idle cluster is to be bound within milliseconds; a flood of pods is batched by the pass's own length.
    pace_s = 0.0

    def __init__(self, store: Store, *, chance: Chance) -> None:
        self._store = store
        self._chance = chance
        self.forget()

    def forget(self) -> None:
        self._feed = Reader(self.watches)
        self._unread: set[str] = set()
        self._cluster = ClusterTable()
        self._queue = Queue()
        self._use_revision = -1
        self._used: dict[str, tuple[int, int, int]] = {}

    def run_once(self, now_ms: int, fence: Fence) -> Outcome:
        """Bind what fits, record why the rest does not."""
        errors = self._read()
        due = self._queue.due()
        if not due:
            return Outcome(errors=tuple(errors))
        plan = decide.decide(cluster=self._cluster, pods=due, shapes=self._queue.shapes(), seed=self._chance.seed())
        crashpoints.reach("scheduler.decided")
        bound = self._bind(plan, fence)
        self._explain(plan, fence, now_ms)
        crashpoints.reach("scheduler.explained")
        counts = {
            "bound": bound,
            "lost": len(plan.placements) - bound,
            "unschedulable": len(plan.unplaced),
        }
        return Outcome(counts=counts, errors=tuple(errors))

    def _read(self) -> list[str]:
        """Bring memory up to date, in one snapshot."""
        with self._store.snapshot() as connection:
            changes = self._feed.read(connection)
            if changes is None:
                self._cluster, self._queue = ClusterTable(), Queue()
                self._use_revision, self._used = -1, {}
                errors = self._put_nodes(nodes.all_nodes(connection))
                errors += self._queue.put(pods.unbound(connection))
            else:
                errors = self._follow(connection, changes)
            self._read_use(connection)
        return errors

    def _follow(self, connection: Snapshot, changes: Sequence[Change]) -> list[str]:
        node_names = {change.name for change in changes if change.resource == node_kind.RESOURCE}
        pod_uids = {change.uid for change in changes if change.resource == pod_kind.RESOURCE}
        found_nodes = {node.name: node for node in nodes.named(connection, node_names)} if node_names else {}
        errors = self._put_nodes(found_nodes.values())
        for name in node_names - found_nodes.keys():
            self._drop_node(name)
        found_pods = pods.with_uids(connection, pod_uids) if pod_uids else []
        waiting = [pod for pod in found_pods if pod.node_name is None and pod.deleting_ms is None]
        self._queue.drop(pod_uids - {pod.uid for pod in waiting})
        if node_names:
            self._queue.give_hope()
        return errors + self._queue.put(waiting)

    def _put_nodes(self, found: Iterable[Node]) -> list[str]:
        """Messages about nodes that cannot be read; they take no pods."""
        found = list(found)
        errors: list[str] = []
        read = understood(found, facts.facts_of, called=lambda node: f"node {node.name}", errors=errors)
        known = {node.name: node_facts for node, node_facts in read}
        for node in found:
            if node.name not in known:
                self._drop_node(node.name)
                self._unread.add(node.name)
                continue
            self._cluster.set_node(known[node.name])
            if node.name in self._unread:
                # Its use was passed over until now, and does not change because the node can be read again.
                self._unread.remove(node.name)
                self._use_revision = -1
        return errors

    def _drop_node(self, name: str) -> None:
        self._unread.discard(name)
        if name in self._cluster:
            self._cluster.remove_node(name)
            self._used.pop(name, None)

    def _read_use(self, connection: Snapshot) -> None:
        nothing = (0, 0, 0)
        for name, cpu_millis, memory_bytes, count, revision in use.changed_since(connection, self._use_revision):
            self._use_revision = max(self._use_revision, revision)
            if name not in self._cluster:
                self._used.pop(name, None)
                continue
            now_used, before = (cpu_millis, memory_bytes, count), self._used.get(name, nothing)
            if now_used == before:
                continue
            self._used[name] = now_used
            self._cluster.set_use(name, cpu_millis=cpu_millis, memory_bytes=memory_bytes, pods=count)
            if cpu_millis < before[0] or memory_bytes < before[1] or count < before[2]:
                # Something left the node, so what did not fit may fit now.
                self._queue.give_hope()

    def _bind(self, plan: Plan, fence: Fence) -> int:
        def write(transaction: Transaction, batch: list[Placement]) -> int:
            bound = binding.bind(
                transaction,
                [
                    Binding(
                        pod=self._queue.pods[placement.pod.uid],
                        node_name=placement.node_name,
                        node_revision=placement.node_revision,
                    )
                    for placement in batch
                ],
            )
            winners = {pod.uid for pod in bound}
            decisions.record(
                transaction,
                (_scheduled(placement, plan) for placement in batch if placement.pod.uid in winners),
            )
            self._queue.drop(winners)
            return len(bound)

        return in_batches(self._store, list(plan.placements), write, fence=fence)

    def _explain(self, plan: Plan, fence: Fence, now_ms: int) -> None:
        def write(transaction: Transaction, batch: list[Unplaced]) -> int:
            decisions.record(transaction, (_unschedulable(unplaced, plan) for unplaced in batch))
            return len(batch)

        in_batches(self._store, self._queue.set_aside(plan.unplaced, now_ms=now_ms), write, fence=fence)


def _scheduled(placement: Placement, plan: Plan) -> Decision:
    return Decision(
        pod_uid=placement.pod.uid,
        outcome="Scheduled",
        node_name=placement.node_name,
        nodes_evaluated=plan.nodes_evaluated,
        reasons={},
        best=placement.best,
    )


def _unschedulable(unplaced: Unplaced, plan: Plan) -> Decision:
    return Decision(
        pod_uid=unplaced.pod.uid,
        outcome="Unschedulable",
        nodes_evaluated=plan.nodes_evaluated,
        reasons=unplaced.reasons,
    )
