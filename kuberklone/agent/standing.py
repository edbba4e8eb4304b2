"""What the agent was told and promised, shared by its threads: the grant, and the pods that are its own."""

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from kuberklone.agent import assignments, decide
from kuberklone.agent.assignments import Assignment
from kuberklone.agent.facts import Grant, Node
from kuberklone.clock import SystemClock
from kuberklone.kinds.pod import FINISHED
from kuberklone.kinds.reporting import Assigned


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """All of it at one moment."""

    node: Node
    assignments: dict[str, Assignment] | None
    """None until the cluster said what belongs here."""
    revision: int


class Standing:
    """Where the node stands with the cluster."""

    def __init__(
        self,
        *,
        node_name: str,
        boot_id: str,
        shares_network: bool,
        clock: SystemClock,
        on_grant: Callable[[Grant], None] = lambda grant: None,
    ) -> None:
        self._lock = threading.Lock()
        self._clock = clock
        self._on_grant = on_grant
        self._shares_network = shares_network
        self._node = Node(name=node_name, boot_id=boot_id)
        self._assignments: dict[str, Assignment] | None = None
        self._revision = 0

    def view(self) -> View:
        with self._lock:
            return View(node=self._node, assignments=self._assignments, revision=self._revision)

    def granted(self, grant_s: float, *, sent_ms: int, answered_ms: int) -> None:
        """A beat was answered. The grant counts from the sending, which is earlier than what the cluster counts from.

        An answer that came after the last grant's end leaves open when the cluster heard the beat: pods may have moved
        away in between, so only a list of pods that is asked for from now on counts.
        """
        lasts_ms = round(grant_s * 1000)
        with self._lock:
            before = self._node.grant
            renewed_ms = answered_ms if answered_ms >= before.until_ms else before.renewed_ms
            grant = Grant(until_ms=max(before.until_ms, sent_ms + lasts_ms), lasts_ms=lasts_ms, renewed_ms=renewed_ms)
            self._node = replace(self._node, grant=grant)
        self._on_grant(grant)

    def list_is_stale(self) -> bool:
        with self._lock:
            return self._assignments is None or self._node.listed_ms < self._node.grant.renewed_ms

    def told(self, assigned: Assigned, *, asked_ms: int) -> bool:
        """Go by this list; False where a newer one came first."""
        with self._lock:
            if self._assignments is not None and assigned.revision < self._revision:
                return False
            self._assignments = assignments.read(
                assigned.pods,
                self._assignments or {},
                shares_network=self._shares_network,
                now_ms=self._clock.steady_ms(),
            )
            self._revision = assigned.revision
            self._node = replace(self._node, listed_ms=max(self._node.listed_ms, asked_ms))
            return True

    def gone(self, uids: Iterable[str]) -> None:
        """These are not this node's any more."""
        leaving = set(uids)
        with self._lock:
            if self._assignments is not None:
                self._assignments = {uid: each for uid, each in self._assignments.items() if uid not in leaving}

    def cast_out(self) -> None:
        """The cluster knows no such node: nothing belongs here."""
        with self._lock:
            self._assignments = {}

    def permits(self, uid: str) -> bool:
        """Whether a container of the pod may be started this very moment."""
        view = self.view()
        found = (view.assignments or {}).get(uid)
        return (
            found is not None
            and not found.pod.deleting
            and found.pod.phase not in FINISHED
            and decide.may_run(found.pod, view.node, self._clock.steady_ms())
        )
