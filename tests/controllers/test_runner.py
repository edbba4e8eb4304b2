"""The loop around a pass: real threads and real time, one controller each."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from sqlalchemy import text

from controllers._loop.contract import Outcome
from controllers._loop.runner import Runner
from controllers.scheduler.reconcile import Scheduler
from kuberklone.chance import Chance
from kuberklone.errors import StoreUnavailable
from kuberklone.settings import Settings
from kuberklone.store import schema
from kuberklone.store.database import Store
from kuberklone.store.transaction import Fence
from tests.store import made
from tests.waiting import until

_SETTINGS = Settings(leadership_term_s=30.0, leadership_renewal_s=0.1, poll_s=0.02)
_DEADLINE_S = 15.0


@pytest.fixture
def store(migrated_url: str) -> Iterator[Store]:
    opened = Store(migrated_url, writer="test")
    yield opened
    opened.close()


@contextmanager
def leading(url: str, make: Callable[[Store], Any]) -> Iterator[None]:
    """A loop that runs until the end of the block."""
    store = Store(url, writer="loop")
    stop = threading.Event()
    runner = Runner("scheduler", make(store), store=store, settings=_SETTINGS, stop=stop)
    thread = threading.Thread(target=runner.run)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(_DEADLINE_S)
        store.close()


def _leadership(store: Store) -> Any:
    with store.snapshot() as connection:
        return connection.execute(text("SELECT * FROM leaderships WHERE name = 'scheduler'")).first()


def _bound(store: Store) -> set[str]:
    return {row["name"] for row in made.rows(store, schema.pods) if row["node_name"] is not None}


def _scheduler(store: Store) -> Scheduler:
    return Scheduler(store, chance=Chance())


def test_a_record_that_cannot_be_read_is_counted_where_people_look(store: Store, migrated_url: str) -> None:
    made.add_nodes(store, made.node())
    made.add_pods(store, made.pod("broken", spec='{"tolerations":7}', shape="broken"), made.pod("whole"))
    with leading(migrated_url, _scheduler):
        until(lambda: _bound(store) == {"whole"}, within_s=_DEADLINE_S, what="the other one is bound")
        until(lambda: _leadership(store).errors >= 1, within_s=_DEADLINE_S, what="the error is counted")
        assert "pod default/broken" in _leadership(store).last_error


class _Failing:
    """Its first passes fail; then it works."""

    watches = ("pods",)
    pace_s = 0.0

    def __init__(self) -> None:
        self.forgotten = 0
        self.passes = 0

    def run_once(self, now_ms: int, fence: Fence) -> Outcome:
        self.passes += 1
        if self.passes <= 3:
            raise RuntimeError(f"no pass {self.passes}")
        return Outcome()

    def forget(self) -> None:
        self.forgotten += 1


def test_a_pass_that_fails_is_counted_forgotten_and_tried_again(store: Store, migrated_url: str) -> None:
    failing = _Failing()
    with leading(migrated_url, lambda _store: failing):
        until(lambda: failing.passes >= 4, within_s=_DEADLINE_S, what="it is tried again")
        until(lambda: _leadership(store).errors == 3, within_s=_DEADLINE_S, what="three errors are counted")
        assert _leadership(store).last_error == "RuntimeError: no pass 3"
        assert failing.forgotten == 4, "once when it began to lead, and after each failure"


def test_a_loop_that_is_told_to_stop_leaves_its_leadership_to_the_next(store: Store, migrated_url: str) -> None:
    with leading(migrated_url, _scheduler):
        until(lambda: _leadership(store), within_s=_DEADLINE_S, what="it leads")
    assert _leadership(store).holder == ""
    with leading(migrated_url, _scheduler):
        until(lambda: _leadership(store).epoch == 2, within_s=_DEADLINE_S, what="the next leads at once")


def test_a_loop_whose_database_went_away_goes_on_as_the_leader_it_was(store: Store, migrated_url: str) -> None:
    if store.dialect == "sqlite":
        return  # a file does not go away
    made.add_nodes(store, made.node())
    with leading(migrated_url, _scheduler):
        made.add_pods(store, made.pod("first"))
        until(lambda: _bound(store) == {"first"}, within_s=_DEADLINE_S, what="it works")
        _cut_all_connections(migrated_url)
        until(lambda: _add(store, "second"), within_s=_DEADLINE_S, what="the database is back")
        # Far below its term, after which anybody could lead.
        until(lambda: _bound(store) == {"first", "second"}, within_s=_DEADLINE_S, what="it works again")
        assert _leadership(store).epoch == 1


def _cut_all_connections(url: str) -> None:
    with psycopg.connect(url.replace("postgresql+psycopg", "postgresql"), autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "
            "AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )


def _add(store: Store, name: str) -> bool:
    try:
        made.add_pods(store, made.pod(name))
    except StoreUnavailable:
        return False
    return True
