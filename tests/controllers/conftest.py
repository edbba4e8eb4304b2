"""Controllers on a real, empty store of each database, and on virtual time."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from typing import Any

import pytest

from kuberklone.settings import Settings
from kuberklone.store.database import Store
from tests.controllers import virtual_time
from tests.controllers.loops import Loops
from tests.controllers.virtual_time import VirtualClock

StartLoops = Callable[..., Loops]

# Times in which a test's story is told in a minute of virtual time.
TIMES = {"heartbeat_interval_s": 1.0, "node_grace_s": 4.0, "toleration_s": 3.0, "restart_backoff_s": 20.0}


@pytest.fixture
def start_loops(migrated_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[StartLoops]:
    """Starts all controllers on an empty cluster, with settings that differ from `TIMES`."""
    virtual_time.follow_process_clocks(monkeypatch)
    with ExitStack() as stack:

        def start(**settings: Any) -> Loops:
            clock = VirtualClock()
            store = stack.enter_context(closing(Store(migrated_url, clock=clock, writer="test")))
            return Loops(store, clock, Settings(**{**TIMES, **settings}))

        yield start


@pytest.fixture
def loops(start_loops: StartLoops) -> Loops:
    return start_loops()
