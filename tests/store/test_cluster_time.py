"""Cluster time: it never goes back, and a pause of the whole cluster hardly counts."""

from contextlib import ExitStack, closing

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from kuberklone.store import cluster_time
from kuberklone.store.cluster_time import GAIN_MAX_MS
from kuberklone.store.database import Store
from kuberklone.store.transaction import write
from tests.store import children
from tests.store.clocks import HandClock
from tests.store.conftest import OpenStore

# Postgres counts on the server's clock, which goes on between two statements of a test.
_SLACK_MS = 1_000


def _advance(store: Store) -> int:
    with write(store) as transaction:
        return transaction.now_ms


def _shift_wall(store: Store, by_ms: int) -> None:
    """As if the machine's clock had stood elsewhere at the last write."""
    with store.turn(), store.engine.connect() as connection, connection.begin():
        connection.execute(text("UPDATE cluster SET wall_ms = wall_ms + :by"), {"by": by_ms})


def test_a_pause_of_ten_minutes_counts_two_seconds(store: Store) -> None:
    before = _advance(store)
    _shift_wall(store, -600_000)
    assert _advance(store) == before + GAIN_MAX_MS
    assert before + GAIN_MAX_MS <= _advance(store) <= before + GAIN_MAX_MS + _SLACK_MS


@pytest.mark.parametrize("by_ms", [5_000, 3_600_000], ids=["a little", "an hour"])
def test_a_clock_that_was_set_back_stops_the_time_but_never_turns_it(store: Store, by_ms: int) -> None:
    before = _advance(store)
    _shift_wall(store, by_ms)
    assert _advance(store) == before


def test_after_a_clock_was_set_back_by_much_the_time_goes_on(store: Store) -> None:
    before = _advance(store)
    _shift_wall(store, 3_600_000)
    assert _advance(store) == before
    _shift_wall(store, -1_000)
    assert before + 1_000 <= _advance(store) <= before + 1_000 + _SLACK_MS


def test_the_time_follows_the_machines_clock(open_store: OpenStore, migrated_sqlite_url: str) -> None:
    clock = HandClock()
    with closing(Store(migrated_sqlite_url, clock=clock)) as store:
        before = _advance(store)
        for step_ms in (1, 10, 500, 1_999, 2_000, 0):
            clock.pass_s(step_ms / 1000)
            assert _advance(store) == before + step_ms
            before += step_ms


def test_reading_the_time_does_not_write_it(store: Store) -> None:
    before = _advance(store)
    _shift_wall(store, -1_500)
    wall_ms = store.clock.wall_ms()
    with store.snapshot() as connection:
        read = cluster_time.now_ms(connection, wall_ms=wall_ms)
        assert cluster_time.unadvanced_ms(connection, wall_ms=wall_ms) >= 1_500
        written = connection.execute(text("SELECT time_ms FROM cluster")).scalar_one()
    assert written == before
    assert before + 1_500 <= read <= before + GAIN_MAX_MS
    assert _advance(store) >= read


def test_reading_the_time_after_a_pause_promises_no_more_than_writing_it(store: Store) -> None:
    before = _advance(store)
    _shift_wall(store, -600_000)
    with store.snapshot() as connection:
        assert cluster_time.now_ms(connection, wall_ms=store.clock.wall_ms()) == before + GAIN_MAX_MS


def test_a_new_cluster_begins_at_the_machines_time(store: Store) -> None:
    with store.snapshot() as connection:
        row = connection.execute(text("SELECT time_ms, wall_ms FROM cluster")).one()
    assert abs(row.wall_ms - row.time_ms) < 60_000
    assert abs(row.time_ms - store.clock.wall_ms()) < 3_600_000


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps_ms=st.lists(st.one_of(st.integers(-50_000, 50_000), st.integers(0, 3_000)), min_size=1, max_size=8))
def test_whatever_the_clock_does_the_time_gains_from_nothing_to_two_seconds(
    sqlite_store: Store, steps_ms: list[int]
) -> None:
    clock = HandClock()
    sqlite_store.clock = clock
    before = _advance(sqlite_store)
    for step_ms in steps_ms:
        clock.set_wall_ms(clock.wall_ms() + step_ms)
        now_ms = _advance(sqlite_store)
        assert 0 <= now_ms - before <= max(0, min(step_ms, GAIN_MAX_MS))
        before = now_ms


@pytest.mark.process
def test_many_processes_share_one_time_that_never_goes_back(store: Store, migrated_url: str) -> None:
    wall_before_ms, before = store.clock.wall_ms(), _advance(store)
    with ExitStack() as stack:
        others = [stack.enter_context(children.running("tick", migrated_url, "60")) for _ in range(3)]
        for other in others:
            other.tell("go")
        here = [_advance(store) for _ in range(60)]
        heard = [[int(line.split()[1]) for line in other.rest()] for other in others]
    after = _advance(store)
    passed_ms = store.clock.wall_ms() - wall_before_ms
    for times in (here, *heard):
        assert len(times) == 60
        assert times == sorted(times)
        assert before <= times[0]
        assert times[-1] <= after
    assert after - before <= passed_ms + 1
