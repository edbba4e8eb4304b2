"""Asking for a deletion: what goes at once, what is marked, and what holds it."""

from typing import Any

import msgspec
import pytest

from kuberklone.kinds.objects.v1 import config_map, namespace
from kuberklone.kinds.pod import Pod
from kuberklone.kinds.stored_object import StoredObject
from kuberklone.store import deletion, records, schema
from kuberklone.store.database import Store
from kuberklone.store.deletion import FOREGROUND, ORPHAN
from kuberklone.store.records import NAMESPACES, NODES, PODS, TableOf, table_of
from kuberklone.store.transaction import write
from tests.store import made

CONFIG_MAPS = table_of(config_map.KIND)


def _config_map(store: Store, **columns: Any) -> StoredObject:
    wanted = StoredObject(uid=made.uid(), name="map", namespace="default", **columns)
    with write(store) as transaction:
        return records.insert(transaction, CONFIG_MAPS, [wanted])[0]


def _delete(store: Store, table: TableOf[Any], record: Any, **how: Any) -> Any:
    with write(store) as transaction:
        (found,) = deletion.delete(transaction, table, [record], **how)
    return found


def _there(store: Store, table: TableOf[Any], record: Any) -> Any:
    with store.snapshot() as connection:
        return next((each for each in table.read(connection) if each.uid == record.uid), None)


def test_what_nobody_holds_goes_at_once_and_its_last_state_says_why(store: Store) -> None:
    record = _config_map(store)
    gone = _delete(store, CONFIG_MAPS, record, cause="OwnerDeleted")
    assert _there(store, CONFIG_MAPS, record) is None
    assert gone.deletion_cause == "OwnerDeleted"
    last = max(made.rows(store, schema.changes), key=lambda row: row["revision"])
    assert (last["type"], last["uid"]) == ("DELETED", record.uid)


def test_what_has_a_finalizer_is_marked_and_goes_with_the_last_one(store: Store) -> None:
    record = _config_map(store, finalizers='["example.com/wait"]', generation=3)
    marked = _delete(store, CONFIG_MAPS, record)
    assert (marked.deleting_ms is not None, marked.generation) == (True, 4)
    with write(store) as transaction:
        freed = msgspec.structs.replace(marked, finalizers="[]")
        written = records.update(transaction, CONFIG_MAPS, [records.Update(marked, freed)], ("finalizers",))
        deletion.release(transaction, CONFIG_MAPS, written)
    assert _there(store, CONFIG_MAPS, record) is None


@pytest.mark.parametrize(("propagation", "finalizer"), [("Foreground", FOREGROUND), ("Orphan", ORPHAN)])
def test_the_way_of_deletion_is_a_finalizer(store: Store, propagation: str, finalizer: str) -> None:
    record = _config_map(store, finalizers='["example.com/wait"]')
    marked = _delete(store, CONFIG_MAPS, record, propagation=propagation)
    assert msgspec.json.decode(marked.finalizers) == ["example.com/wait", finalizer]


def test_somebody_who_does_not_want_to_wait_any_more_need_not(store: Store) -> None:
    record = _config_map(store)
    waiting = _delete(store, CONFIG_MAPS, record, propagation="Foreground")
    _delete(store, CONFIG_MAPS, waiting, propagation="Background")
    assert _there(store, CONFIG_MAPS, record) is None


def test_who_says_nothing_of_the_way_leaves_it_as_it_was_said(store: Store) -> None:
    record = _config_map(store)
    waiting = _delete(store, CONFIG_MAPS, record, propagation="Foreground")
    assert _delete(store, CONFIG_MAPS, waiting) == waiting
    assert _there(store, CONFIG_MAPS, record) == waiting


def test_asking_twice_changes_nothing(store: Store) -> None:
    record = _config_map(store, finalizers='["example.com/wait"]')
    marked = _delete(store, CONFIG_MAPS, record)
    before = made.everything(store)
    assert _delete(store, CONFIG_MAPS, marked) == marked
    after = made.everything(store)
    assert {name: rows for name, rows in after.items() if name != "cluster"} == {
        name: rows for name, rows in before.items() if name != "cluster"
    }


def test_what_changed_since_it_was_read_is_left_alone(store: Store) -> None:
    record = _config_map(store)
    stale = msgspec.structs.replace(record, revision=record.revision - 1)
    with write(store) as transaction:
        assert deletion.delete(transaction, CONFIG_MAPS, [stale]) == []
    assert _there(store, CONFIG_MAPS, record) == record


def test_a_namespace_is_terminating_until_it_is_empty(store: Store) -> None:
    with write(store) as transaction:
        (record,) = records.insert(transaction, NAMESPACES, [namespace.named("mine", uid=made.uid())])
    marked = _delete(store, NAMESPACES, record)
    assert msgspec.json.decode(marked.status)["phase"] == "Terminating"
    assert _there(store, NAMESPACES, record) == marked
    with write(store) as transaction:
        emptied = msgspec.structs.replace(marked, spec='{"finalizers":[]}')
        written = records.update(transaction, NAMESPACES, [records.Update(marked, emptied)], ("spec",))
        deletion.release(transaction, NAMESPACES, written)
    assert _there(store, NAMESPACES, record) is None


def test_a_node_is_marked_for_its_controller_takes_its_machine_away(store: Store) -> None:
    (node,) = made.add_nodes(store, made.node())
    assert _delete(store, NODES, node).deleting_ms is not None
    assert _there(store, NODES, node) is not None


# -------------------------------------------------------------------------------------------------------------- pods


def _bound(store: Store, *, ready: str = "True", **columns: Any) -> Pod:
    (node,) = made.add_nodes(store, made.node(ready=ready))
    return made.bound_pod(store, node, made.pod(spec='{"terminationGracePeriodSeconds":7}'), **columns)


def test_a_pod_without_a_node_goes_at_once(store: Store) -> None:
    (pod,) = made.add_pods(store, made.pod())
    _delete(store, PODS, pod)
    assert _there(store, PODS, pod) is None


@pytest.mark.parametrize(("given", "expected"), [(None, 7), (3, 3), (60, 60)])
def test_a_pod_on_a_node_is_given_the_time_that_it_or_somebody_says(
    store: Store, given: int | None, expected: int
) -> None:
    marked = _delete(store, PODS, _bound(store), grace_s=given)
    assert (marked.deletion_grace_s, _there(store, PODS, marked)) == (expected, marked)


def test_the_time_is_only_ever_made_shorter(store: Store) -> None:
    marked = _delete(store, PODS, _bound(store))
    shorter = _delete(store, PODS, marked, grace_s=2)
    assert shorter.deletion_grace_s == 2
    assert _delete(store, PODS, shorter, grace_s=50).deletion_grace_s == 2


def test_a_pod_given_up_at_once_on_a_silent_node_goes_and_one_on_a_ready_node_is_its_agents(store: Store) -> None:
    waiting = _delete(store, PODS, _bound(store), grace_s=0)
    assert _there(store, PODS, waiting) == waiting
    with store.snapshot() as connection:
        (node,) = NODES.read(connection)
    made.change_node(store, node, ready="Unknown")
    _delete(store, PODS, waiting, grace_s=0)
    assert _there(store, PODS, waiting) is None


def test_a_person_who_deletes_what_a_node_lost_gets_no_successor(store: Store) -> None:
    lost = _bound(store, deleting_ms=5, deletion_cause="NodeUnreachable", deletion_grace_s=0)
    assert _delete(store, PODS, lost).deletion_cause == "User"
