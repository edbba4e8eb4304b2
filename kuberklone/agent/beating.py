"""Keeps the node heard: registers, beats, and takes the grant that comes with each answer.

A thread of its own that never touches the engine, so an engine that hangs does not make the node look dead.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from kuberklone import logs
from kuberklone.agent.link import Link
from kuberklone.agent.standing import Standing
from kuberklone.agent.usage import Sample
from kuberklone.chance import Chance
from kuberklone.clock import SystemClock
from kuberklone.errors import ApiUnavailable, Forbidden, NotFound, Refused, Unauthenticated
from kuberklone.kinds.reporting import ROWS_MAX, Beat, MachineInfo, Register

# The first retry comes at once, for an API that is started anew answers within a second; a lasting outage is asked
# often enough that the node is not judged dead after it, and with jitter, so that not all nodes ask at the same moment.
RETRY_FIRST_S = 0.5
RETRY_MAX_S = 5.0
# A beat that takes longer than a third of the grant is given up, since another one can still save the grant; but no
# API that is merely busy is cut short, and none is waited for longer than for two beats of the usual pace.
_PATIENCE_SHARE = 3
_PATIENCE_MIN_S = 1.0
_PATIENCE_MAX_S = 5.0
# Being unknown to the cluster is taken for true when it was said this often: what follows cannot be undone.
_REFUSALS_MAX = 3

_chance = Chance()
_log = logs.get()


@dataclass(frozen=True, slots=True, kw_only=True)
class Introduction:
    """Who speaks for the node."""

    boot_id: str
    session: str
    machine: MachineInfo


class Backoff:
    """How long to wait before the next try."""

    def __init__(self) -> None:
        self._next_s = RETRY_FIRST_S

    def seconds(self) -> float:
        wait_s, self._next_s = self._next_s, min(RETRY_MAX_S, self._next_s * 2)
        return wait_s + _chance.jitter(below=wait_s)

    def reset(self) -> None:
        self._next_s = RETRY_FIRST_S


class Measured(Protocol):
    """Whoever measured what is used."""

    @property
    def last(self) -> Sample: ...


class Beats:
    def __init__(
        self,
        link: Link,
        introduction: Introduction,
        *,
        standing: Standing,
        usage: Measured,
        running: Callable[[], list[str]],
        clock: SystemClock,
    ) -> None:
        self._link = link
        self._introduction = introduction
        self._standing = standing
        self._usage = usage
        self._running = running
        self._clock = clock
        self._backoff = Backoff()
        self._seq: int | None = None
        self._interval_s = RETRY_FIRST_S
        self._patience_s = _PATIENCE_MAX_S
        self._refusals = 0
        self.registered = threading.Event()

    def run(self, stop: threading.Event) -> None:
        """Until told to stop. Raises Superseded, or what the API said when it knows the node no more."""
        while not stop.is_set():
            began_ms = self._clock.steady_ms()
            try:
                self.run_once()
            except ApiUnavailable as error:
                _log.warning("api not reached", url=self._link.server, error=str(error))
                stop.wait(self._backoff.seconds())
                continue
            except Refused as error:
                _log.warning("registering again", error=str(error))
                self._seq = None
                stop.wait(self._backoff.seconds())
                continue
            except (Unauthenticated, Forbidden, NotFound) as error:
                self._refusals += 1
                _log.warning("api knows this node no more", url=self._link.server, error=str(error))
                if self._refusals >= _REFUSALS_MAX:
                    raise
                stop.wait(self._backoff.seconds())
                continue
            self._backoff.reset()
            self._refusals = 0
            stop.wait(max(0.0, self._interval_s - (self._clock.steady_ms() - began_ms) / 1000))

    def run_once(self) -> None:
        """Register, or beat; after a time without a grant, ask what still belongs here."""
        if self._seq is None:
            self._register()
        else:
            self._beat(self._seq + 1)
        if self._standing.list_is_stale():
            asked_ms = self._clock.steady_ms()
            self._standing.told(self._link.pods(after=0, wait_s=0), asked_ms=asked_ms)

    def _register(self) -> None:
        sent_ms = self._clock.steady_ms()
        registered = self._link.register(
            Register(
                boot_id=self._introduction.boot_id,
                session=self._introduction.session,
                machine=self._introduction.machine,
                running=self._running()[:ROWS_MAX],
            )
        )
        self._standing.granted(registered.grant_s, sent_ms=sent_ms, answered_ms=self._clock.steady_ms())
        self._seq = registered.seq
        self._patience_s = min(_PATIENCE_MAX_S, max(_PATIENCE_MIN_S, registered.grant_s / _PATIENCE_SHARE))
        self._interval_s = registered.heartbeat_interval_s
        self.registered.set()
        _log.info("registered", name=registered.node_name)

    def _beat(self, seq: int) -> None:
        sample = self._usage.last
        sent_ms = self._clock.steady_ms()
        # Counted before it is sent: one whose answer was lost may have been heard.
        self._seq = seq
        beaten = self._link.beat(
            Beat(session=self._introduction.session, seq=seq, usage=sample.node, pods=list(sample.pods[:ROWS_MAX])),
            timeout_s=self._patience_s,
        )
        self._standing.granted(beaten.grant_s, sent_ms=sent_ms, answered_ms=self._clock.steady_ms())
