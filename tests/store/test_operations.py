"""What the API asks for: every rule of every operation, and nothing written when it is refused."""

from typing import Any

import pytest

from kuberklone.errors import AlreadyExists, KuberkloneError, NotFound, Refused
from kuberklone.kinds.node import Node
from kuberklone.kinds.pod import Pod
from kuberklone.store import faults, nodes, operations, pods, schema
from kuberklone.store.database import Store
from kuberklone.store.faults import Fault
from kuberklone.store.operations import (
    Applier,
    CreateNodes,
    CreatePods,
    DeleteNode,
    DeletePod,
    HealNode,
    InjectFault,
    Operation,
    Outcome,
    RestartNode,
)
from kuberklone.store.transaction import write
from tests.store import made


def _apply(store: Store, *wanted: Operation) -> list[Outcome]:
    with write(store) as transaction:
        return Applier().apply(transaction, wanted)


def _one(store: Store, wanted: Operation) -> Node | Pod:
    (outcome,) = _apply(store, wanted)
    assert isinstance(outcome, list), outcome
    (record,) = outcome
    return record


def _faults(store: Store) -> list[Fault]:
    with store.snapshot() as connection:
        return faults.all_faults(connection)


def _told(store: Store) -> list[tuple[str, str, int]]:
    return [(row["type"], row["reason"], row["count"]) for row in made.rows(store, schema.events)]


TERMINATING: dict[str, Any] = {"deleting_ms": 1, "deletion_cause": "User"}
REFUSED: dict[str, tuple[list[Node], Operation, type[KuberkloneError], str]] = {
    "a node's name is taken": (
        [made.node("a")],
        CreateNodes(nodes=(made.node("b"), made.node("a"))),
        AlreadyExists,
        "a node named a exists",
    ),
    "two new nodes of one name": ([], CreateNodes(nodes=(made.node("a"), made.node("a"))), AlreadyExists, "same name"),
    "two new pods of one name": ([], CreatePods(pods=(made.pod("a"), made.pod("a"))), AlreadyExists, "same name"),
    "no such pod": ([], DeletePod(namespace="default", name="x"), NotFound, "no pod named x"),
    "no such node to delete": ([], DeleteNode(name="x"), NotFound, "no node named x"),
    "no such node to restart": ([], RestartNode(name="x"), NotFound, "no node named x"),
    "no such node to fail": ([], InjectFault(name="x", kind="crash", restart=True), NotFound, "no node named x"),
    "no such node to heal": ([], HealNode(name="x"), NotFound, "no node named x"),
    "restart what is being deleted": ([made.node("a", **TERMINATING)], RestartNode(name="a"), Refused, "being deleted"),
    "fail what is being deleted": (
        [made.node("a", **TERMINATING)],
        InjectFault(name="a", kind="freeze", restart=True),
        Refused,
        "being deleted",
    ),
    "heal what is being deleted": ([made.node("a", **TERMINATING)], HealNode(name="a"), Refused, "being deleted"),
    "fail a machine that is not simulated": (
        [made.node("a", provider="docker")],
        InjectFault(name="a", kind="crash", restart=True),
        Refused,
        "simulated nodes only",
    ),
    "heal a healthy node": ([made.node("a")], HealNode(name="a"), Refused, "no injected fault"),
}


@pytest.mark.parametrize(("there", "wanted", "error", "words"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_refused_says_why_and_writes_nothing(
    store: Store, there: list[Node], wanted: Operation, error: type[KuberkloneError], words: str
) -> None:
    made.add_nodes(store, *there)
    before = made.everything(store)
    (outcome,) = _apply(store, wanted)
    assert type(outcome) is error
    assert words in str(outcome)
    assert made.everything(store) == before


def test_nodes_are_added_all_or_none(store: Store) -> None:
    (outcome,) = _apply(store, CreateNodes(nodes=(made.node("a"), made.node("b"))))
    with store.snapshot() as connection:
        assert nodes.all_nodes(connection) == outcome
    assert [row["node_name"] for row in made.rows(store, schema.node_use)] == ["a", "b"]


def test_unnamed_records_are_numbered_from_what_is_there(store: Store) -> None:
    made.add_nodes(store, made.node("node-7"), made.node("node-x"), made.node("node-07a"))
    (outcome,) = _apply(store, CreateNodes(nodes=(made.node(""), made.node("named"), made.node(""))))
    assert isinstance(outcome, list)
    assert [node.name for node in outcome] == ["node-8", "named", "node-9"]
    (outcome,) = _apply(store, CreatePods(pods=(made.pod(""), made.pod(""))))
    assert isinstance(outcome, list)
    assert [pod.name for pod in outcome] == ["pod-1", "pod-2"]


def test_a_machine_of_its_own_is_not_restarted_from_here(store: Store) -> None:
    made.add_nodes(store, made.node("db", provider="external"))
    (outcome,) = _apply(store, RestartNode(name="db"))
    assert isinstance(outcome, Refused)


def test_of_two_requests_for_one_name_the_first_gets_it(store: Store) -> None:
    first, second, other = _apply(
        store,
        CreatePods(pods=(made.pod("a"),)),
        CreatePods(pods=(made.pod("b"), made.pod("a"))),
        CreatePods(pods=(made.pod("b"), made.pod("a", namespace="other"))),
    )
    assert isinstance(second, AlreadyExists)
    assert isinstance(first, list)
    assert isinstance(other, list)
    assert [pod.name for pod in (*first, *other)] == ["a", "b", "a"]
    with store.snapshot() as connection:
        assert sorted(pod.uid for pod in pods.unbound(connection)) == sorted(pod.uid for pod in (*first, *other))


def test_operations_see_what_earlier_ones_of_the_same_transaction_did(store: Store) -> None:
    created, deleted, again, missing = _apply(
        store,
        CreatePods(pods=(made.pod("a"),)),
        DeletePod(namespace="default", name="a"),
        CreatePods(pods=(made.pod("a"),)),
        DeletePod(namespace="default", name="b"),
    )
    assert isinstance(missing, NotFound)
    assert [type(outcome) for outcome in (created, deleted, again)] == [list, list, list]
    assert [row["type"] for row in made.changes(store)] == ["ADDED", "DELETED", "ADDED"]


def test_a_pod_without_a_node_is_deleted_at_once(store: Store) -> None:
    made.add_pods(store, made.pod())
    gone = _one(store, DeletePod(namespace="default", name="pod-1"))
    assert gone.deletion_cause == "User"
    with store.snapshot() as connection:
        assert pods.named(connection, "default", "pod-1") is None


def test_a_bound_pod_is_marked_and_left_to_its_node(store: Store) -> None:
    (node,) = made.add_nodes(store, made.node())
    made.bound_pod(store, node, made.pod(), phase="Running", started_ms=1)
    marked = _one(store, DeletePod(namespace="default", name="pod-1"))
    assert (marked.deletion_cause, marked.deleting_ms is not None) == ("User", True)
    with store.snapshot() as connection:
        assert pods.deleting(connection) == [marked]


def test_deleting_a_pod_twice_writes_once(store: Store) -> None:
    (node,) = made.add_nodes(store, made.node())
    made.bound_pod(store, node, made.pod())
    first = _one(store, DeletePod(namespace="default", name="pod-1"))
    before = made.everything(store)
    assert _one(store, DeletePod(namespace="default", name="pod-1")) == first
    assert made.everything(store) == before


def test_a_persons_deletion_takes_the_place_of_a_failures(store: Store) -> None:
    (node,) = made.add_nodes(store, made.node())
    made.bound_pod(store, node, made.pod(), deleting_ms=5, deletion_cause="NodeUnreachable", deletion_grace_s=30)
    marked = _one(store, DeletePod(namespace="default", name="pod-1"))
    assert isinstance(marked, Pod)
    assert (marked.deletion_cause, marked.deleting_ms, marked.deletion_grace_s) == ("User", 5, 0)


def test_deleting_a_node_marks_it_once(store: Store) -> None:
    made.add_nodes(store, made.node("a"))
    first = _one(store, DeleteNode(name="a"))
    assert (first.deletion_cause, first.deleting_ms is not None) == ("User", True)
    before = made.everything(store)
    assert _one(store, DeleteNode(name="a")) == first
    assert made.everything(store) == before


def test_each_restart_that_is_asked_for_counts(store: Store) -> None:
    made.add_nodes(store, made.node("a"))
    _one(store, RestartNode(name="a"))
    node = _one(store, RestartNode(name="a"))
    assert isinstance(node, Node)
    assert (node.restarts_wanted, node.restarts_done, node.machine) == (2, 0, "Running")


@pytest.mark.parametrize("kind", ["crash", "freeze", "partition", "slow"])
def test_a_fault_is_a_row_that_names_the_boot_it_hit(store: Store, kind: Any) -> None:
    (node,) = made.add_nodes(store, made.node("a"))
    answered = _one(store, InjectFault(name="a", kind=kind, restart=False))
    assert answered == node, "a fault changes only what the simulator sends"
    (fault,) = _faults(store)
    assert (fault.node_uid, fault.kind, fault.restart, fault.boot_id) == (node.uid, kind, False, "boot-1")
    assert _told(store) == [("Warning", "FaultInjected", 1)]


def test_a_node_has_one_fault_at_a_time_the_newest(store: Store) -> None:
    made.add_nodes(store, made.node("a"))
    _apply(store, InjectFault(name="a", kind="freeze", restart=True), InjectFault(name="a", kind="slow", restart=True))
    assert [fault.kind for fault in _faults(store)] == ["slow"]


@pytest.mark.parametrize("kind", ["freeze", "partition", "slow"])
def test_healing_ends_a_fault_that_is_no_crash(store: Store, kind: Any) -> None:
    (node,) = made.add_nodes(store, made.node("a"))
    _one(store, InjectFault(name="a", kind=kind, restart=True))
    assert _one(store, HealNode(name="a")) == node
    assert _faults(store) == []
    assert ("Normal", "FaultHealed", 1) in _told(store)


@pytest.mark.parametrize("wish", [HealNode(name="a"), RestartNode(name="a")], ids=["heal", "restart"])
def test_a_crash_ends_with_a_boot_that_a_person_asks_for(store: Store, wish: Operation) -> None:
    made.add_nodes(store, made.node("a"))
    _one(store, InjectFault(name="a", kind="crash", restart=False))
    node = _one(store, wish)
    assert isinstance(node, Node)
    assert node.restarts_wanted == 1
    assert [(fault.kind, fault.restart) for fault in _faults(store)] == [("crash", True)]


def test_a_restart_does_not_end_other_faults(store: Store) -> None:
    made.add_nodes(store, made.node("a"))
    _one(store, InjectFault(name="a", kind="partition", restart=False))
    _one(store, RestartNode(name="a"))
    assert [(fault.kind, fault.restart) for fault in _faults(store)] == [("partition", False)]


def test_the_same_thing_said_again_raises_a_count(store: Store) -> None:
    made.add_nodes(store, made.node("a"))
    for _ in range(3):
        _apply(store, InjectFault(name="a", kind="freeze", restart=True))
    assert _told(store) == [("Warning", "FaultInjected", 3)]


def test_an_operation_weighs_what_it_writes() -> None:
    assert operations.weight(CreatePods(pods=(made.pod(), made.pod()))) == 2
    assert operations.weight(CreateNodes(nodes=(made.node(),) * 3)) == 3
    assert operations.weight(DeletePod(namespace="default", name="x")) == 1
