"""What an agent knows when it decides: its node, the pods it was given, the containers that exist, what it remembers.

All moments are milliseconds of the agent's own steady clock, which neither jumps nor stops while the machine sleeps.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from kuberklone.kinds.pod import OnNodeFailure, Phase

Policy = Literal["Always", "OnFailure", "Never"]

NETWORK = "pod.network"
"""Name of the container that only holds a pod's network. It has a dot, which no container of a pod may have."""

GRACE_DEFAULT_MS = 30_000  # Kubernetes' terminationGracePeriodSeconds

# A grant's last part is for stopping: a pod has to be gone when the grant ends, for its successor may start then. An
# eighth still lets a beat or two get lost; stopping a hundred containers takes an engine no more than five seconds.
_STOPPING_SHARE = 8
_STOPPING_MAX_MS = 5_000


class Key(NamedTuple):
    """A container of a pod, whatever run of it."""

    pod_uid: str
    container: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """For how long pods may run that the cluster would start elsewhere."""

    until_ms: int = 0
    lasts_ms: int = 0
    renewed_ms: int = 0
    """When the request was sent that ended the last time without a grant (0: there was none yet)."""

    @property
    def stopping_ms(self) -> int:
        return min(self.lasts_ms // _STOPPING_SHARE, _STOPPING_MAX_MS)

    @property
    def stop_at_ms(self) -> int:
        return self.until_ms - self.stopping_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    name: str
    boot_id: str
    """What the machine runs now."""
    grant: Grant = Grant()
    listed_ms: int = 0
    """When the list of pods was asked for that the agent goes by."""

    def holds_grant(self, now_ms: int) -> bool:
        """Whether pods may run that the cluster would start elsewhere.

        After a time without a grant only a list that was asked for later counts: an older one may still name a pod that
        has moved away meanwhile.
        """
        return now_ms < self.grant.stop_at_ms and self.listed_ms >= self.grant.renewed_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class Pod:
    """A pod that is bound to this node."""

    uid: str
    namespace: str = "default"
    name: str
    phase: Phase = "Pending"
    """As the cluster has it."""
    on_node_failure: OnNodeFailure = "Delete"
    policy: Policy = "Always"
    init: tuple[str, ...] = ()
    """Names of the containers that have to succeed one after another before the others start."""
    mains: tuple[str, ...] = ("main",)
    has_network: bool = False
    """Whether a container of its own holds the network, which the others join."""
    starts_at_ms: int = 0
    deleting: bool = False
    grace_ms: int = GRACE_DEFAULT_MS
    held: bool = False
    """Has finalizers: it is stopped, but whoever holds it must let go before it is removed."""
    restarts: int = 0
    invalid: str = ""
    """Why it cannot be run at all."""


State = Literal["Created", "Running", "Exited"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """One run of a pod's container, as the engine lists it."""

    id: str
    pod_uid: str
    name: str = "main"
    attempt: int = 0
    boot_id: str
    state: State = "Running"
    started_ms: int = 0
    ended_ms: int = 0
    exit_code: int = 0
    out_of_memory: bool = False
    restart_delay_ms: int = 0
    """How long after its end the next run has to wait. It was decided when this one was made, and is kept with it, so
    that an agent started anew does not forget it."""
    started_at: str = ""
    ended_at: str = ""
    """The same moments as the engine writes them, for people."""
    image: str = ""
    image_id: str = ""
    error: str = ""
    address: str = ""

    @property
    def key(self) -> Key:
        return Key(self.pod_uid, self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why a container could not be made or started, and when it is tried again."""

    reason: str
    message: str
    retry_at_ms: int
    delay_ms: int
    at_start: bool = False
    """The container was made, and its command could not be run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What only this process knows. Losing it costs a second SIGTERM or an early retry, nothing else."""

    signalled: Mapping[str, int] = field(default_factory=dict)
    """When containers, by their id, were told to end."""
    failures: Mapping[Key, Failure] = field(default_factory=dict)
    busy: frozenset[Key] = frozenset()
    """What a call to the engine is under way for, so that what is listed of it may be out of date."""
