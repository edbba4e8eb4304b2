"""Removal: the only end of a pod and the only beginning of its successor."""

from typing import Any

import pytest

from kuberklone.kinds.pod import Pod
from kuberklone.store import evictions, pods, schema, use
from kuberklone.store.database import Store
from kuberklone.store.evictions import Eviction
from kuberklone.store.removal import remove_pods
from kuberklone.store.transaction import write
from tests.store import made


def _remove(store: Store, *gone: Pod) -> tuple[list[Pod], list[Pod]]:
    with write(store) as transaction:
        return remove_pods(transaction, gone)


LOST: dict[str, Any] = {"deleting_ms": 5, "deletion_cause": "NodeUnreachable"}
SUCCESSION: dict[str, tuple[dict[str, Any], bool]] = {
    "node unreachable": ({**LOST}, True),
    "node deleted": ({**LOST, "deletion_cause": "NodeDeleted"}, True),
    "taint": ({**LOST, "deletion_cause": "Taint"}, True),
    "lost while running": ({**LOST, "phase": "Running", "started_ms": 3}, True),
    "deleted by a user": ({**LOST, "deletion_cause": "User"}, False),
    "no cause": ({"deleting_ms": 5}, False),
    "wants to be deleted": ({**LOST, "on_node_failure": "Delete"}, False),
    "has an owner": ({**LOST, "owner_references": '[{"kind":"Job","name":"j"}]'}, False),
    "succeeded before": ({**LOST, "phase": "Succeeded", "finished_ms": 4}, False),
    "failed before": ({**LOST, "phase": "Failed", "finished_ms": 4}, False),
}


@pytest.mark.parametrize(("state", "followed"), SUCCESSION.values(), ids=SUCCESSION.keys())
def test_a_pod_is_followed_by_another_only_when_it_was_lost_and_asks_for_it(
    store: Store, state: dict[str, Any], followed: bool
) -> None:
    (node,) = made.add_nodes(store, made.node())
    pod = made.bound_pod(store, node, made.pod(), **state)
    removed, successors = _remove(store, pod)
    assert [gone.uid for gone in removed] == [pod.uid]
    assert len(successors) == followed
    with store.snapshot() as connection:
        found = pods.named(connection, "default", "pod-1")
    assert found == (successors[0] if followed else None)


def test_a_successor_is_the_same_wish_and_nothing_of_its_past(store: Store) -> None:
    (node,) = made.add_nodes(store, made.node())
    wish: dict[str, Any] = {
        "labels": '{"app":"web"}',
        "annotations": '{"kuberklone.io/on-node-failure":"Reschedule"}',
        "spec": '{"nodeSelector":{"zone":"a"}}',
        "priority": 7,
        "start_delay_ms": 1,
        "run_ms": 2,
        "planned_exit_code": 3,
    }
    pod = made.bound_pod(
        store, node, made.pod(**wish), phase="Running", started_ms=4, pod_ip="10.0.0.1", status='{"x":1}', **LOST
    )
    _, (successor,) = _remove(store, pod)
    assert successor.uid != pod.uid
    assert {name: getattr(successor, name) for name in wish} == wish
    assert (successor.namespace, successor.name, successor.shape) == (pod.namespace, pod.name, pod.shape)
    assert (successor.cpu_millis, successor.memory_bytes) == (pod.cpu_millis, pod.memory_bytes)
    fresh = Pod(uid="", name="")
    past = ("node_name", "bound_ms", "phase", "started_ms", "pod_ip", "status", "deleting_ms", "deletion_cause")
    assert {name: getattr(successor, name) for name in past} == {name: getattr(fresh, name) for name in past}


def test_watchers_see_the_old_one_go_and_then_the_new_one_come(store: Store) -> None:
    (node,) = made.add_nodes(store, made.node())
    lost = [made.bound_pod(store, node, made.pod(f"pod-{number}"), **LOST) for number in range(2)]
    before = made.head(store)
    removed, successors = _remove(store, *lost)
    told = [(row["type"], row["uid"]) for row in made.changes(store) if row["revision"] > before]
    assert told == [("DELETED", pod.uid) for pod in removed] + [("ADDED", pod.uid) for pod in successors]
    assert len({row["transaction_id"] for row in made.changes(store) if row["revision"] > before}) == 1


@pytest.mark.parametrize("cause", ["User", "NodeUnreachable", "NodeDeleted", "Taint"])
def test_the_placement_ends_with_the_cause(store: Store, cause: str) -> None:
    (node,) = made.add_nodes(store, made.node())
    pod = made.bound_pod(store, node, made.pod(), deleting_ms=5, deletion_cause=cause)
    with write(store) as transaction:
        remove_pods(transaction, [pod])
        now_ms = transaction.now_ms
    (placement,) = made.rows(store, schema.placements)
    assert (placement["ended_ms"], placement["why_ended"]) == (now_ms, cause)


def test_a_placement_that_ended_by_finishing_keeps_its_end(store: Store) -> None:
    (node,) = made.add_nodes(store, made.node())
    pod = made.bound_pod(store, node, made.pod(), phase="Succeeded", finished_ms=5)
    (ended,) = made.rows(store, schema.placements)
    _remove(store, made.change_pod(store, pod, deleting_ms=6, deletion_cause="User"))
    assert made.rows(store, schema.placements) == [ended]
    assert ended["why_ended"] == "Succeeded"


def test_room_is_given_back_and_the_countdown_is_gone(store: Store) -> None:
    (node,) = made.add_nodes(store, made.node())
    first = made.bound_pod(store, node, made.pod("pod-1"), **LOST)
    second = made.bound_pod(store, node, made.pod("pod-2"))
    with write(store) as transaction:
        evictions.put(
            transaction.connection,
            [Eviction(pod_uid=pod.uid, node_name="node-1", due_ms=5, cause="Taint") for pod in (first, second)],
        )
    _remove(store, first)
    with store.snapshot() as connection:
        assert [row.pod_uid for row in evictions.all_evictions(connection)] == [second.uid]
        assert use.drifted(connection) == []
    (row,) = made.rows(store, schema.node_use)
    assert (row["cpu_millis"], row["pods"]) == (1000, 1)


def test_a_pod_that_changed_since_it_was_read_stays_and_nothing_follows(store: Store) -> None:
    (node,) = made.add_nodes(store, made.node())
    read = made.bound_pod(store, node, made.pod(), **LOST)
    newer = made.change_pod(store, read, deletion_cause="User")
    before = made.everything(store)
    assert _remove(store, read) == ([], [])
    assert made.everything(store) == before
    assert _remove(store, newer)[1] == []


def test_a_pod_is_removed_once_whoever_else_tries(store: Store) -> None:
    (node,) = made.add_nodes(store, made.node())
    lost = made.bound_pod(store, node, made.pod(), **LOST)
    _, (successor,) = _remove(store, lost)
    assert _remove(store, lost) == ([], [])
    with store.snapshot() as connection:
        assert pods.unbound(connection) == [successor]


def test_a_successor_can_be_lost_again(store: Store) -> None:
    (node,) = made.add_nodes(store, made.node())
    uids = []
    pod = made.add_pods(store, made.pod())[0]
    for _ in range(3):
        uids.append(pod.uid)
        (bound,) = made.bind(store, node, [pod])
        _, (pod,) = _remove(store, made.change_pod(store, bound, **LOST))
    assert len({*uids, pod.uid}) == 4
    assert [row["why_ended"] for row in made.rows(store, schema.placements)] == ["NodeUnreachable"] * 3
