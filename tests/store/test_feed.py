"""The feed: every reader sees each revision once and in order, and is told when it can no longer."""

import threading
from collections.abc import Callable
from contextlib import ExitStack

import pytest
from sqlalchemy import text

from kuberklone.errors import CursorExpired
from kuberklone.store import feed, pods
from kuberklone.store.database import Store
from kuberklone.store.transaction import INCARNATION_SPAN, write
from tests.store import children, made
from tests.store.conftest import OpenStore

BOTH = ("nodes", "pods")


def _after(store: Store, cursor: int, *, limit: int = feed.BATCH_MAX) -> list[feed.Change]:
    with store.snapshot() as connection:
        return feed.after(connection, cursor, resources=BOTH, limit=limit)


def _set_cluster(store: Store, **values: int) -> None:
    assigned = ", ".join(f"{column} = :{column}" for column in values)
    with store.turn(), store.engine.connect() as connection, connection.begin():
        connection.execute(text(f"UPDATE cluster SET {assigned}"), values)


class Following(threading.Thread):
    """A reader that asks for what came after its cursor, again and again, until it has seen the last revision."""

    def __init__(self, store: Store) -> None:
        super().__init__(daemon=True)
        self._store = store
        self._cursor = made.head(store)
        self.seen: list[tuple[int, str]] = []
        self.last = threading.Event()

    def run(self) -> None:
        while True:
            was_last = self.last.is_set()
            changes = _after(self._store, self._cursor, limit=7)
            self.seen += [(change.revision, change.uid) for change in changes]
            if changes:
                self._cursor = changes[-1].revision
            elif was_last:
                return


@pytest.mark.process
def test_every_reader_sees_each_acknowledged_write_once_and_in_order(open_store: OpenStore, migrated_url: str) -> None:
    store = open_store()
    readers = [Following(open_store()) for _ in range(2)]
    acknowledged: list[tuple[int, str]] = []
    lock = threading.Lock()

    def write_here(name: str) -> None:
        for number in range(40):
            with write(store, reserve=number % 3) as transaction:
                written = pods.create(transaction, [made.pod(f"{name}-{number}")])
            with lock:
                acknowledged.extend((pod.revision, pod.uid) for pod in written)

    threads = [threading.Thread(target=write_here, args=(name,)) for name in ("thread-a", "thread-b")]
    with ExitStack() as stack:
        writers = [
            stack.enter_context(children.running("write", migrated_url, name, "40")) for name in ("one", "two", "three")
        ]
        for reader in readers:
            reader.start()
        for writer in writers:
            writer.tell("go")
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for writer in writers:
            for line in writer.rest():
                for pod in line.removeprefix("wrote ").split():
                    revision, uid = pod.split("=")
                    acknowledged.append((int(revision), uid))
    for reader in readers:
        reader.last.set()
        reader.join(children.DEADLINE_S)
    assert len(acknowledged) == len(set(acknowledged)) == 2 * 40 + 3 * 79
    assert [reader.seen == sorted(acknowledged) for reader in readers] == [True, True]


def test_a_gap_of_unused_revisions_stops_nobody(store: Store) -> None:
    start = made.head(store)
    with write(store, reserve=100) as transaction:
        pods.create(transaction, [made.pod("pod-1")])
    (second,) = made.add_pods(store, made.pod("pod-2"))
    assert second.revision == start + 101
    assert [change.name for change in _after(store, start)] == ["pod-1", "pod-2"]
    assert made.head(store) == second.revision


def test_more_revisions_than_reserved_follow_each_other(store: Store) -> None:
    with write(store, reserve=1) as transaction:
        written = pods.create(transaction, [made.pod(f"pod-{number}") for number in range(3)])
        written += pods.create(transaction, [made.pod("pod-3")])
    first = written[0].revision
    assert [pod.revision for pod in written] == [first, first + 1, first + 2, first + 3]
    assert made.head(store) == first + 3


def test_only_the_wanted_resources_are_told(store: Store) -> None:
    start = made.head(store)
    made.add_nodes(store, made.node())
    made.add_pods(store, made.pod())
    with store.snapshot() as connection:
        found = feed.after(connection, start, resources=["pods"])
    assert [(change.resource, change.namespace, change.name, change.type) for change in found] == [
        ("pods", "default", "pod-1", "ADDED")
    ]


def test_reading_in_small_batches_loses_nothing(store: Store) -> None:
    cursor = made.head(store)
    made.add_pods(store, *(made.pod(f"pod-{number}") for number in range(5)))
    names = []
    while batch := _after(store, cursor, limit=2):
        names += [change.name for change in batch]
        cursor = batch[-1].revision
    assert names == [f"pod-{number}" for number in range(5)]


def test_a_reader_begins_with_everything_and_then_gets_what_changed(store: Store) -> None:
    made.add_nodes(store, made.node())
    reader = feed.Reader(BOTH)
    with store.snapshot() as connection:
        assert reader.read(connection) is None
    with store.snapshot() as connection:
        assert reader.read(connection) == []
    made.add_pods(store, made.pod())
    with store.snapshot() as connection:
        assert [change.name for change in reader.read(connection) or []] == ["pod-1"]
    with store.snapshot() as connection:
        assert reader.read(connection) == []


@pytest.mark.parametrize(("behind", "reads_anew"), [(feed.BATCH_MAX - 1, False), (feed.BATCH_MAX, True)])
def test_a_reader_that_is_far_behind_reads_anew_and_misses_nothing(
    store: Store, behind: int, *, reads_anew: bool
) -> None:
    reader = feed.Reader(BOTH)
    with store.snapshot() as connection:
        reader.read(connection)
    made.add_pods(store, *(made.pod(f"pod-{number}") for number in range(behind)))
    with store.snapshot() as connection:
        found = reader.read(connection)
    assert (found is None) == reads_anew
    assert reads_anew or [change.name for change in found or []] == [f"pod-{number}" for number in range(behind)]
    made.add_pods(store, made.pod("next"))
    with store.snapshot() as connection:
        assert [change.name for change in reader.read(connection) or []] == ["next"]


EXPIRED = {
    "below what is kept": lambda head: head - 1,
    "beyond what was written": lambda head: head + 1,
    "of an earlier life": lambda head: head - INCARNATION_SPAN,
    "of a later life": lambda head: head + INCARNATION_SPAN,
    "of no life at all": lambda head: 0,
    "negative": lambda head: -1,
}


@pytest.mark.parametrize("cursor", EXPIRED.values(), ids=EXPIRED.keys())
def test_a_cursor_that_may_have_missed_something_is_refused(store: Store, cursor: Callable[[int], int]) -> None:
    made.add_pods(store, made.pod())
    head = made.head(store)
    _set_cluster(store, watch_from=head)
    assert _after(store, head) == []
    with pytest.raises(CursorExpired):
        _after(store, cursor(head))
    with store.snapshot() as connection:
        assert feed.any_after(connection, min(cursor(head), head - 1), upto=head, resources=BOTH)


def test_a_restored_database_lets_no_cursor_pass_silently(store: Store) -> None:
    made.add_pods(store, made.pod("pod-1"))
    reader = feed.Reader(BOTH)
    with store.snapshot() as connection:
        reader.read(connection)
    before = reader.cursor
    assert before is not None
    reborn = 2 * INCARNATION_SPAN
    _set_cluster(store, incarnation=2, revision=reborn, watch_from=reborn)
    with pytest.raises(CursorExpired):
        _after(store, before)
    with store.snapshot() as connection:
        assert reader.read(connection) is None
    (pod,) = made.add_pods(store, made.pod("pod-2"))
    assert pod.revision == reborn + 1
    with store.snapshot() as connection:
        assert [change.name for change in reader.read(connection) or []] == ["pod-2"]


def test_whether_something_changed_is_known_without_reading_it(store: Store) -> None:
    made.add_nodes(store, made.node())
    cursor = made.head(store)
    made.add_pods(store, made.pod())
    head = made.head(store)
    with store.snapshot() as connection:
        assert feed.any_after(connection, cursor, upto=head, resources=["pods"])
        assert not feed.any_after(connection, cursor, upto=head, resources=["nodes"])
        assert not feed.any_after(connection, head, upto=head, resources=BOTH)
