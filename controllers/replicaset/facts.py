"""What a set must know of a pod."""

from collections.abc import Mapping
from dataclasses import dataclass

from kuberklone.kinds.pod import FINISHED, Phase


@dataclass(frozen=True, slots=True, kw_only=True)
class PodFacts:
    uid: str
    revision: int = 0
    """At which it was read: what is done to it is done to it as it was then."""
    namespace: str = "default"
    name: str
    labels: Mapping[str, str]
    controller_uid: str | None = None
    """The owner that controls it."""
    node_name: str | None = None
    phase: Phase = "Pending"
    deleting: bool = False
    ready_since_ms: int | None = None
    created_ms: int = 0
    restarts: int = 0
    deletion_cost: int = 0
    """The annotation `controller.kubernetes.io/pod-deletion-cost`: of equal pods the cheapest goes first."""
    is_readable: bool = True
    """Whether its record makes sense. One that does not may run all the same: it counts, and is left alone."""

    @property
    def is_active(self) -> bool:
        """Whether it is one of the replicas: neither finished nor on its way out."""
        return self.phase not in FINISHED and not self.deleting

    def is_available(self, min_ready_ms: int, now_ms: int) -> bool:
        return self.ready_since_ms is not None and self.ready_since_ms + min_ready_ms <= now_ms
