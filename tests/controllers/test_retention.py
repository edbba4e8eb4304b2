"""What is old is forgotten, in steps, and what is left still answers."""

import pytest

from kuberklone.errors import CursorExpired
from kuberklone.store import feed, history, schema
from tests.controllers.conftest import StartLoops
from tests.controllers.loops import Loops
from tests.store import made

# Far below what a busy minute writes.
_SHORT = {
    "changes_keep_s": 10.0,
    "history_keep_s": 20.0,
    "decisions_keep_s": 10.0,
    "placements_keep_s": 10.0,
    "events_keep_s": 10.0,
    "finished_pods_keep": 5,
    # Nobody fails here, so that rare beats are as good as frequent ones, and quicker.
    "heartbeat_interval_s": 10.0,
    "node_grace_s": 40.0,
}


def _counts(loops: Loops) -> dict[str, int]:
    tables = (schema.changes, schema.decisions, schema.placements, schema.events, schema.pods, schema.objects)
    return {table.name: len(made.rows(loops.store, table)) for table in tables}


def _busy(loops: Loops, *, rounds: int) -> None:
    """Pods come, run and end, and one node is restarted now and then."""
    for number in range(rounds):
        loops.add_pods(10, cpus=0.1, run_seconds=1, name=f"round-{loops.now_ms()}")
        if number % 5 == 0:
            loops.restart_node("node-1")
        loops.pass_s(2)


def _state(loops: Loops, revision: int) -> dict[str, str]:
    """The pods as they were, each as its document."""
    with loops.store.snapshot() as connection:
        rows = history.state_at(connection, revision, resource="pods")
    return {row["name"]: row["object"] for row in rows}


def test_tables_stay_bounded_however_long_it_runs(start_loops: StartLoops) -> None:
    loops = start_loops(**_SHORT)
    loops.add_nodes(2)
    _busy(loops, rounds=5)
    loops.pass_s(130)
    before = _counts(loops)
    _busy(loops, rounds=15)
    loops.pass_s(130)
    after = _counts(loops)
    assert after["pods"] <= 5
    assert after["decisions"] <= 5
    assert after["placements"] == 0
    # An object that exists keeps its newest row.
    assert after["changes"] <= after["pods"] + after["events"] + after["objects"] + 2
    assert sum(after.values()) <= sum(before.values())


def test_every_moment_that_is_kept_still_answers_as_it_did(start_loops: StartLoops) -> None:
    loops = start_loops(**_SHORT)
    loops.add_nodes(2)
    loops.add_pods(3)
    answers: dict[int, dict[str, str]] = {}
    for number in range(40):
        loops.add_pod(f"pod-x-{number}", cpus=0.1, run_seconds=1)
        loops.pass_s(2.5)
        with loops.store.snapshot() as connection:
            revision = feed.head(connection)
        answers[revision] = _state(loops, revision)
    kept = [revision for revision in answers if _is_kept(loops, revision)]
    assert kept
    assert len(kept) < len(answers), "the oldest are gone"
    assert {revision: _state(loops, revision) for revision in kept} == {
        revision: answers[revision] for revision in kept
    }


def _is_kept(loops: Loops, revision: int) -> bool:
    try:
        _state(loops, revision)
    except CursorExpired:
        return False
    return True


def test_a_reader_that_was_away_too_long_is_told_to_read_anew(start_loops: StartLoops) -> None:
    loops = start_loops(**_SHORT)
    loops.add_nodes(1)
    with loops.store.snapshot() as connection:
        cursor = feed.head(connection)
    _busy(loops, rounds=10)
    loops.pass_s(70)
    with loops.store.snapshot() as connection, pytest.raises(CursorExpired):
        feed.after(connection, cursor, resources=["pods"])


def test_a_long_history_is_forgotten_in_steps_that_follow_each_other(start_loops: StartLoops) -> None:
    loops = start_loops(**_SHORT)
    loops.add_nodes(2)
    for _ in range(3):
        loops.add_pods(200, cpus=0.01, run_seconds=1, name=f"round-{loops.now_ms()}")
        loops.pass_s(3)
    loops.pass_s(20)
    assert _counts(loops)["changes"] > 1_000
    # First the pods that are too many, and a minute later what was written of their going.
    loops.pass_s(120)
    assert _counts(loops)["changes"] < 50


def test_a_history_with_too_many_rows_is_cut_though_it_is_young(start_loops: StartLoops) -> None:
    loops = start_loops(changes_keep_s=5.0, history_rows_max=50, heartbeat_interval_s=10.0, node_grace_s=40.0)
    loops.add_nodes(2)
    _busy(loops, rounds=6)
    loops.pass_s(130)
    alive = sum(count for table, count in _counts(loops).items() if table in ("pods", "events"))
    assert _counts(loops)["changes"] <= 50 + alive + 3
