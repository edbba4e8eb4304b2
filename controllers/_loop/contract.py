"""What a controller is to the loop that runs it.

A controller is level-triggered and set-based: a pass reads what is, decides purely, and writes the plan under its
fence. It is never told what happened, so losing a wake-up or running a pass twice changes nothing, and whatever it
keeps in memory it can read anew at any time.

| a pass …                     | the loop …                                                        |
|------------------------------|-------------------------------------------------------------------|
| returns an Outcome           | runs the next one when a watched record changes or `next_wake_ms` comes |
| raises LeadershipLost        | stops leading, `forget`s, and stands as a candidate again           |
| raises CursorExpired         | `forget`s and runs another pass at once                           |
| raises SchemaTooNew          | ends: a newer program has migrated the database                   |
| raises anything else         | counts and logs it, `forget`s, and tries again after a back-off     |
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from kuberklone.settings import Settings
from kuberklone.store.database import Store
from kuberklone.store.transaction import Fence


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a pass did and when it wants to be woken, in cluster time; None: only by a change."""

    counts: Mapping[str, int] = field(default_factory=dict)
    next_wake_ms: int | None = None
    errors: tuple[str, ...] = ()
    """Single records that could not be handled; the pass went on without them."""


class Controller(Protocol):
    """One loop's content. `controllers/NAME/reconcile.py` makes it by a function `controller(store, settings)`."""

    @property
    def watches(self) -> tuple[str, ...]:
        """Resources whose changes call for a pass."""
        ...

    @property
    def pace_s(self) -> float:
        """Least time between two passes: how long a controller may wait so that one pass does the work of many."""
        ...

    def run_once(self, now_ms: int, fence: Fence) -> Outcome:
        """One pass at cluster time `now_ms`. Every write goes through `fence`."""
        ...

    def forget(self) -> None:
        """Drop everything kept in memory: leadership was won, or the last pass failed somewhere."""
        ...


Factory = Callable[[Store, Settings], Controller]
