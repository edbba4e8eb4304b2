"""The store against a plain dictionary: whatever is done in whatever order, both say the same, now and of the past."""

import json
from typing import Any

import msgspec
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from kuberklone.errors import KuberkloneError
from kuberklone.kinds import node_document, pod_document
from kuberklone.kinds.node import Node
from kuberklone.kinds.pod import FINISHED, Pod
from kuberklone.store import binding, feed, history, nodes, pods, schema, use
from kuberklone.store.binding import Binding
from kuberklone.store.database import Store
from kuberklone.store.operations import (
    Applier,
    CreateNodes,
    CreatePods,
    DeleteNode,
    DeletePod,
    Operation,
    Outcome,
    RestartNode,
)
from kuberklone.store.records import Update
from kuberklone.store.removal import remove_pods
from kuberklone.store.transaction import write
from tests.store import made

NODE_NAMES = st.sampled_from(["node-a", "node-b", "node-c"])
POD_NAMES = st.sampled_from(["pod-a", "pod-b", "pod-c", "pod-d"])
LABELS = st.dictionaries(st.sampled_from(["zone", "app"]), st.sampled_from(["x", "y"]), max_size=2)
CAUSES = st.sampled_from(["User", "NodeUnreachable", "NodeDeleted", "Taint"])


class StoreAndDictionary(RuleBasedStateMachine):
    """Each rule does the same to the store and to two dictionaries, by name, and compares what came of it."""

    def __init__(self, store: Store) -> None:
        super().__init__()
        self.store = store
        self.nodes: dict[str, Node] = {}
        self.pods: dict[str, Pod] = {}
        self.past: dict[int, dict[str, dict[str, str]]] = {}
        self.stale_nodes: list[Node] = []
        self.stale_pods: list[Pod] = []

    @initialize()
    def begin_empty(self) -> None:
        with write(self.store) as transaction:
            for table in (schema.pods, schema.nodes, schema.node_use, schema.placements, schema.changes):
                transaction.connection.execute(table.delete())
            transaction.take(1)
        self._remember()

    def _remember(self) -> None:
        """What the past must look like from now on at this revision."""
        self.past[made.head(self.store)] = {
            "nodes": {name: node_document.document(node) for name, node in self.nodes.items()},
            "pods": {name: pod_document.document(pod) for name, pod in self.pods.items()},
        }

    def _apply(self, operation: Operation) -> Outcome:
        with write(self.store, reserve=1) as transaction:
            (outcome,) = Applier().apply(transaction, [operation])
        return outcome

    def _keep(self, record: Any) -> None:
        """The dictionary's side of a write; what was there before is what a slow reader still has in hand."""
        kept: dict[str, Any] = self.nodes if isinstance(record, Node) else self.pods
        stale: list[Any] = self.stale_nodes if isinstance(record, Node) else self.stale_pods
        before = kept.get(record.name)
        # Asking again for what was asked already writes nothing, so what was read before is still true.
        if before is not None and before.revision != record.revision:
            stale.append(before)
        kept[record.name] = record

    def _room(self, node: Node) -> tuple[int, int]:
        here = [pod for pod in self.pods.values() if pod.node_name == node.name and pod.phase not in FINISHED]
        return node.cpu_millis - sum(pod.cpu_millis for pod in here), node.pods_max - len(here)

    @rule(name=NODE_NAMES, cpu=st.integers(1, 4), pods_max=st.integers(1, 3))
    def add_node(self, name: str, cpu: int, pods_max: int) -> None:
        outcome = self._apply(CreateNodes(nodes=(made.node(name, cpu_millis=cpu * 1000, pods_max=pods_max),)))
        assert isinstance(outcome, KuberkloneError) == (name in self.nodes)
        if isinstance(outcome, list):
            self._keep(outcome[0])
        self._remember()

    @rule(names=st.lists(POD_NAMES, min_size=1, max_size=3), cpu=st.integers(0, 3), moves=st.booleans())
    def add_pods(self, names: list[str], cpu: int, moves: bool) -> None:
        wish = {"cpu_millis": cpu * 1000, "on_node_failure": "Reschedule" if moves else "Delete"}
        outcome = self._apply(CreatePods(pods=tuple(made.pod(name, **wish) for name in names)))
        impossible = len(set(names)) < len(names) or not self.pods.keys().isdisjoint(names)
        assert isinstance(outcome, KuberkloneError) == impossible
        if isinstance(outcome, list):
            for pod in outcome:
                self._keep(pod)
        self._remember()

    @rule(name=NODE_NAMES, labels=LABELS)
    def label_node(self, name: str, labels: dict[str, str]) -> None:
        if name in self.nodes:
            self._keep(made.change_node(self.store, self.nodes[name], labels=json.dumps(labels)))
            self._remember()

    @rule(name=POD_NAMES, labels=LABELS)
    def label_pod(self, name: str, labels: dict[str, str]) -> None:
        if name in self.pods:
            self._keep(made.change_pod(self.store, self.pods[name], labels=json.dumps(labels)))
            self._remember()

    @rule(name=NODE_NAMES)
    def restart_node(self, name: str) -> None:
        outcome = self._apply(RestartNode(name=name))
        allowed = name in self.nodes and self.nodes[name].deleting_ms is None
        assert isinstance(outcome, KuberkloneError) != allowed
        if isinstance(outcome, list):
            assert msgspec.structs.replace(self.nodes[name], restarts_wanted=self.nodes[name].restarts_wanted + 1) == (
                msgspec.structs.replace(outcome[0], revision=self.nodes[name].revision)
            )
            self._keep(outcome[0])
        self._remember()

    @rule(name=NODE_NAMES)
    def ask_to_delete_node(self, name: str) -> None:
        outcome = self._apply(DeleteNode(name=name))
        assert isinstance(outcome, KuberkloneError) != (name in self.nodes)
        if isinstance(outcome, list):
            self._keep(outcome[0])
        self._remember()

    @rule(name=NODE_NAMES)
    def remove_node(self, name: str) -> None:
        node = self.nodes.get(name)
        if node is None or any(pod.node_name == name for pod in self.pods.values()):
            return
        with write(self.store) as transaction:
            assert [gone.uid for gone in nodes.delete(transaction, [node])] == [node.uid]
        del self.nodes[name]
        self._remember()

    @rule(name=POD_NAMES)
    def ask_to_delete_pod(self, name: str) -> None:
        outcome = self._apply(DeletePod(namespace="default", name=name))
        assert isinstance(outcome, KuberkloneError) != (name in self.pods)
        if isinstance(outcome, list):
            if self.pods[name].node_name is None:
                del self.pods[name]
            else:
                self._keep(outcome[0])
        self._remember()

    @rule(pod_names=st.lists(POD_NAMES, min_size=1, max_size=4, unique=True), node_name=NODE_NAMES)
    def bind(self, pod_names: list[str], node_name: str) -> None:
        waiting = [self.pods[name] for name in pod_names if name in self.pods and self.pods[name].node_name is None]
        if node_name not in self.nodes or not waiting:
            return
        node = self.nodes[node_name]
        cpu, places = self._room(node)
        bound = made.bind(self.store, node, waiting)
        wanted = sum(pod.cpu_millis for pod in waiting)
        fits = len(waiting) <= places and (wanted == 0 or wanted <= cpu)
        assert {pod.name for pod in bound} == ({pod.name for pod in waiting} if fits else set())
        for pod in bound:
            assert pod.node_name == node_name
            self._keep(pod)
        self._remember()

    @precondition(lambda self: self.stale_nodes or self.stale_pods)
    @rule(data=st.data())
    def write_on_what_is_no_longer_true(self, data: st.DataObject) -> None:
        """Whoever read a record earlier changes nothing, whatever it tries."""
        before = made.head(self.store)
        with write(self.store) as transaction:
            if self.stale_pods:
                pod = data.draw(st.sampled_from(self.stale_pods))
                assert pods.update(transaction, [Update(pod, pod)], ("labels",)) == []
                assert remove_pods(transaction, [pod]) == ([], [])
            if self.stale_nodes:
                node = data.draw(st.sampled_from(self.stale_nodes))
                assert nodes.update(transaction, [Update(node, node)], ("labels",)) == []
                assert nodes.delete(transaction, [node]) == []
                waiting = [each for each in self.pods.values() if each.node_name is None]
                stale = [Binding(pod=each, node_name=node.name, node_revision=node.revision) for each in waiting]
                assert binding.bind(transaction, stale) == []
        assert made.head(self.store) >= before
        self._remember()

    @rule(name=POD_NAMES, phase=st.sampled_from(["Running", "Succeeded", "Failed"]))
    def report(self, name: str, phase: str) -> None:
        pod = self.pods.get(name)
        if pod is None or pod.node_name is None or pod.phase in FINISHED:
            return
        moment = {"started_ms": 1} if phase == "Running" else {"finished_ms": 2}
        self._keep(made.change_pod(self.store, pod, phase=phase, **moment))
        self._remember()

    @rule(name=POD_NAMES, cause=CAUSES)
    def lose(self, name: str, cause: str) -> None:
        pod = self.pods.get(name)
        if pod is None or pod.node_name is None or pod.deleting_ms is not None:
            return
        self._keep(made.change_pod(self.store, pod, deleting_ms=3, deletion_cause=cause))
        self._remember()

    @rule(name=POD_NAMES)
    def remove_pod(self, name: str) -> None:
        pod = self.pods.get(name)
        if pod is None or pod.deleting_ms is None:
            return
        with write(self.store) as transaction:
            removed, successors = remove_pods(transaction, [pod])
        assert [gone.uid for gone in removed] == [pod.uid]
        del self.pods[name]
        for successor in successors:
            assert (successor.name, successor.node_name, successor.phase) == (name, None, "Pending")
            self.pods[name] = successor
        follows = pod.on_node_failure == "Reschedule" and pod.deletion_cause != "User" and pod.phase not in FINISHED
        assert bool(successors) == follows
        self._remember()

    @invariant()
    def the_tables_say_what_the_dictionaries_say(self) -> None:
        with self.store.snapshot() as connection:
            assert {node.name: node for node in nodes.all_nodes(connection)} == self.nodes
            there = pods.unbound(connection) + pods.on_nodes(connection, ["node-a", "node-b", "node-c"])
            assert {pod.name: pod for pod in there} == self.pods
            assert use.drifted(connection) == []
        open_placements = {
            row["pod_uid"] for row in made.rows(self.store, schema.placements) if row["ended_ms"] is None
        }
        running = {pod.uid for pod in self.pods.values() if pod.node_name and pod.phase not in FINISHED}
        assert open_placements == running

    def teardown(self) -> None:
        """At the end: every moment of the past is still what it was, and the feed leads from each to the present."""
        if not self.past:
            return
        with self.store.snapshot() as connection:
            for revision, then in self.past.items():
                for resource, documents in then.items():
                    found = history.state_at(connection, revision, resource=resource)
                    assert {row["name"]: row["object"] for row in found} == documents
            _assert_feed_leads_to_the_present(connection, self.past)


def _assert_feed_leads_to_the_present(connection: Any, past: dict[int, dict[str, dict[str, str]]]) -> None:
    newest = past[max(past)]
    for revision, then in past.items():
        known = {(resource, name) for resource, documents in then.items() for name in documents}
        for change in feed.after(connection, revision, resources=["nodes", "pods"]):
            key = (change.resource, change.name)
            assert (key in known) == (change.type != "ADDED"), "ADDED comes first, and only then"
            if change.type == "DELETED":
                known.remove(key)
            else:
                known.add(key)
        assert known == {(resource, name) for resource, documents in newest.items() for name in documents}


def test_the_store_and_a_dictionary_agree(store: Store) -> None:
    class OnThisStore(StoreAndDictionary):
        def __init__(self) -> None:
            super().__init__(store)

    run_state_machine_as_test(OnThisStore, settings=settings(max_examples=25, stateful_step_count=25, deadline=None))
