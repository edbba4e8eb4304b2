"""Leadership: one copy of a controller writes, and one that was overtaken cannot."""

import os
import socket
import threading
from typing import Any

import pytest
from sqlalchemy import text

from kuberklone.errors import LeadershipLost
from kuberklone.store import leaderships, nodes, schema
from kuberklone.store.database import Store
from kuberklone.store.leaderships import Candidate, Report
from kuberklone.store.transaction import Fence, fenced_only, write
from tests import waiting
from tests.store import children, made
from tests.store.clocks import HandClock

TERM_S = 4.0
REPORT = Report(passes=3, errors=1, last_error="it rained", last_error_ms=5, pass_ms=7, revision_seen=11)


def _candidate(store: Store, clock: HandClock, name: str = "scheduler") -> Candidate:
    return Candidate(store, name, term_s=TERM_S, clock=clock)


def _leader(store: Store) -> Fence:
    fence = _candidate(store, HandClock()).stand()
    assert fence is not None
    return fence


def _overtake(store: Store) -> Fence:
    clock = HandClock()
    candidate = _candidate(store, clock)
    assert candidate.stand() is None
    clock.pass_s(TERM_S)
    fence = candidate.stand()
    assert fence is not None
    return fence


def _row(store: Store) -> dict[str, Any]:
    (row,) = made.rows(store, schema.leaderships)
    return row


def _set_holder(store: Store, holder: str) -> None:
    with store.turn(), store.engine.connect() as connection, connection.begin():
        connection.execute(text("UPDATE leaderships SET holder = :holder"), {"holder": holder})


def test_the_first_candidate_leads_at_once(store: Store) -> None:
    assert _candidate(store, HandClock()).stand() == Fence(name="scheduler", epoch=1)
    assert _row(store)["holder"] == leaderships.holder_name()


def test_controllers_lead_independently_of_each_other(store: Store) -> None:
    clock = HandClock()
    assert _candidate(store, clock, "scheduler").stand() == Fence(name="scheduler", epoch=1)
    assert _candidate(store, clock, "garbage").stand() == Fence(name="garbage", epoch=1)


def test_a_candidate_takes_over_after_a_whole_term_without_a_renewal(store: Store) -> None:
    _leader(store)
    clock = HandClock()
    candidate = _candidate(store, clock)
    assert candidate.stand() is None
    clock.pass_s(TERM_S - 0.01)
    assert candidate.stand() is None
    clock.pass_s(0.01)
    assert candidate.stand() == Fence(name="scheduler", epoch=2)


def test_the_term_begins_with_the_candidates_first_look(store: Store) -> None:
    _leader(store)
    clock = HandClock()
    candidate = _candidate(store, clock)
    clock.pass_s(3600)
    assert candidate.stand() is None
    clock.pass_s(TERM_S)
    assert candidate.stand() is not None


def test_only_the_candidates_own_monotonic_clock_counts(store: Store) -> None:
    _leader(store)
    clock = HandClock()
    candidate = _candidate(store, clock)
    assert candidate.stand() is None
    clock.set_wall_ms(clock.wall_ms() + 10**9)
    assert candidate.stand() is None


SIGNS_OF_LIFE = ["a renewal", "a fenced write"]


@pytest.mark.parametrize("sign", SIGNS_OF_LIFE)
def test_any_sign_of_life_begins_a_new_term(store: Store, sign: str) -> None:
    fence = _leader(store)
    clock = HandClock()
    candidate = _candidate(store, clock)
    for _ in range(3):
        assert candidate.stand() is None
        clock.pass_s(TERM_S)
        if sign == "a renewal":
            assert leaderships.renew(store, fence, REPORT)
        else:
            with write(store, fence=fence):
                pass
    assert candidate.stand() is None
    clock.pass_s(TERM_S)
    assert candidate.stand() is not None


def test_of_two_candidates_one_wins_and_the_other_waits_another_term(store: Store) -> None:
    _leader(store)
    clock = HandClock()
    first, second = _candidate(store, clock), _candidate(store, clock)
    assert (first.stand(), second.stand()) == (None, None)
    clock.pass_s(TERM_S)
    assert first.stand() == Fence(name="scheduler", epoch=2)
    assert second.stand() is None
    clock.pass_s(TERM_S - 0.01)
    assert second.stand() is None
    clock.pass_s(0.01)
    assert second.stand() == Fence(name="scheduler", epoch=3)


def test_a_renewal_between_the_look_and_the_takeover_wins(store: Store) -> None:
    fence = _leader(store)
    with store.snapshot() as connection:
        seen = leaderships.current(connection, "scheduler")
    assert leaderships.renew(store, fence, REPORT)
    assert _candidate(store, HandClock())._take_over(seen) is None
    assert _row(store)["epoch"] == 1


def test_a_leader_that_resigned_is_succeeded_at_once(store: Store) -> None:
    leaderships.resign(store, _leader(store))
    assert _candidate(store, HandClock()).stand() == Fence(name="scheduler", epoch=2)


def test_a_former_leader_cannot_resign_for_its_successor(store: Store) -> None:
    former = _leader(store)
    _overtake(store)
    before = _row(store)
    leaderships.resign(store, former)
    assert _row(store) == before


def test_a_former_leader_cannot_renew(store: Store) -> None:
    former = _leader(store)
    current = _overtake(store)
    before = _row(store)
    assert not leaderships.renew(store, former, REPORT)
    assert _row(store) == before
    assert leaderships.renew(store, current, REPORT)


def test_the_report_stands_in_the_row_until_somebody_else_leads(store: Store) -> None:
    assert leaderships.renew(store, _leader(store), REPORT)
    reported = _row(store)
    assert {name: reported[name] for name in Report.__dataclass_fields__} == {
        name: getattr(REPORT, name) for name in Report.__dataclass_fields__
    }
    _overtake(store)
    fresh = _row(store)
    assert (fresh["passes"], fresh["errors"], fresh["last_error"], fresh["renewals"]) == (0, 0, None, 0)


@pytest.mark.process
def test_a_leader_whose_process_is_gone_is_succeeded_at_once(store: Store, migrated_url: str) -> None:
    with children.running("lead", migrated_url, "scheduler") as leader:
        leader.tell("go")
        assert leader.hear() == "leads 1"
        assert _candidate(store, HandClock()).stand() is None
        leader.process.kill()
        # Not yet waited for: a zombie leads no more.
        fence = waiting.until(
            _candidate(store, HandClock()).stand, within_s=children.DEADLINE_S, what="the dead leader is succeeded"
        )
    assert fence.epoch == 2


HOLDERS = {
    "resigned": ("", True),
    "this process": (leaderships.holder_name(), False),
    "an earlier process of our pid": (f"{socket.gethostname()}/{os.getpid()}/1000.00", True),
    "a pid that is not in use": (f"{socket.gethostname()}/{2**22 + 1}/1000.00", True),
    "a process of another machine": ("elsewhere.example/1/1000.00", False),
    "a machine with slashes in its name": ("a/b/1/1000.00", False),
}


@pytest.mark.parametrize(("holder", "gone"), HOLDERS.values(), ids=HOLDERS.keys())
def test_only_a_holder_that_is_surely_gone_is_succeeded_at_once(store: Store, holder: str, gone: bool) -> None:
    _leader(store)
    _set_holder(store, holder)
    assert (_candidate(store, HandClock()).stand() is not None) == gone


def _write_node(store: Store, fence: Fence) -> None:
    with write(store, reserve=1, fence=fence) as transaction:
        nodes.create(transaction, [made.node()])


def _beat(store: Store, fence: Fence) -> None:
    with fenced_only(store, fence) as connection:
        made.beat(connection, "simulator")


@pytest.mark.parametrize("do", [_write_node, _beat], ids=["write", "fenced_only"])
def test_a_former_leader_writes_nothing(store: Store, do: Any) -> None:
    former = _leader(store)
    current = _overtake(store)
    before, revision = made.everything(store), made.head(store)
    with pytest.raises(LeadershipLost):
        do(store, former)
    assert made.everything(store) == before
    assert made.head(store) == revision
    do(store, current)
    assert made.everything(store) != before


def test_nobody_writes_under_a_leadership_that_never_was(store: Store) -> None:
    with pytest.raises(LeadershipLost):
        _write_node(store, Fence(name="scheduler", epoch=1))


def test_a_renewal_waits_for_no_writer(postgres_store: Store) -> None:
    fence = _leader(postgres_store)
    with write(postgres_store):
        assert leaderships.renew(postgres_store, fence, REPORT)


def test_a_takeover_waits_for_an_open_write_without_revisions(postgres_store: Store) -> None:
    store = postgres_store
    fence = _leader(store)
    clock = HandClock()
    candidate = _candidate(store, clock)
    candidate.stand()
    clock.pass_s(TERM_S)
    won: list[Fence | None] = []
    taking_over = threading.Thread(target=lambda: won.append(candidate.stand()))
    with fenced_only(store, fence) as connection:
        taking_over.start()
        waiting.until(lambda: _is_waiting(store), within_s=5, what="the takeover waits for the row")
        made.beat(connection, "simulator")
        assert won == []
    taking_over.join()
    assert won == [Fence(name="scheduler", epoch=2)]


def _is_waiting(store: Store) -> bool:
    with store.snapshot() as connection:
        question = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
        return bool(connection.execute(question).scalar_one())
