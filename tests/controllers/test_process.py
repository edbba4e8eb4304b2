"""Several loops in one process: they live and end together."""

from collections.abc import Iterator
from contextlib import contextmanager
from signal import SIGINT, SIGTERM, getsignal, signal

import pytest

from controllers._loop import process
from controllers._loop.contract import Factory, Outcome
from kuberklone import logs
from kuberklone.settings import Settings
from kuberklone.store.database import Store
from kuberklone.store.transaction import Fence


class _Idle:
    watches = ("pods",)
    pace_s = 0.0

    def run_once(self, now_ms: int, fence: Fence) -> Outcome:
        return Outcome()

    def forget(self) -> None:
        """Nothing is kept."""


class _Broken(_Idle):
    def forget(self) -> None:
        raise RuntimeError("what no pass raised")


@contextmanager
def _signals_as_they_were() -> Iterator[None]:
    handlers = {number: getsignal(number) for number in (SIGTERM, SIGINT)}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal(number, handler)


@pytest.mark.parametrize("order", [("idle", "broken"), ("broken", "idle")])
def test_a_loop_that_cannot_go_on_ends_the_process_with_all_others(
    migrated_url: str, monkeypatch: pytest.MonkeyPatch, order: tuple[str, str]
) -> None:
    """Whoever supervises the process then starts it again; one that lacks a loop would look alive."""
    monkeypatch.setattr(process, "expect_many_objects", lambda: None)
    monkeypatch.setattr(logs, "configure", lambda settings, *, process: None)
    kinds = {"idle": _Idle, "broken": _Broken}

    def make(name: str) -> Factory:
        def factory(store: Store, settings: Settings) -> _Idle:
            return kinds[name]()

        return factory

    with _signals_as_they_were(), pytest.raises(RuntimeError, match="what no pass raised"):
        process.run({name: make(name) for name in order}, Settings(database_url=migrated_url))
