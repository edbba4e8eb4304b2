"""Controllers of one process share a look at the database, and none of them sleeps over a change by that."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager

import pytest

from controllers._loop.contract import Outcome
from controllers._loop.glance import Glance
from controllers._loop.runner import Runner
from kuberklone.settings import Settings
from kuberklone.store import feed, schema
from kuberklone.store.database import Store
from kuberklone.store.transaction import Fence
from tests.store import made
from tests.waiting import until

_SETTINGS = Settings(leadership_term_s=30.0, poll_s=0.02)
_DEADLINE_S = 15.0


class _Counting:
    """Knows how many pods there were in its last pass."""

    watches = ("pods",)
    pace_s = 0.0

    def __init__(self, store: Store, *, wake_after_ms: int | None = None) -> None:
        self._store = store
        self._wake_after_ms = wake_after_ms
        self.pods = -1
        self.passes = 0

    def run_once(self, now_ms: int, fence: Fence) -> Outcome:
        self.passes += 1
        self.pods = len(made.rows(self._store, schema.pods))
        return Outcome(next_wake_ms=None if self._wake_after_ms is None else now_ms + self._wake_after_ms)

    def forget(self) -> None:
        """Nothing is kept."""


@pytest.fixture
def store(migrated_url: str) -> Iterator[Store]:
    with closing(Store(migrated_url, writer="test")) as opened:
        yield opened


@contextmanager
def _running(url: str, glance: Glance, *, wake_after_ms: int | None = None) -> Iterator[list[_Counting]]:
    """Three controllers in threads of one process."""
    stop = threading.Event()
    with ExitStack() as stack:
        stores = [stack.enter_context(closing(Store(url))) for _ in range(3)]
        found = [_Counting(each, wake_after_ms=wake_after_ms) for each in stores]
        runners = [
            Runner(f"c{number}", each, store=own, settings=_SETTINGS, stop=stop, glance=glance)
            for number, (each, own) in enumerate(zip(found, stores, strict=True))
        ]
        threads = [threading.Thread(target=runner.run) for runner in runners]
        for thread in threads:
            thread.start()
        try:
            yield found
        finally:
            stop.set()
            for thread in threads:
                thread.join(_DEADLINE_S)


def test_every_controller_sees_every_change(store: Store, migrated_url: str) -> None:
    with closing(Glance(Store(migrated_url))) as glance, _running(migrated_url, glance) as found:
        for number in range(20):
            made.add_pods(store, made.pod(f"pod-{number}"))
            until(
                lambda number=number: all(each.pods == number + 1 for each in found),  # type: ignore[misc]
                within_s=_DEADLINE_S,
                what=f"all have seen {number + 1} pods",
            )


def test_a_controller_is_woken_when_it_wanted_to_be(migrated_url: str) -> None:
    with closing(Glance(Store(migrated_url))) as glance, _running(migrated_url, glance, wake_after_ms=5) as found:
        until(lambda: all(each.passes >= 20 for each in found), within_s=_DEADLINE_S, what="all were woken often")


def test_an_old_look_is_no_answer_to_a_later_question(store: Store, migrated_url: str) -> None:
    with closing(Glance(Store(migrated_url))) as glance:
        first = glance.look(since_s=0.0)
        made.add_pods(store, made.pod())
        assert glance.look(since_s=first.at_s) is first
        with store.snapshot() as connection:
            head = feed.head(connection)
        assert glance.look(since_s=store.clock.monotonic()).head == head > first.head
