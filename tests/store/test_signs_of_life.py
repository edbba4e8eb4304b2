"""Rows without revisions: heartbeats and their paths, countdowns, faults, containers, decisions, events."""

from typing import Any

import pytest

from kuberklone.store import containers, decisions, events, evictions, faults, heartbeats, nodes, schema
from kuberklone.store.containers import SimulatedContainer
from kuberklone.store.database import Store
from kuberklone.store.decisions import OUTCOMES_PER_POD_MAX, Decision
from kuberklone.store.evictions import Eviction
from kuberklone.store.faults import Fault
from kuberklone.store.heartbeats import Heartbeat
from kuberklone.store.transaction import write
from tests.store import made
from tests.store.conftest import OpenStore

# Far above what SQLite (32,766) or Postgres (65,535) takes as parameters of one statement.
VERY_MANY = 70_000


def _beats(store: Store) -> dict[str, Heartbeat]:
    with store.snapshot() as connection:
        found = heartbeats.of_nodes(connection, ["a", "b", "c"])
    return {beat.node_uid: beat for beat in found}


def _register(store: Store, *uids: str, boot: str = "boot-1", now_ms: int = 100) -> None:
    with write(store) as transaction:
        boots = [(uid, boot) for uid in uids]
        heartbeats.register(
            transaction.connection, boots, path="simulator", now_ms=now_ms, granted_until_ms=now_ms + 50
        )


def _beat(store: Store, *silent: str, now_ms: int = 200, path: str = "simulator") -> int:
    with write(store) as transaction:
        return heartbeats.beat_all_but(
            transaction.connection, silent, path=path, now_ms=now_ms, granted_until_ms=now_ms + 50
        )


def test_a_boot_is_heard_from_its_first_beat_on(store: Store) -> None:
    _register(store, "a")
    (beat,) = _beats(store).values()
    assert (beat.path, beat.boot_id, beat.seq) == ("simulator", "boot-1", 1)
    assert (beat.received_ms, beat.granted_until_ms) == (100, 150)
    _register(store, "a", boot="boot-2", now_ms=300)
    (beat,) = _beats(store).values()
    assert (beat.boot_id, beat.seq, beat.received_ms) == ("boot-2", 2, 300)


def test_all_beat_but_the_silent_ones_and_those_of_other_paths(store: Store) -> None:
    _register(store, "a", "b")
    with write(store) as transaction:
        heartbeats.register(transaction.connection, [("c", "x")], path="api", now_ms=100, granted_until_ms=150)
    assert _beat(store, "b") == 1
    assert {uid: (beat.seq, beat.received_ms) for uid, beat in _beats(store).items()} == {
        "a": (2, 200),
        "b": (1, 100),
        "c": (1, 100),
    }


def test_beats_are_no_news_of_the_feed(store: Store) -> None:
    before, head = made.rows(store, schema.changes), made.head(store)
    _register(store, "a")
    _beat(store)
    assert (made.rows(store, schema.changes), made.head(store)) == (before, head)


def test_silence_is_counted_for_the_beat_it_followed(store: Store) -> None:
    _register(store, "a", "b")
    _beat(store, "b")
    with write(store) as transaction:
        heartbeats.write_silence(transaction.connection, [("a", 1, 700), ("b", 1, 700)])
    found = _beats(store)
    assert (found["a"].silent_seq, found["a"].silence_ms) == (-1, 0), "a beat came meanwhile"
    assert (found["b"].silent_seq, found["b"].silence_ms) == (1, 700)


def test_counting_silence_waits_for_no_beat_that_is_being_written(postgres_store: Store) -> None:
    store = postgres_store
    _register(store, "a", "b")
    with store.engine.connect() as simulator, simulator.begin():
        heartbeats.beat_all_but(simulator, ["b"], path="simulator", now_ms=200, granted_until_ms=250)
        with write(store) as transaction:
            heartbeats.write_silence(transaction.connection, [("a", 1, 700), ("b", 1, 700)])
    found = _beats(store)
    assert (found["a"].seq, found["a"].silence_ms) == (2, 0)
    assert (found["b"].seq, found["b"].silence_ms) == (1, 700)


def test_a_path_beats_by_itself(store: Store) -> None:
    for moment_ms in (100, 200):
        with write(store) as transaction:
            heartbeats.beat_path(transaction.connection, "simulator", now_ms=moment_ms)
    with store.snapshot() as connection:
        (path,) = heartbeats.paths(connection)
    assert (path.path, path.beat, path.received_ms, path.halted) == ("simulator", 2, 200, False)


def test_a_judgement_leaves_the_paths_own_columns_alone(store: Store) -> None:
    with write(store) as transaction:
        heartbeats.beat_path(transaction.connection, "simulator", now_ms=100)
    with store.snapshot() as connection:
        (read,) = heartbeats.paths(connection)
    with write(store) as transaction:
        heartbeats.beat_path(transaction.connection, "simulator", now_ms=200)
        judged = heartbeats.Path(
            path="simulator",
            beat=read.beat,
            received_ms=read.received_ms,
            judged_beat=1,
            judged_ms=150,
            halted=True,
            halted_since_ms=150,
            resumed_ms=None,
        )
        heartbeats.write_judgement(transaction.connection, judged)
    with store.snapshot() as connection:
        (path,) = heartbeats.paths(connection)
    assert (path.beat, path.received_ms) == (2, 200)
    assert (path.judged_beat, path.judged_ms, path.halted, path.halted_since_ms) == (1, 150, True, 150)


def test_a_node_takes_its_signs_of_life_and_faults_with_it(store: Store) -> None:
    gone, stays = made.add_nodes(store, made.node("node-1", uid="a"), made.node("node-2", uid="b"))
    _register(store, gone.uid, stays.uid)
    with write(store) as transaction:
        fault: dict[str, Any] = {"kind": "crash", "restart": True, "since_ms": 1, "boot_id": None}
        faults.put(transaction.connection, [Fault(node_uid=node.uid, **fault) for node in (gone, stays)])
        nodes.delete(transaction, [gone])
    assert list(_beats(store)) == [stays.uid]
    with store.snapshot() as connection:
        assert [fault.node_uid for fault in faults.all_faults(connection)] == [stays.uid]
    assert [row["node_name"] for row in made.rows(store, schema.node_use)] == ["node-2"]


def test_a_countdown_may_be_set_anew_and_cancelled(store: Store) -> None:
    with write(store) as transaction:
        for due_ms in (5, 9):
            evictions.put(
                transaction.connection,
                [Eviction(pod_uid=uid, node_name="n", due_ms=due_ms, cause="Taint") for uid in ("a", "b")],
            )
        evictions.cancel(transaction.connection, ["a", "x"])
    with store.snapshot() as connection:
        assert evictions.all_evictions(connection) == [Eviction(pod_uid="b", node_name="n", due_ms=9, cause="Taint")]


def test_healing_tells_who_had_a_fault(store: Store) -> None:
    with write(store) as transaction:
        fault = Fault(node_uid="a", kind="slow", restart=False, since_ms=1, boot_id="boot-1")
        faults.put(transaction.connection, [fault])
        assert faults.all_faults(transaction.connection) == [fault]
        assert faults.heal(transaction.connection, ["a", "b"]) == {"a"}
        assert faults.all_faults(transaction.connection) == []


def test_a_container_is_one_row_whatever_becomes_of_it(store: Store) -> None:
    running: dict[str, Any] = {
        "pod_uid": "p",
        "namespace": "default",
        "name": "pod-1",
        "node_name": "node-1",
        "boot_id": "boot-1",
        "state": "Running",
        "started_ms": 1,
        "ends_at_ms": 5,
    }
    ended = SimulatedContainer(**{**running, "state": "Exited", "exit_code": 3, "ended_ms": 5})
    with write(store) as transaction:
        containers.put(transaction.connection, [SimulatedContainer(**running)])
        containers.put(transaction.connection, [ended])
        assert containers.read(transaction.connection) == [ended]
        assert containers.read(transaction.connection, schema.simulated_containers.c.state == "Running") == []
        containers.remove(transaction.connection, ["p"])
        assert containers.read(transaction.connection) == []


def _decide(store: Store, *wanted: Decision) -> None:
    with write(store) as transaction:
        decisions.record(transaction, wanted)


def _unplaced(reasons: dict[str, int], pod_uid: str = "p") -> Decision:
    return Decision(pod_uid=pod_uid, outcome="Unschedulable", nodes_evaluated=3, reasons=reasons)


def test_the_same_outcome_again_is_counted(store: Store) -> None:
    for _ in range(3):
        _decide(store, _unplaced({"a": 1, "b": 2}))
    _decide(store, _unplaced({"b": 2, "a": 1}), _unplaced({"a": 3}))
    with store.snapshot() as connection:
        assert sorted(row["count"] for row in decisions.of(connection, "p")) == [1, 4]


def test_of_many_outcomes_the_newest_stay_and_others_pods_are_left_alone(store: Store) -> None:
    _decide(store, _unplaced({"other": 1}, "q"))
    for number in range(OUTCOMES_PER_POD_MAX + 3):
        _decide(store, _unplaced({"nodes": number}))
        made.later(store)
    with store.snapshot() as connection:
        kept = [row["reasons"] for row in decisions.of(connection, "p")]
        assert len(decisions.of(connection, "q")) == 1
    assert kept == [f'{{"nodes":{number}}}' for number in range(OUTCOMES_PER_POD_MAX + 2, 2, -1)]


def test_a_long_message_is_kept_as_far_as_a_person_reads(store: Store) -> None:
    (node,) = made.add_nodes(store, made.node())
    # As good as random, so that no compression makes it fit into an index.
    message = "".join(made.uid() for _ in range(300))
    for _ in range(2):
        with write(store) as transaction:
            events.record(transaction, [events.about_node(node, "Long", message)], source="test")
    (row,) = made.rows(store, schema.events)
    assert message.startswith(row["message"].removesuffix("…"))
    assert (row["count"], len(row["message"].encode())) == (2, 1024)


@pytest.mark.parametrize("letter", ["é", "東", "🦊"])
def test_a_long_message_is_cut_between_letters(store: Store, letter: str) -> None:
    (node,) = made.add_nodes(store, made.node())
    with write(store) as transaction:
        events.record(transaction, [events.about_node(node, "Long", letter * 2000)], source="test")
    (row,) = made.rows(store, schema.events)
    assert set(row["message"]) == {letter, "…"}
    assert 1000 < len(row["message"].encode()) <= 1024


def test_nothing_is_too_much_for_one_statement(open_store: OpenStore) -> None:
    store = open_store()
    many = [str(number) for number in range(VERY_MANY)]
    with store.snapshot() as connection:
        assert nodes.named(connection, many) == []
        assert nodes.taken_names(connection, many) == set()
        assert heartbeats.of_nodes(connection, many) == []
    with write(store) as transaction:
        evictions.cancel(transaction.connection, many)
        containers.remove(transaction.connection, many)
        assert faults.heal(transaction.connection, many) == set()
