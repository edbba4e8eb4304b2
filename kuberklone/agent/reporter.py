"""Tells the cluster what is observed of the pods, until it has accepted it.

Level-triggered: what differs from what was accepted last is sent; ages alone are no difference. A pod that the cluster
still has otherwise although it accepted the report, as after a restored backup, is reported again.
"""

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import msgspec

from kuberklone import logs
from kuberklone.agent.assignments import Assignment
from kuberklone.agent.link import Link
from kuberklone.agent.standing import Standing
from kuberklone.clock import SystemClock
from kuberklone.errors import ApiUnavailable, KuberkloneError
from kuberklone.kinds.reporting import PodReport, Reports

# A pod's report is about 1 kB, or several with messages: far below what the API takes as rows and as a body (1 MiB).
_PODS_PER_REQUEST = 100
_REMOVED = "removed"

_log = logs.get()


@dataclass(frozen=True, slots=True)
class _Observed:
    report: PodReport | None
    """None: the pod's stop is confirmed."""
    what: bytes | str
    """The same for what need not be told again."""
    at_ms: int


class Reporter:
    def __init__(
        self,
        link: Link,
        *,
        session: str,
        boot_id: str,
        standing: Standing,
        nudge: Callable[[], None],
        clock: SystemClock,
    ) -> None:
        self._link = link
        self._session = session
        self._boot_id = boot_id
        self._standing = standing
        self._nudge = nudge
        self._clock = clock
        self._lock = threading.Lock()
        self._news = threading.Event()
        self._observed: dict[str, _Observed] = {}
        self._accepted: dict[str, bytes | str] = {}
        self._accepted_ms: dict[str, int] = {}

    def observe(
        self,
        reports: Iterable[PodReport],
        *,
        removed: Iterable[str],
        assigned: Mapping[str, Assignment],
        now_ms: int,
    ) -> None:
        """What is true now. Whatever was observed before and is not accepted yet is told no more."""
        observed = {each.uid: _Observed(each, _lasting(each), now_ms) for each in reports}
        observed |= {uid: _Observed(None, _REMOVED, now_ms) for uid in removed}
        listed_ms = self._standing.view().node.listed_ms
        with self._lock:
            self._observed = observed
            for uid in [uid for uid in self._accepted if uid not in observed]:
                self._take_back(uid)
            for uid, each in observed.items():
                # The list was asked for after the report was accepted, so it shows what became of it.
                if self._accepted_ms.get(uid, listed_ms) < listed_ms and not _is_as_reported(each, assigned[uid]):
                    self._take_back(uid)
            if any(self._accepted.get(uid) != each.what for uid, each in observed.items()):
                self._news.set()

    def wake(self) -> None:
        self._news.set()

    def run_once(self) -> bool:
        """Tell what is new; whether there was anything. Raises ApiUnavailable when it was not accepted."""
        self._news.clear()
        with self._lock:
            due = {uid: each for uid, each in self._observed.items() if self._accepted.get(uid) != each.what}
        uids = list(due)
        for start in range(0, len(uids), _PODS_PER_REQUEST):
            self._send({uid: due[uid] for uid in uids[start : start + _PODS_PER_REQUEST]})
        return bool(due)

    def wait(self, seconds: float) -> None:
        self._news.wait(seconds)

    def _send(self, due: Mapping[str, _Observed]) -> None:
        now_ms = self._clock.steady_ms()
        message = Reports(
            session=self._session,
            boot_id=self._boot_id,
            pods=[_aged(each.report, now_ms - each.at_ms) for each in due.values() if each.report is not None],
            removed=[uid for uid, each in due.items() if each.report is None],
        )
        try:
            accepted = self._link.report(message)
        except ApiUnavailable:
            raise
        except KuberkloneError as error:
            if len(due) > 1 and _is_about_one(error):
                for uid, each in due.items():
                    self._send({uid: each})
                return
            if not _is_about_one(error):
                raise
            # Sending the same again would be refused again; whatever comes next of the pod is sent.
            _log.error("report refused", error=str(error), count=len(due))
            self._note(due, now_ms)
            return
        self._note(due, now_ms)
        if accepted.gone:
            self._standing.gone(accepted.gone)
            self._nudge()

    def _note(self, due: Mapping[str, _Observed], now_ms: int) -> None:
        answered_ms = self._clock.steady_ms()
        with self._lock:
            for uid, each in due.items():
                self._accepted[uid] = each.what
                self._accepted_ms[uid] = answered_ms

    def _take_back(self, uid: str) -> None:
        self._accepted.pop(uid, None)
        self._accepted_ms.pop(uid, None)


def _is_about_one(error: KuberkloneError) -> bool:
    """Whether it is the content that was refused, and not who sends it."""
    return type(error) is KuberkloneError


def _lasting(report: PodReport) -> bytes:
    return msgspec.json.encode(msgspec.structs.replace(report, started_ago_ms=None, finished_ago_ms=None))


def _aged(report: PodReport, by_ms: int) -> PodReport:
    return msgspec.structs.replace(
        report,
        started_ago_ms=None if report.started_ago_ms is None else report.started_ago_ms + by_ms,
        finished_ago_ms=None if report.finished_ago_ms is None else report.finished_ago_ms + by_ms,
    )


def _is_as_reported(observed: _Observed, assignment: Assignment) -> bool:
    if observed.report is None:
        return False  # confirmed, and still there
    return observed.report.phase == assignment.pod.phase
