"""Group commit: each request gets its own outcome, after the commit that made it durable."""

import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from structlog.testing import capture_logs

from kuberklone.errors import AlreadyExists, KuberkloneError, NotFound, Overloaded, StoreUnavailable
from kuberklone.kinds.reporting import MachineInfo, PodReport
from kuberklone.store import nodes, pods, writer
from kuberklone.store.agents import Beat, BeatPath, Done, Register
from kuberklone.store.database import Store
from kuberklone.store.operations import CreateNodes, CreatePods, DeletePod, Operation, Outcome
from kuberklone.store.reports import Reported, ReportPods
from kuberklone.store.transaction import ROWS_MAX, write
from kuberklone.store.writer import GroupWriter
from tests.store import children, made


class Desk:
    """Hands in operations and waits for their outcomes."""

    def __init__(self, store: Store) -> None:
        self.batches: list[list[int]] = []
        self._outcomes: queue.Queue[tuple[int, Outcome]] = queue.Queue()
        self.looking: Callable[[], None] = lambda: None
        self.writer: GroupWriter[int] = GroupWriter(store, self._deliver)

    def _deliver(self, outcomes: Sequence[tuple[int, Outcome]]) -> None:
        self.looking()
        self.batches.append([ticket for ticket, _ in outcomes])
        for ticket, outcome in outcomes:
            self._outcomes.put((ticket, outcome))

    def submit(self, *wanted: Operation) -> None:
        for ticket, operation in enumerate(wanted):
            self.writer.submit(ticket, operation)

    def collect(self, count: int) -> dict[int, Outcome]:
        return dict(self._outcomes.get(timeout=children.DEADLINE_S) for _ in range(count))


@pytest.fixture
def desk(store: Store) -> Iterator[Desk]:
    """A desk whose writer has not begun yet, so what is handed in before `start` is one batch."""
    opened = Desk(store)
    yield opened
    if opened.writer._thread.is_alive():
        opened.writer.stop()


def _create(*names: str) -> CreatePods:
    return CreatePods(pods=tuple(made.pod(name) for name in names))


def _names(outcome: Outcome) -> list[str]:
    assert isinstance(outcome, list), outcome
    return [record.name for record in outcome]


def test_what_waits_is_written_in_one_transaction(store: Store, desk: Desk) -> None:
    desk.submit(*(_create(f"pod-{number}") for number in range(20)))
    desk.writer.start()
    outcomes = desk.collect(20)
    assert [_names(outcomes[ticket]) for ticket in range(20)] == [[f"pod-{ticket}"] for ticket in range(20)]
    assert desk.batches == [list(range(20))]
    assert len({row["transaction_id"] for row in made.changes(store)}) == 1


def test_what_is_said_without_a_change_takes_no_revision(store: Store, desk: Desk) -> None:
    (node,) = made.add_nodes(store, made.node(provider="docker"))
    pod = made.bound_pod(store, node, made.pod(), phase="Running")
    who: dict[str, Any] = {"node_uid": node.uid, "session": "s"}
    desk.submit(Register(**who, boot_id="b", machine=MachineInfo(), running=0, grant_ms=1))
    desk.writer.start()
    desk.collect(1)
    before = made.head(store)
    seen = PodReport(uid=pod.uid, phase="Running")
    desk.submit(Beat(**who, seq=5, grant_ms=1), BeatPath(), ReportPods(**who, boot_id="b", pods=(seen,)))
    assert [type(outcome) for outcome in desk.collect(3).values()] == [Done, Done, Reported]
    assert made.head(store) == before


def test_a_transaction_holds_no_more_than_its_share(store: Store, desk: Desk) -> None:
    half = ROWS_MAX // 2
    desk.submit(*(_create(*(f"pod-{ticket}-{number}" for number in range(half))) for ticket in range(5)))
    desk.writer.start()
    desk.collect(5)
    assert desk.batches == [[0, 1], [2, 3], [4]]


def test_an_outcome_is_told_after_its_commit(store: Store, desk: Desk) -> None:
    found: list[list[str]] = []

    def look() -> None:
        with store.snapshot() as connection:
            found.append([node.name for node in nodes.all_nodes(connection)])

    desk.looking = look
    desk.submit(CreateNodes(nodes=(made.node("node-1"),)))
    desk.writer.start()
    desk.collect(1)
    assert found == [["node-1"]]


def test_one_that_is_refused_does_not_affect_the_others(store: Store, desk: Desk) -> None:
    made.add_pods(store, made.pod("taken"))
    desk.submit(
        _create("pod-1"),
        _create("taken"),
        DeletePod(namespace="default", name="nobody"),
        _create("pod-2"),
    )
    desk.writer.start()
    outcomes = desk.collect(4)
    assert (_names(outcomes[0]), _names(outcomes[3])) == (["pod-1"], ["pod-2"])
    assert isinstance(outcomes[1], AlreadyExists)
    assert isinstance(outcomes[2], NotFound)
    assert desk.batches == [[0, 1, 2, 3]]


def test_one_that_the_database_refuses_does_not_affect_the_others(store: Store, desk: Desk) -> None:
    # Two pods of one uid break the primary key, which no check of ours foresees.
    twin = made.pod("pod-2")
    made.add_pods(store, twin)
    clash = CreatePods(pods=(made.pod("pod-3"), made.pod("pod-4", uid=twin.uid)))
    desk.submit(_create("pod-1"), clash, _create("pod-5"))
    with capture_logs() as lines:
        desk.writer.start()
        outcomes = desk.collect(3)
    assert [line["log_level"] for line in lines] == ["error"]
    assert (_names(outcomes[0]), _names(outcomes[2])) == (["pod-1"], ["pod-5"])
    assert isinstance(outcomes[1], StoreUnavailable)
    with store.snapshot() as connection:
        assert {pod.name for pod in pods.unbound(connection)} == {"pod-1", "pod-2", "pod-5"}


def test_one_that_our_own_code_fails_at_does_not_affect_the_others_nor_end_the_writer(store: Store, desk: Desk) -> None:
    broken = CreatePods(pods=(None,))  # type: ignore[arg-type]
    desk.submit(_create("pod-1"), broken, _create("pod-2"))
    with capture_logs() as lines:
        desk.writer.start()
        outcomes = desk.collect(3)
    assert [line["log_level"] for line in lines] == ["error"]
    assert (_names(outcomes[0]), _names(outcomes[2])) == (["pod-1"], ["pod-2"])
    assert isinstance(outcomes[1], KuberkloneError)
    desk.submit(_create("pod-3"))
    assert _names(desk.collect(1)[0]) == ["pod-3"]


def test_when_too_many_wait_the_next_is_refused_at_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "QUEUE_MAX", 2)
    desk = Desk(store)
    desk.submit(_create("pod-1"), _create("pod-2"))
    assert desk.writer.waiting() == 2
    with pytest.raises(Overloaded):
        desk.writer.submit(2, _create("pod-3"))
    desk.writer.start()
    desk.collect(2)
    desk.writer.stop()
    assert [row["name"] for row in made.changes(store)] == ["pod-1", "pod-2"]


def test_when_the_database_is_away_each_is_told(tmp_path: Path) -> None:
    with closing(Store(f"postgresql+psycopg://nobody@/nothing?host={tmp_path}")) as store:
        desk = Desk(store)
        desk.submit(_create("pod-1"), _create("pod-2"))
        desk.writer.start()
        outcomes = desk.collect(2)
        desk.writer.stop()
    assert [type(outcomes[ticket]) for ticket in range(2)] == [StoreUnavailable, StoreUnavailable]


def test_when_the_disk_is_full_each_is_told_and_nothing_is_written(sqlite_store: Store) -> None:
    store = sqlite_store
    with closing(store.engine.raw_connection()) as connection:
        cursor = connection.cursor()
        (pages,) = cursor.execute("PRAGMA page_count").fetchone()
        cursor.execute(f"PRAGMA max_page_count = {pages}")
    desk = Desk(store)
    big = '{"text":"' + "x" * 200_000 + '"}'
    desk.submit(CreatePods(pods=(made.pod("pod-1", spec=big),)), _create("pod-2"))
    desk.writer.start()
    outcomes = desk.collect(2)
    desk.writer.stop()
    assert [type(outcomes[ticket]) for ticket in range(2)] == [StoreUnavailable, StoreUnavailable]
    assert made.changes(store) == []


def test_stopping_writes_what_was_handed_in(store: Store, desk: Desk) -> None:
    desk.submit(*(_create(f"pod-{number}") for number in range(10)))
    desk.writer.start()
    desk.writer.stop()
    assert len(made.changes(store)) == 10
    assert len(desk.collect(10)) == 10


def test_many_threads_get_each_their_own_outcome(store: Store, desk: Desk) -> None:
    desk.writer.start()

    def hand_in(thread: int) -> None:
        for number in range(25):
            desk.writer.submit(thread * 100 + number, _create(f"pod-{thread}-{number}"))

    threads = [threading.Thread(target=hand_in, args=(thread,)) for thread in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    outcomes = desk.collect(100)
    assert {ticket: _names(outcome) for ticket, outcome in outcomes.items()} == {
        thread * 100 + number: [f"pod-{thread}-{number}"] for thread in range(4) for number in range(25)
    }


def test_unnamed_records_never_get_a_name_that_was_just_given(store: Store, desk: Desk) -> None:
    desk.submit(_create("pod-1"), _create("", ""), _create("pod-3"), CreateNodes(nodes=(made.node(""),)))
    desk.writer.start()
    outcomes = desk.collect(4)
    given = [name for ticket in range(3) for name in _names(outcomes[ticket])]
    assert len(given) == len(set(given)) == 4
    assert {"pod-1", "pod-3"} <= set(given)
    assert _names(outcomes[3]) == ["node-1"]


def test_the_numbering_goes_on_where_another_program_left_it(store: Store, desk: Desk) -> None:
    desk.writer.start()
    desk.submit(_create("", ""))
    assert _names(desk.collect(1)[0]) == ["pod-1", "pod-2"]
    made.add_pods(store, made.pod("pod-3"), made.pod("pod-9"))
    desk.submit(_create(""))
    assert _names(desk.collect(1)[0]) == ["pod-10"]
    with write(store) as transaction:
        transaction.connection.execute(text("DELETE FROM pods"))
    desk.submit(_create(""))
    assert _names(desk.collect(1)[0]) == ["pod-11"]
