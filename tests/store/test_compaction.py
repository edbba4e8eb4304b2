"""Compaction: what is left still answers for every revision that may be asked for."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from kuberklone.errors import CursorExpired
from kuberklone.store import compaction, decisions, feed, history, schema
from kuberklone.store.database import Store, database_file
from kuberklone.store.decisions import Decision
from kuberklone.store.records import PODS, Update, delete, update
from kuberklone.store.transaction import write
from tests.store import made


def _state(store: Store, revision: int) -> dict[str, str]:
    with store.snapshot() as connection:
        return {row["name"]: row["object"] for row in history.state_at(connection, revision, resource="pods")}


def _compact(store: Store, upto: int) -> int:
    """As the garbage controller does it: the watermark first, then batch by batch; how many rows went."""
    with write(store) as transaction:
        compaction.raise_watch_from(transaction, upto)
    gone = after = 0
    while True:
        with store.snapshot() as connection:
            doomed = compaction.superfluous(connection, after=after, upto=upto)
        if not doomed:
            return gone
        with write(store) as transaction:
            compaction.delete_changes(transaction, doomed, upto=upto)
        gone += len(doomed)
        after = doomed[-1]


def _rows(store: Store) -> list[tuple[str, str]]:
    return [(row["name"], row["type"]) for row in made.changes(store)]


def test_of_each_object_its_newest_row_stays(store: Store) -> None:
    first, second = made.add_pods(store, made.pod("pod-1"), made.pod("pod-2"))
    for number in range(3):
        first = made.change_pod(store, first, labels=f'{{"v":"{number}"}}')
    cut = made.head(store)
    before = _state(store, cut)
    assert _compact(store, cut) == 3
    assert _state(store, cut) == before
    assert [row["revision"] for row in made.changes(store)] == [second.revision, first.revision]


def test_what_was_deleted_before_the_cut_leaves_nothing(store: Store) -> None:
    (pod, _) = made.add_pods(store, made.pod("pod-1"), made.pod("pod-2"))
    with write(store) as transaction:
        delete(transaction, PODS, [pod])
    _compact(store, made.head(store))
    assert _rows(store) == [("pod-2", "ADDED")]


def test_what_came_again_under_the_same_name_stays(store: Store) -> None:
    (pod,) = made.add_pods(store, made.pod("pod-1"))
    with write(store) as transaction:
        delete(transaction, PODS, [pod])
    (again,) = made.add_pods(store, made.pod("pod-1"))
    _compact(store, made.head(store))
    assert [row["uid"] for row in made.changes(store)] == [again.uid]


def test_rows_after_the_cut_are_left_alone(store: Store) -> None:
    (pod,) = made.add_pods(store, made.pod("pod-1"))
    cut = made.head(store)
    pod = made.change_pod(store, pod, labels='{"v":"1"}')
    made.change_pod(store, pod, labels='{"v":"2"}')
    with write(store) as transaction:
        delete(transaction, PODS, PODS.read(transaction.connection))
    before = _rows(store)
    assert _compact(store, cut) == 0
    assert _rows(store) == before
    assert list(_state(store, cut)) == ["pod-1"]
    assert _state(store, made.head(store)) == {}


def test_a_deletion_in_a_later_step_does_not_bring_back_what_an_earlier_step_kept(store: Store) -> None:
    (pod,) = made.add_pods(store, made.pod("pod-1"))
    _compact(store, made.head(store))
    with write(store) as transaction:
        delete(transaction, PODS, [pod])
    _compact(store, made.head(store))
    assert _rows(store) == []
    assert _state(store, made.head(store)) == {}


def test_the_past_is_told_for_longer_than_a_watcher_may_be_away(store: Store) -> None:
    made.add_pods(store, made.pod("pod-1"))
    old = made.head(store)
    then = _state(store, old)
    made.add_pods(store, made.pod("pod-2"))
    with write(store) as transaction:
        compaction.raise_watch_from(transaction, made.head(store))
    with store.snapshot() as connection, pytest.raises(CursorExpired):
        feed.after(connection, old, resources=["pods"])
    assert _state(store, old) == then


def test_cursors_and_pasts_from_before_the_cut_are_refused(store: Store) -> None:
    (pod,) = made.add_pods(store, made.pod("pod-1"))
    old = made.head(store)
    with write(store) as transaction:
        update(transaction, PODS, [Update(pod, pod)], ("labels",))
    cut = made.head(store)
    _compact(store, cut)
    with store.snapshot() as connection:
        with pytest.raises(CursorExpired):
            feed.after(connection, old, resources=["pods"])
        with pytest.raises(CursorExpired):
            history.state_at(connection, old, resource="pods")
        assert feed.after(connection, cut, resources=["pods"]) == []


def test_the_watermark_never_goes_back(store: Store) -> None:
    head = made.head(store)
    with write(store) as transaction:
        compaction.raise_watch_from(transaction, head)
        compaction.raise_watch_from(transaction, head - 1)
    with store.snapshot() as connection:
        assert compaction.watch_from(connection) == head


STEPS = st.lists(
    st.tuples(st.sampled_from(["pod-1", "pod-2", "pod-3"]), st.sampled_from(["add", "change", "delete", "compact"])),
    min_size=1,
    max_size=25,
)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(steps=STEPS, share=st.floats(0, 1))
def test_however_often_it_is_compacted_no_answer_changes(
    store: Store, steps: list[tuple[str, str]], share: float
) -> None:
    with write(store) as transaction:
        for table in (schema.pods, schema.changes):
            transaction.connection.execute(table.delete())
        transaction.take(1)
    start = made.head(store)
    with write(store) as transaction:
        compaction.raise_watch_from(transaction, start)
    past: dict[int, dict[str, str]] = {start: {}}
    for name, step in steps:
        with write(store) as transaction:
            there = [pod for pod in PODS.read(transaction.connection) if pod.name == name]
            if step == "add" and not there:
                made.insert(transaction, made.pod(name))
            elif step == "change" and there:
                update(transaction, PODS, [Update(there[0], there[0])], ("labels",))
            elif step == "delete":
                delete(transaction, PODS, there)
        past[made.head(store)] = _state(store, made.head(store))
        if step == "compact":
            low = min(past)
            cut = low + round(share * (made.head(store) - low))
            _compact(store, cut)
            past = {revision: state for revision, state in past.items() if revision >= cut}
        assert {revision: _state(store, revision) for revision in past} == past


def test_the_cut_is_found_by_time_and_by_number(store: Store) -> None:
    written = made.add_pods(store, *(made.pod(f"pod-{number}") for number in range(4)))
    with write(store) as transaction:
        for pod in written[:2]:
            transaction.connection.execute(text(f"UPDATE changes SET time_ms = 5 WHERE revision = {pod.revision}"))
    with store.snapshot() as connection:
        assert compaction.newest_before(connection, 6, known=0) == written[1].revision
        assert compaction.newest_before(connection, 6, known=written[1].revision) == written[1].revision
        assert compaction.newest_before(connection, 5, known=7) == 7
        assert compaction.rows_upto(connection, written[1].revision) == 3  # the namespace's row is the first
        assert compaction.nth_oldest(connection, 2) == written[1].revision
        assert compaction.nth_oldest(connection, 99) is None


def test_old_placements_go_and_open_ones_stay(store: Store) -> None:
    (node,) = made.add_nodes(store, made.node())
    made.bound_pod(store, node, made.pod("runs"))
    made.bound_pod(store, node, made.pod("ended"), phase="Succeeded", finished_ms=1)
    with write(store) as transaction:
        assert compaction.delete_old(transaction, "placements", before_ms=0) == 0
        assert compaction.delete_old(transaction, "placements", before_ms=2**62) == 1
    assert [row["name"] for row in made.rows(store, schema.placements)] == ["runs"]


def test_old_decisions_go_but_not_those_that_explain_the_present(store: Store) -> None:
    waiting, gone = made.add_pods(store, made.pod("waits"), made.pod("gone"))
    with write(store) as transaction:
        decisions.record(
            transaction,
            [
                Decision(pod_uid=pod.uid, outcome="Unschedulable", nodes_evaluated=1, reasons={"r": 1})
                for pod in (waiting, gone)
            ],
        )
        delete(transaction, PODS, [gone])
    with write(store) as transaction:
        assert compaction.delete_old(transaction, "decisions", before_ms=0) == 0
        assert compaction.delete_old(transaction, "decisions", before_ms=2**62) == 1
    assert [row["pod_uid"] for row in made.rows(store, schema.decisions)] == [waiting.uid]


def _pages(store: Store) -> int:
    with store.snapshot() as connection:
        return int(connection.exec_driver_sql("PRAGMA page_count").scalar_one())


def test_space_is_given_back_to_the_file_system(sqlite_store: Store) -> None:
    store = sqlite_store
    text_of_1_mb = json.dumps({"text": "x" * 1_000_000})
    (pod,) = made.add_pods(store, made.pod(spec=text_of_1_mb))
    full = _pages(store)
    with write(store) as transaction:
        delete(transaction, PODS, [pod])
        transaction.connection.execute(text("DELETE FROM changes"))
    compaction.give_back_space(store, wal_limit_bytes=2**40)
    assert _pages(store) < full / 2


def test_the_log_is_cut_back_when_it_outgrew_its_limit(sqlite_store: Store) -> None:
    store = sqlite_store
    file = database_file(store.url)
    log = file.with_name(f"{file.name}-wal")
    made.add_pods(store, made.pod(spec=json.dumps({"text": "x" * 1_000_000})))
    assert log.stat().st_size > 1_000_000
    compaction.give_back_space(store, wal_limit_bytes=2**40)
    assert log.stat().st_size > 1_000_000
    compaction.give_back_space(store, wal_limit_bytes=1000)
    assert log.stat().st_size == 0


def test_a_checkpoint_waits_for_nobody(sqlite_store: Store) -> None:
    made.add_pods(sqlite_store, made.pod())
    with write(sqlite_store):
        compaction.checkpoint(sqlite_store)


@pytest.mark.parametrize(
    "do",
    [compaction.checkpoint, lambda store: compaction.give_back_space(store, wal_limit_bytes=1)],
    ids=["checkpoint", "give back space"],
)
def test_postgres_needs_none_of_it(postgres_store: Store, do: Any) -> None:
    do(postgres_store)
