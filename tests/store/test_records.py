"""Records and their log: what was read is what is changed, and every change is told."""

import json

import msgspec
import pytest
from sqlalchemy.exc import IntegrityError

from kuberklone.kinds import node_document, pod_document
from kuberklone.store import nodes, pods, records, schema
from kuberklone.store.database import Store
from kuberklone.store.records import PODS, Update
from kuberklone.store.transaction import INCARNATION_SPAN, write
from tests.store import made


def test_inserted_records_come_back_with_revision_and_time(store: Store) -> None:
    with write(store, reserve=2) as transaction:
        written = nodes.create(transaction, [made.node("node-1"), made.node("node-2")])
        now_ms = transaction.now_ms
    with store.snapshot() as connection:
        assert nodes.all_nodes(connection) == written
    assert [node.created_ms for node in written] == [now_ms, now_ms]
    assert written[1].revision == written[0].revision + 1
    assert written[0].revision // INCARNATION_SPAN == 1


def test_every_column_survives_a_round_trip(store: Store) -> None:
    full = made.pod(
        "full",
        namespace="other",
        generation=3,
        labels='{"zone":"a"}',
        annotations='{"note":"x"}',
        finalizers='["keep"]',
        owner_references='[{"kind":"Job"}]',
        managed_fields='[{"manager":"kubectl"}]',
        deleting_ms=5,
        deletion_cause="Taint",
        spec='{"nodeSelector":{"zone":"a"}}',
        status='{"qosClass":"Burstable"}',
        node_name="node-9",
        bound_ms=6,
        phase="Failed",
        reason="Error",
        message="it ended",
        pod_ip="10.0.0.1",
        started_ms=7,
        finished_ms=8,
        exit_code=9,
        deletion_grace_s=10,
        cpu_millis=250,
        memory_bytes=2**40,
        priority=-5,
        start_delay_ms=11,
        run_ms=12,
        planned_exit_code=13,
    )
    (written,) = made.add_pods(store, full)
    with store.snapshot() as connection:
        assert pods.named(connection, "other", "full") == written
    same = {name: getattr(written, name) for name in PODS.columns if name not in {"revision", "created_ms"}}
    assert same == {name: getattr(full, name) for name in same}


RAW = {
    "spaces and order": '{ "b" : 1,\n  "a" : [ 1.0, 1e3 ] }',
    "quotes and backslashes": r'{"text":"say \"hi\" \\ \/ \u00e9 \t"}',
    "letters of the world": '{"text":"größe 東京 🦊"}',
    "numbers as written": '{"cpu":0.50,"big":12345678901234567890,"small":-0.0}',
    "an escaped zero": r'{"text":"a\u0000b"}',
    "percent and colon": '{"text":"100 % :rows ?"}',
}


@pytest.mark.parametrize("raw", RAW.values(), ids=RAW.keys())
def test_raw_sections_are_kept_byte_for_byte(store: Store, raw: str) -> None:
    made.add_nodes(store, made.node(annotations=raw, spec=raw))
    with store.snapshot() as connection:
        (node,) = nodes.named(connection, ["node-1"])
    assert (node.annotations, node.spec) == (raw, raw)
    assert raw[1:-1] in made.changes(store)[0]["object"]


def test_an_update_writes_the_named_columns_of_the_named_records_only(store: Store) -> None:
    first, second = made.add_pods(store, made.pod("pod-1"), made.pod("pod-2"))
    changed = made.change_pod(store, first, labels='{"zone":"a"}')
    with store.snapshot() as connection:
        assert pods.with_uids(connection, [first.uid]) == [changed]
        assert pods.with_uids(connection, [second.uid]) == [second]
    assert changed == msgspec.structs.replace(first, labels='{"zone":"a"}', revision=changed.revision)
    assert changed.revision > second.revision


def test_a_record_that_changed_since_it_was_read_is_left_alone(store: Store) -> None:
    read, other = made.add_pods(store, made.pod("pod-1"), made.pod("pod-2"))
    newer = made.change_pod(store, read, labels='{"by":"somebody"}')
    with write(store, reserve=2) as transaction:
        written = pods.update(
            transaction,
            [Update(pod, msgspec.structs.replace(pod, labels='{"by":"me"}')) for pod in (read, other)],
            ("labels",),
        )
    assert [pod.uid for pod in written] == [other.uid]
    with store.snapshot() as connection:
        assert pods.with_uids(connection, [read.uid]) == [newer]
    assert [row["name"] for row in made.changes(store)] == ["pod-1", "pod-2", "pod-1", "pod-2"]


def test_a_record_that_changed_since_it_was_read_is_not_removed(store: Store) -> None:
    read, other = made.add_pods(store, made.pod("pod-1"), made.pod("pod-2"))
    newer = made.change_pod(store, read, labels='{"by":"somebody"}')
    with write(store) as transaction:
        gone = records.delete(transaction, PODS, [read, other])
    assert [pod.uid for pod in gone] == [other.uid]
    with store.snapshot() as connection:
        assert PODS.read(connection) == [newer]


def test_a_record_that_is_gone_is_neither_changed_nor_removed_again(store: Store) -> None:
    (pod,) = made.add_pods(store, made.pod())
    with write(store) as transaction:
        assert len(records.delete(transaction, PODS, [pod])) == 1
    log = made.changes(store)
    with write(store) as transaction:
        assert records.delete(transaction, PODS, [pod]) == []
        assert pods.update(transaction, [Update(pod, pod)], ("labels",)) == []
    assert made.changes(store) == log


def test_nothing_to_write_takes_no_revision(store: Store) -> None:
    before = made.head(store)
    with write(store) as transaction:
        assert pods.create(transaction, []) == []
        assert pods.update(transaction, [], ("labels",)) == []
        assert records.delete(transaction, PODS, []) == []
    assert made.head(store) == before


def test_the_log_tells_added_modified_and_deleted_with_the_object_after_it(store: Store) -> None:
    (pod,) = made.add_pods(store, made.pod(labels='{"v":"1"}'))
    changed = made.change_pod(store, pod, labels='{"v":"2"}')
    with write(store, writer="somebody") as transaction:
        (gone,) = records.delete(transaction, PODS, [changed])
        txid = transaction.txid
    added, modified, deleted = made.changes(store)
    assert [row["type"] for row in (added, modified, deleted)] == ["ADDED", "MODIFIED", "DELETED"]
    assert [row["revision"] for row in (added, modified, deleted)] == [pod.revision, changed.revision, gone.revision]
    assert added["object"] == pod_document.document(pod)
    assert modified["object"] == pod_document.document(changed)
    assert deleted["object"] == pod_document.document(changed)
    assert (added["writer"], deleted["writer"], deleted["transaction_id"]) == ("test", "somebody", txid)
    assert (added["api_group"], added["api_version"], added["namespace"]) == ("", "v1", "default")


def test_the_log_holds_valid_documents_without_a_resource_version(store: Store) -> None:
    (node,) = made.add_nodes(store, made.node(labels='{"zone":"a"}', taints='[{"key":"k","effect":"NoSchedule"}]'))
    pod = made.bound_pod(store, node, made.pod(), phase="Failed", message='it said "no"\n', exit_code=3, finished_ms=9)
    made.change_pod(store, pod, deleting_ms=5, deletion_cause="Taint", deletion_grace_s=30)
    log = made.changes(store)
    assert len(log) == 5
    for row in log:
        document = json.loads(row["object"])
        assert "resourceVersion" not in document["metadata"]
        assert document["metadata"]["uid"] == row["uid"]
        assert document["kind"] == {"nodes": "Node", "pods": "Pod"}[row["resource"]]


def test_the_log_keeps_previous_labels_and_selectable_fields_only_where_they_changed(store: Store) -> None:
    (node,) = made.add_nodes(store, made.node())
    (pod,) = made.bind(store, node, made.add_pods(store, made.pod(labels='{"v":"1"}')))
    pod = made.change_pod(store, pod, phase="Running", started_ms=1)
    pod = made.change_pod(store, pod, labels='{"v":"2"}')
    pod = made.change_pod(store, pod, annotations='{"a":"b"}')
    made.change_pod(store, pod, phase="Succeeded", pod_ip="10.0.0.7", labels="{}", finished_ms=1)
    made.change_node(store, node, unschedulable=True)
    previous = [row["previous"] for row in made.changes(store)]
    assert [None if text is None else json.loads(text) for text in previous] == [
        None,
        None,
        {"fields": {"spec.nodeName": ""}},
        {"fields": {"status.phase": "Pending"}},
        {"labels": {"v": "1"}},
        None,
        {"labels": {"v": "2"}, "fields": {"status.phase": "Running", "status.podIP": ""}},
        {"fields": {"spec.unschedulable": "false"}},
    ]


def test_two_records_of_one_name_cannot_exist(store: Store) -> None:
    made.add_pods(store, made.pod("pod-1"))
    made.add_pods(store, made.pod("pod-1", namespace="other"))
    before = made.everything(store)
    with pytest.raises(IntegrityError):
        made.add_pods(store, made.pod("pod-2"), made.pod("pod-1"))
    assert made.everything(store) == before


def test_an_exception_in_the_block_writes_nothing(store: Store) -> None:
    before, revision = made.everything(store), made.head(store)

    def fail_half_way() -> None:
        with write(store, reserve=1) as transaction:
            nodes.create(transaction, [made.node()])
            raise KeyError

    with pytest.raises(KeyError):
        fail_half_way()
    assert made.everything(store) == before
    assert made.head(store) == revision


def test_the_log_alone_gives_the_present_state(store: Store) -> None:
    first, _second = made.add_nodes(store, made.node("node-1"), made.node("node-2"))
    changed = made.change_node(store, first, labels='{"zone":"a"}')
    with store.snapshot() as connection:
        kept = {node.name: node_document.document(node) for node in nodes.all_nodes(connection)}
    assert kept["node-1"] == node_document.document(changed)
    assert {
        row["name"]: row["object"] for row in made.rows(store, schema.changes) if row["resource"] == "nodes"
    } == kept
