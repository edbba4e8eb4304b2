"""A leader that is stopped by the system and wakes up after another has taken over."""

import signal

import psutil
import pytest

from kuberklone.store import schema, turnstile
from kuberklone.store.database import Store
from kuberklone.store.leaderships import Candidate
from tests import waiting
from tests.store import children, made
from tests.store.clocks import HandClock

pytestmark = pytest.mark.process

TERM_S = 4.0


def _stop(child: children.Child) -> None:
    child.send(signal.SIGSTOP)
    process = psutil.Process(child.process.pid)
    waiting.until(
        lambda: process.status() == psutil.STATUS_STOPPED, within_s=children.DEADLINE_S, what="the process is stopped"
    )


def _take_over(store: Store) -> None:
    """What another copy does while the leader sleeps: it watches for a term of its own clock."""
    clock = HandClock()
    candidate = Candidate(store, "scheduler", term_s=TERM_S, clock=clock)
    assert candidate.stand() is None, "a stopped process is not a gone one"
    clock.pass_s(TERM_S)
    assert candidate.stand() is not None


def _written(store: Store) -> list[str]:
    return [row["name"] for row in made.changes(store)] + [
        row["path"] for row in made.rows(store, schema.reporting_paths)
    ]


@pytest.mark.parametrize("wish", ["write", "beat"])
def test_a_leader_woken_after_the_takeover_is_fenced_off(store: Store, migrated_url: str, wish: str) -> None:
    with children.running("lead", migrated_url, "scheduler") as leader:
        leader.tell("go")
        assert leader.hear() == "leads 1"
        leader.tell(wish)
        assert leader.hear() == "wrote"
        before = _written(store)
        _stop(leader)
        leader.tell(wish)
        _take_over(store)
        leader.send(signal.SIGCONT)
        assert leader.hear() == "fenced off"
    assert len(before) == 1
    assert _written(store) == before


def test_a_leader_stopped_inside_its_write_is_ended_by_the_next_writer(
    sqlite_store: Store, migrated_sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turnstile, "FROZEN_AFTER_S", 0.2)
    with children.running("lead", migrated_sqlite_url, "scheduler") as leader:
        leader.tell("go")
        leader.hear()
        leader.tell("begin")
        assert leader.hear() == "began"
        _stop(leader)
        leader.tell("finish")
        _take_over(sqlite_store)
        assert leader.exit_code() == -signal.SIGKILL
    assert _written(sqlite_store) == []


def test_a_leader_stopped_inside_its_write_is_ended_by_the_server(
    postgres_store: Store, migrated_postgres_url: str
) -> None:
    with children.running(
        "lead", migrated_postgres_url, "scheduler", environ={"TEST_IDLE_IN_TRANSACTION_MS": "200"}
    ) as leader:
        leader.tell("go")
        leader.hear()
        leader.tell("begin")
        assert leader.hear() == "began"
        _stop(leader)
        leader.tell("finish")
        _take_over(postgres_store)
        leader.send(signal.SIGCONT)
        assert leader.hear() == "store unavailable"
        leader.tell("write")
        assert leader.hear() == "fenced off"
    assert _written(postgres_store) == []
