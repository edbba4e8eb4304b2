"""The queue before SQLite's write lock: fair, and never blocked for ever by a process of ours that is stopped."""

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import psutil
import pytest

from kuberklone.store import turnstile
from kuberklone.store.database import Store
from kuberklone.store.turnstile import Turnstile
from tests import waiting
from tests.store import children, made

FROZEN_AFTER_S = 0.05


def _stop(child: children.Child) -> None:
    child.send(signal.SIGSTOP)
    waiting.until(
        lambda: psutil.Process(child.process.pid).status() == psutil.STATUS_STOPPED,
        within_s=children.DEADLINE_S,
        what="the process is stopped",
    )


class Looks:
    """Counts how often a waiter has looked at the holder."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._count = 0
        look = turnstile.end_if_stopped

        def counted(mark: bytes) -> bool:
            try:
                return look(mark)
            finally:
                self._count += 1

        monkeypatch.setattr(turnstile, "FROZEN_AFTER_S", FROZEN_AFTER_S)
        monkeypatch.setattr(turnstile, "end_if_stopped", counted)

    def await_more(self, count: int) -> None:
        wanted = self._count + count
        waiting.until(lambda: self._count >= wanted, within_s=5, what=f"{count} more looks at the holder")


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> Looks:
    return Looks(monkeypatch)


@contextmanager
def _waiting_turn(store: Store) -> Iterator[threading.Event]:
    """Somebody waits for the turn; the event says that it came."""
    came = threading.Event()

    def wait() -> None:
        with store.turn():
            came.set()

    thread = threading.Thread(target=wait)
    thread.start()
    yield came
    assert came.wait(children.DEADLINE_S), "the turn came"
    thread.join()


@pytest.mark.process
def test_a_stopped_holder_of_ours_is_ended(sqlite_store: Store, migrated_sqlite_url: str, looks: Looks) -> None:
    with children.running("hold", migrated_sqlite_url) as holder:
        holder.tell("go")
        assert holder.hear() == "holds"
        _stop(holder)
        with _waiting_turn(sqlite_store):
            looks.await_more(1)
        assert holder.exit_code() == -signal.SIGKILL


@pytest.mark.process
def test_a_holder_of_ours_that_works_is_waited_for(sqlite_store: Store, migrated_sqlite_url: str, looks: Looks) -> None:
    with children.running("hold", migrated_sqlite_url) as holder:
        holder.tell("go")
        assert holder.hear() == "holds"
        with _waiting_turn(sqlite_store) as came:
            looks.await_more(3)
            assert not came.is_set()
            holder.tell("leave")
            assert holder.hear() == "left"
        holder.tell("end")
        assert holder.exit_code() == 0


@pytest.mark.process
def test_a_holder_that_is_killed_frees_the_turn(sqlite_store: Store, migrated_sqlite_url: str, looks: Looks) -> None:
    with children.running("hold", migrated_sqlite_url) as holder:
        holder.tell("go")
        assert holder.hear() == "holds"
        with _waiting_turn(sqlite_store):
            looks.await_more(1)
            holder.process.kill()


@pytest.mark.process
def test_a_stopped_stranger_is_never_ended_nor_a_stopped_process_of_ours_in_its_stead(
    sqlite_store: Store, migrated_sqlite_url: str, looks: Looks
) -> None:
    with (
        children.running("hold", migrated_sqlite_url) as ours,
        children.running("take", migrated_sqlite_url) as stranger,
    ):
        ours.tell("go")
        assert ours.hear() == "holds"
        ours.tell("leave")
        assert ours.hear() == "left"
        stranger.tell("go")
        assert stranger.hear() == "holds"
        _stop(ours)
        _stop(stranger)
        with _waiting_turn(sqlite_store) as came:
            looks.await_more(3)
            assert not came.is_set()
            assert (ours.process.poll(), stranger.process.poll()) == (None, None)
            stranger.send(signal.SIGCONT)
            stranger.tell("leave")


MARKS = {
    "none yet": b"",
    "cleared": b" " * 64,
    "torn": b"12",
    "no numbers": b"pid started".ljust(64),
    "a process that never was": f"{2**22 + 1} 1000.00\n".encode().ljust(64),
}


@pytest.mark.parametrize("mark", MARKS.values(), ids=MARKS.keys())
def test_a_mark_that_names_nobody_ends_nobody(mark: bytes) -> None:
    assert not turnstile.end_if_stopped(mark)


@pytest.mark.process
def test_a_stopped_process_that_only_has_the_same_number_is_not_ended(migrated_sqlite_url: str) -> None:
    with children.running("hold", migrated_sqlite_url) as child:
        pid = child.process.pid
        started = psutil.Process(pid).create_time()
        _stop(child)
        assert not turnstile.end_if_stopped(f"{pid} {started - 60:.2f}\n".encode())
        assert child.process.poll() is None
        assert turnstile.end_if_stopped(f"{pid} {started:.2f}\n".encode())
        assert child.exit_code() == -signal.SIGKILL


def test_threads_of_one_process_enter_one_at_a_time(tmp_path: Path) -> None:
    with closing(Turnstile(tmp_path / "a.turnstile")) as one, closing(Turnstile(tmp_path / "a.turnstile")) as another:
        inside: list[int] = []
        most: list[int] = []

        def go(through: Turnstile) -> None:
            for _ in range(200):
                through.enter()
                inside.append(1)
                most.append(len(inside))
                inside.pop()
                through.leave()

        threads = [threading.Thread(target=go, args=(through,)) for through in (one, one, another, another)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(most) == 800
    assert max(most) == 1


@pytest.mark.process
def test_no_writer_starves_among_others_that_never_rest(sqlite_store: Store, migrated_sqlite_url: str) -> None:
    with ExitStack() as stack:
        for name in ("one", "two", "three"):
            other = stack.enter_context(children.running("write", migrated_sqlite_url, name, "1000000"))
            other.tell("go")
            other.hear()
        waits_s = []
        for number in range(40):
            began = time.monotonic()
            made.add_pods(sqlite_store, made.pod(f"here-{number}"))
            waits_s.append(time.monotonic() - began)
    # SQLite's own busy handler let one of six wait for 4.1 s; in turn it is some milliseconds, whatever the machine.
    assert max(waits_s) < 1.5
