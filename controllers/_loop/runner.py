"""Runs one controller for as long as the process lives: stands for leadership, leads, renews, reports.

This is the only endless loop of the controllers, and the only place that catches everything: whatever goes wrong in a
pass is counted, shown in SQL and tried again, since state in the database may be repaired while we run.
"""

import math
import threading
from dataclasses import dataclass

from controllers._loop.contract import Controller, Outcome
from controllers._loop.glance import Glance
from kuberklone import logs
from kuberklone.clock import Clock
from kuberklone.errors import CursorExpired, LeadershipLost, SchemaTooNew, StoreUnavailable
from kuberklone.settings import Settings
from kuberklone.store import cluster_time, crashpoints, feed, leaderships
from kuberklone.store.database import Store
from kuberklone.store.leaderships import Candidate, Report
from kuberklone.store.nudge import Listener
from kuberklone.store.transaction import Fence, write

# The first retry comes quickly, since most errors are a passing conflict; a lasting one is not worth a busy loop.
_BACKOFF_FIRST_S = 0.1
_BACKOFF_MAX_S = 5.0
# Without any change the whole is looked at this often, in case a wake-up was computed wrongly.
_RESYNC_MS = 30_000
# Cluster time must be written more often than its largest gain (2 s), or a quiet cluster would lose time.
_TICK_MS = 900
_ERROR_LENGTH_MAX = 500

_log = logs.get()


@dataclass(slots=True)
class _Statistics:
    """What the loop says of itself in the `leaderships` row."""

    passes: int = 0
    errors: int = 0
    last_error: str | None = None
    last_error_ms: int | None = None
    pass_ms: int = 0

    def count_error(self, message: str, now_ms: int) -> None:
        self.errors += 1
        self.last_error = message[:_ERROR_LENGTH_MAX]
        self.last_error_ms = now_ms

    def report(self, *, revision_seen: int) -> Report:
        return Report(
            passes=self.passes,
            errors=self.errors,
            last_error=self.last_error,
            last_error_ms=self.last_error_ms,
            pass_ms=self.pass_ms,
            revision_seen=revision_seen,
        )


class Runner:
    """One controller under its leadership. `run` returns once `stop` is set."""

    def __init__(
        self,
        name: str,
        controller: Controller,
        *,
        store: Store,
        settings: Settings,
        stop: threading.Event,
        glance: Glance | None = None,
    ) -> None:
        """`glance` is what the controllers of one process share to know when nothing has happened."""
        self._name = name
        self._controller = controller
        self._store = store
        self._settings = settings
        self._stop = stop
        self._clock: Clock = store.clock
        self._statistics = _Statistics()
        self._glance = glance
        self._candidate = Candidate(store, name, term_s=settings.leadership_term_s, clock=store.clock)

    def run(self) -> None:
        """Stand, lead, and stand again, until told to stop."""
        listener = Listener(self._store)
        backoff_s = _BACKOFF_FIRST_S
        fence: Fence | None = None
        try:
            while not self._stop.is_set():
                began = self._clock.monotonic()
                try:
                    fence = fence or self._stand()
                    if fence is None:
                        # Often enough to notice a leader's end soon, whoever it was.
                        listener.wait(min(self._settings.leadership_term_s / 8, 0.5))
                        continue
                    self._lead(fence, listener)
                except LeadershipLost:
                    fence = None
                    _log.warning("leadership lost", controller=self._name)
                except StoreUnavailable as error:
                    # Still the leader, as far as we know: the fence tells if not. To stand anew would be to wait for
                    # the end of our own term.
                    _log.warning("store unavailable", controller=self._name, error=str(error))
                    if self._clock.monotonic() - began > _BACKOFF_MAX_S:
                        backoff_s = _BACKOFF_FIRST_S  # it worked in between
                    self._stop.wait(backoff_s)
                    backoff_s = min(_BACKOFF_MAX_S, backoff_s * 2)
        finally:
            listener.close()

    def _stand(self) -> Fence | None:
        fence = self._candidate.stand()
        if fence is not None:
            self._statistics = _Statistics()
            _log.info("leading", controller=self._name, epoch=fence.epoch)
            crashpoints.reach("loop.leading")
        return fence

    def _lead(self, fence: Fence, listener: Listener) -> None:
        self._controller.forget()
        passes = _Passes(self._controller, self._store, glance=self._glance)
        renewed_at = self._clock.monotonic()
        backoff_s = 0.0
        # No nudge has come since then, so what another thread has read since answers our question, too.
        quiet_since_s = self._clock.monotonic()
        while not self._stop.is_set():
            now_ms, due_in_s = passes.due(quiet_since_s)
            if due_in_s <= 0:
                backoff_s = self._pass(passes, fence, now_ms, backoff_s)
            if self._clock.monotonic() - renewed_at >= self._settings.leadership_renewal_s:
                renewed_at = self._clock.monotonic()
                self._renew(fence, passes)
            quiet_since_s = self._clock.monotonic()
            if backoff_s:
                self._stop.wait(backoff_s)
            elif listener.wait(min(self._settings.poll_s, max(due_in_s, 0.0))) or due_in_s <= 0:
                quiet_since_s = self._clock.monotonic()
                # A nudge wakes everybody at once. Whoever has a pace lets those go first that have none, and finds more
                # to do in one pass; a busy feed does not make a pass of every single change.
                self._stop.wait(self._controller.pace_s)
        leaderships.resign(self._store, fence)

    def _pass(self, passes: "_Passes", fence: Fence, now_ms: int, backoff_s: float) -> float:
        """One pass; how long to wait before the next because of an error, 0 when there was none."""
        started = self._clock.monotonic()
        try:
            outcome = passes.run(now_ms, fence)
        except (LeadershipLost, SchemaTooNew, StoreUnavailable):
            raise
        except CursorExpired:
            self._controller.forget()
            passes.again()
            return 0.0
        except Exception as error:  # noqa: BLE001 - the outermost boundary of the loop: one bad record must not end it
            _log.error("pass failed", controller=self._name, exc_info=error)
            self._statistics.count_error(f"{type(error).__name__}: {error}", now_ms)
            self._controller.forget()
            passes.again()
            return min(_BACKOFF_MAX_S, max(_BACKOFF_FIRST_S, backoff_s * 2))
        crashpoints.reach("loop.passed")
        self._statistics.passes += 1
        self._statistics.pass_ms = round((self._clock.monotonic() - started) * 1000)
        for message in outcome.errors:
            self._statistics.count_error(message, now_ms)
        if any(outcome.counts.values()):
            _log.info("passed", controller=self._name, took_ms=self._statistics.pass_ms, **outcome.counts)
        return 0.0

    def _renew(self, fence: Fence, passes: "_Passes") -> None:
        if not leaderships.renew(self._store, fence, self._statistics.report(revision_seen=passes.seen)):
            raise LeadershipLost
        crashpoints.reach("loop.renewed")
        with self._store.snapshot() as connection:
            behind_ms = cluster_time.unadvanced_ms(connection, wall_ms=self._clock.wall_ms())
        if behind_ms >= _TICK_MS:
            with write(self._store):
                pass  # beginning a write advances cluster time


class _Passes:
    """When the next pass is due: when a watched record changed, when the last pass wanted it, or after a while."""

    def __init__(self, controller: Controller, store: Store, *, glance: Glance | None = None) -> None:
        self._controller = controller
        self._store = store
        self._glance = glance
        self._wake_ms: int | None = 0
        self.seen = 0
        """Everything up to this revision was there to be read when the last pass began."""
        self._newest = 0

    def due(self, quiet_since_s: float = math.inf) -> tuple[int, float]:
        """Cluster time now, and in how many seconds the next pass is due (0 or less: now).

        What somebody else has read after `quiet_since_s` may only say "not yet", and the time it says is a moment old.
        """
        if self._glance is not None and self._wake_ms:
            seen = self._glance.look(since_s=quiet_since_s)
            due_in_s = (self._wake_ms - seen.now_ms) / 1000 - (self._store.clock.monotonic() - seen.at_s)
            if seen.head <= self.seen and due_in_s > 0:
                return seen.now_ms, due_in_s
        return self._look()

    def _look(self) -> tuple[int, float]:
        with self._store.snapshot() as connection:
            now_ms = cluster_time.now_ms(connection, wall_ms=self._store.clock.wall_ms())
            self._newest = feed.head(connection)
            changed = self._wake_ms == 0 or feed.any_after(
                connection, self.seen, upto=self._newest, resources=self._controller.watches
            )
        if changed:
            return now_ms, 0.0
        self.seen = self._newest
        assert self._wake_ms is not None, "a pass sets its wake-up"
        return now_ms, (self._wake_ms - now_ms) / 1000

    def run(self, now_ms: int, fence: Fence) -> Outcome:
        seen = self._newest
        outcome = self._controller.run_once(now_ms, fence)
        self.seen = seen
        resync_ms = now_ms + _RESYNC_MS
        self._wake_ms = resync_ms if outcome.next_wake_ms is None else min(outcome.next_wake_ms, resync_ms)
        return outcome

    def again(self) -> None:
        """The last pass did not come to its end."""
        self._wake_ms = 0
