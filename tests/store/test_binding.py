"""Binding: never beyond what a node has, never on what is no longer true."""

import threading
from collections.abc import Sequence
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kuberklone.kinds.node import Node
from kuberklone.kinds.pod import Pod
from kuberklone.store import binding, nodes, pods, records, schema, use
from kuberklone.store.binding import Binding
from kuberklone.store.database import Store
from kuberklone.store.records import PODS
from kuberklone.store.removal import remove_pods
from kuberklone.store.transaction import write
from tests.store import made
from tests.store.conftest import OpenStore

_prefixes = count(1)


def _use(store: Store, node: Node) -> tuple[int, int, int]:
    (row,) = [row for row in made.rows(store, schema.node_use) if row["node_name"] == node.name]
    return row["cpu_millis"], row["memory_bytes"], row["pods"]


def _drift(store: Store) -> list[dict[str, object]]:
    with store.snapshot() as connection:
        return use.drifted(connection)


def test_a_bound_pod_has_its_node_its_time_and_a_placement(store: Store) -> None:
    (node,) = made.add_nodes(store, made.node())
    (pod,) = made.add_pods(store, made.pod())
    with write(store, reserve=1) as transaction:
        (bound,) = binding.bind(transaction, [Binding(pod=pod, node_name="node-1", node_revision=node.revision)])
        now_ms = transaction.now_ms
    with store.snapshot() as connection:
        assert pods.named(connection, "default", "pod-1") == bound
    assert (bound.node_name, bound.bound_ms) == ("node-1", now_ms)
    assert _use(store, node) == (1000, 2**20, 1)
    assert made.rows(store, schema.placements) == [
        {
            "pod_uid": pod.uid,
            "namespace": "default",
            "name": "pod-1",
            "node_name": "node-1",
            "bound_ms": now_ms,
            "ended_ms": None,
            "why_ended": None,
        }
    ]


FITS = {
    "exactly full": ({"cpu_millis": 4000}, True),
    "one milli too much": ({"cpu_millis": 4001}, False),
    "exactly all memory": ({"memory_bytes": 8 * 2**30}, True),
    "one byte too much": ({"memory_bytes": 8 * 2**30 + 1}, False),
}


@pytest.mark.parametrize(("wants", "fits"), FITS.values(), ids=FITS.keys())
def test_a_node_gives_what_it_has_and_not_more(store: Store, wants: dict[str, Any], fits: bool) -> None:
    (node,) = made.add_nodes(store, made.node(cpu_millis=4000, memory_bytes=8 * 2**30))
    bound = made.bind(store, node, made.add_pods(store, made.pod(**wants)))
    assert len(bound) == fits
    assert _drift(store) == []


def test_a_node_takes_no_more_pods_than_it_may(store: Store) -> None:
    (node,) = made.add_nodes(store, made.node(pods_max=2))
    wanted = made.add_pods(store, *(made.pod(f"pod-{number}", cpu_millis=0) for number in range(3)))
    assert len(made.bind(store, node, wanted[:2])) == 2
    assert made.bind(store, node, wanted[2:]) == []


def test_a_pod_that_wants_nothing_fits_a_node_that_is_overfull(store: Store) -> None:
    (node,) = made.add_nodes(store, made.node(cpu_millis=1000))
    made.bound_pod(store, node, made.pod("pod-1", cpu_millis=1000))
    node = made.change_node(store, node, cpu_millis=500)
    (light, heavy) = made.add_pods(store, made.pod("light", cpu_millis=0), made.pod("heavy", cpu_millis=1))
    assert [pod.name for pod in made.bind(store, node, [light])] == ["light"]
    assert made.bind(store, node, [heavy]) == []


def test_pods_that_do_not_fit_together_leave_other_nodes_pods_alone(store: Store) -> None:
    small, large = made.add_nodes(store, made.node("small", cpu_millis=1000), made.node("large", cpu_millis=2000))
    wanted = made.add_pods(store, *(made.pod(f"pod-{number}") for number in range(4)))
    with write(store, reserve=4) as transaction:
        bound = binding.bind(
            transaction,
            [
                Binding(pod=pod, node_name=node.name, node_revision=node.revision)
                for pod, node in zip(wanted, (small, large, large, small), strict=True)
            ],
        )
    assert [pod.name for pod in bound] == ["pod-1", "pod-2"]
    assert (_use(store, small), _use(store, large)) == ((0, 0, 0), (2000, 2**21, 2))


NODE_CHANGES = {
    "cordoned": {"unschedulable": True},
    "tainted": {"taints": '[{"key":"k","effect":"NoSchedule"}]'},
    "being deleted": {"deleting_ms": 1, "deletion_cause": "User"},
    "gone silent": {"ready": "Unknown", "ready_reason": "NodeStatusUnknown"},
}


@pytest.mark.parametrize("change", NODE_CHANGES.values(), ids=NODE_CHANGES.keys())
def test_a_node_that_changed_since_the_decision_takes_no_pod(store: Store, change: dict[str, Any]) -> None:
    (read,) = made.add_nodes(store, made.node())
    wanted = made.add_pods(store, made.pod())
    changed = made.change_node(store, read, **change)
    assert made.bind(store, read, wanted) == []
    assert _use(store, read) == (0, 0, 0)
    assert made.rows(store, schema.placements) == []
    assert len(made.bind(store, changed, wanted)) == 1  # who decides on what is there now may bind


def test_one_stale_decision_about_a_node_spoils_all_of_its_batch(store: Store) -> None:
    (read,) = made.add_nodes(store, made.node())
    first, second = made.add_pods(store, made.pod("pod-1"), made.pod("pod-2"))
    cordoned = made.change_node(store, read, unschedulable=True)
    with write(store, reserve=2) as transaction:
        bound = binding.bind(
            transaction,
            [
                Binding(pod=first, node_name=read.name, node_revision=read.revision),
                Binding(pod=second, node_name=read.name, node_revision=cordoned.revision),
            ],
        )
    assert bound == []


def test_a_node_that_is_gone_takes_no_pod(store: Store) -> None:
    (node,) = made.add_nodes(store, made.node())
    wanted = made.add_pods(store, made.pod())
    with write(store) as transaction:
        nodes.delete(transaction, [node])
    assert made.bind(store, node, wanted) == []


def test_a_pod_that_changed_since_the_decision_loses_and_its_room_is_given_back(store: Store) -> None:
    (node,) = made.add_nodes(store, made.node())
    read, other = made.add_pods(store, made.pod("pod-1"), made.pod("pod-2"))
    made.change_pod(store, read, priority=7)
    assert [pod.name for pod in made.bind(store, node, [read, other])] == ["pod-2"]
    assert _use(store, node) == (1000, 2**20, 1)
    assert _drift(store) == []
    assert [row["name"] for row in made.rows(store, schema.placements)] == ["pod-2"]


def test_a_pod_deleted_meanwhile_loses_and_its_room_is_given_back(store: Store) -> None:
    (node,) = made.add_nodes(store, made.node())
    read, other = made.add_pods(store, made.pod("pod-1"), made.pod("pod-2"))
    with write(store) as transaction:
        records.delete(transaction, PODS, [read])
    assert [pod.name for pod in made.bind(store, node, [read, other])] == ["pod-2"]
    assert _use(store, node) == (1000, 2**20, 1)
    assert _drift(store) == []


def test_a_pod_is_bound_once(store: Store) -> None:
    first, second = made.add_nodes(store, made.node("node-1"), made.node("node-2"))
    wanted = made.add_pods(store, made.pod())
    assert len(made.bind(store, first, wanted)) == 1
    assert made.bind(store, second, wanted) == []
    assert (_use(store, first), _use(store, second)) == ((1000, 2**20, 1), (0, 0, 0))


@pytest.mark.parametrize("phase", ["Succeeded", "Failed"])
def test_a_pod_that_finishes_gives_its_room_back_once(store: Store, phase: str) -> None:
    (node,) = made.add_nodes(store, made.node())
    pod = made.bound_pod(store, node, made.pod(), phase=phase, finished_ms=1)
    assert _use(store, node) == (0, 0, 0)
    assert [row["why_ended"] for row in made.rows(store, schema.placements)] == [phase]
    made.change_pod(store, pod, labels='{"a":"b"}')
    with write(store) as transaction:
        (kept,) = pods.with_uids(transaction.connection, [pod.uid])
        remove_pods(transaction, [kept])
    assert _use(store, node) == (0, 0, 0)
    assert _drift(store) == []


def test_a_finished_pod_that_is_written_again_gives_nothing_back_twice(store: Store) -> None:
    (node,) = made.add_nodes(store, made.node())
    made.bound_pod(store, node, made.pod("pod-1"))
    pod = made.bound_pod(store, node, made.pod("pod-2"), phase="Succeeded", finished_ms=1)
    made.change_pod(store, pod, phase="Failed", reason="Corrected")
    assert _use(store, node) == (1000, 2**20, 1)
    assert _drift(store) == []


def test_whoever_follows_the_use_of_nodes_sees_every_change_of_it(store: Store) -> None:
    (node,) = made.add_nodes(store, made.node())
    (pod,) = made.add_pods(store, made.pod())
    seen = made.head(store)
    with write(store) as transaction:  # without reserving any revision
        binding.bind(transaction, [Binding(pod=pod, node_name=node.name, node_revision=node.revision)])
    with store.snapshot() as connection:
        ((name, cpu, _, _, revision),) = use.changed_since(connection, seen)
    assert (name, cpu) == ("node-1", 1000)
    assert seen < revision <= made.head(store)
    seen = made.head(store)
    with write(store) as transaction:
        (bound,) = pods.with_uids(transaction.connection, [pod.uid])
        remove_pods(transaction, [bound])
    with store.snapshot() as connection:
        assert [row[1] for row in use.changed_since(connection, seen)] == [0]


_AMOUNTS = st.integers(0, 4)
_NODES = st.lists(st.tuples(st.integers(1, 6), st.integers(1, 6), st.integers(0, 3)), min_size=1, max_size=4)
_PODS = st.lists(st.tuples(_AMOUNTS, _AMOUNTS), min_size=1, max_size=10)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(sizes=_NODES, wants=_PODS, data=st.data())
def test_no_node_is_ever_given_more_than_it_has(
    store: Store, sizes: list[tuple[int, int, int]], wants: list[tuple[int, int]], data: st.DataObject
) -> None:
    prefix = next(_prefixes)
    there = made.add_nodes(
        store,
        *(
            made.node(f"node-{prefix}-{number}", cpu_millis=cpu, memory_bytes=memory, pods_max=pods_max)
            for number, (cpu, memory, pods_max) in enumerate(sizes)
        ),
    )
    waiting = made.add_pods(
        store,
        *(
            made.pod(f"pod-{prefix}-{number}", cpu_millis=cpu, memory_bytes=memory)
            for number, (cpu, memory) in enumerate(wants)
        ),
    )
    # Several binders decided on the same reading: whatever they chose, only what fits may come about.
    choice = st.lists(st.tuples(st.sampled_from(waiting), st.sampled_from(there)), unique_by=lambda pair: pair[0].uid)
    for chosen in data.draw(st.lists(choice, min_size=1, max_size=4)):
        with write(store, reserve=len(chosen)) as transaction:
            binding.bind(
                transaction,
                [Binding(pod=pod, node_name=node.name, node_revision=node.revision) for pod, node in chosen],
            )
    _assert_within_capacity(store, there)


def test_binders_at_the_same_time_share_the_nodes_without_overfilling_any(open_store: OpenStore) -> None:
    store = open_store()
    there = made.add_nodes(store, *(made.node(f"node-{number}", cpu_millis=3000) for number in range(4)))
    waiting = made.add_pods(store, *(made.pod(f"pod-{number}") for number in range(30)))
    bound: list[str] = []

    def bind_all(own: Store, order: Sequence[Pod]) -> None:
        for number, pod in enumerate(order):
            bound.extend(each.uid for each in made.bind(own, there[number % len(there)], [pod]))

    threads = [
        threading.Thread(target=bind_all, args=(open_store(), waiting)),
        threading.Thread(target=bind_all, args=(open_store(), waiting[::-1])),
        threading.Thread(target=bind_all, args=(open_store(), waiting[15:] + waiting[:15])),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(bound) == len(set(bound)) == 12
    _assert_within_capacity(store, there)


def _assert_within_capacity(store: Store, there: Sequence[Node]) -> None:
    with store.snapshot() as connection:
        placed = pods.on_nodes(connection, [node.name for node in there])
    for node in there:
        here = [pod for pod in placed if pod.node_name == node.name]
        assert sum(pod.cpu_millis for pod in here) <= node.cpu_millis
        assert sum(pod.memory_bytes for pod in here) <= node.memory_bytes
        assert len(here) <= node.pods_max
    assert _drift(store) == []
