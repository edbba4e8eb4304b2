"""What decisions about machines know: the rows of nodes, the machines that exist, the ways by which nodes report."""

from dataclasses import dataclass

from kuberklone.kinds.node import Machine as MachineState
from kuberklone.kinds.node import Provider, Readiness


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    grace_ms: int
    """node_grace_s: what a booted machine gets to be heard, and what makes a path count as silent."""
    backoff_ms: int
    backoff_max_ms: int
    attempts_max: int

    def backoff_after_ms(self, attempts: int) -> int:
        """The wait before the next attempt. The shift is bounded: numbers need not grow far beyond the limit."""
        return min(self.backoff_ms << min(attempts, 40), self.backoff_max_ms)

    def next_step_after_boot_ms(self, attempts: int) -> int:
        """From a boot to the next attempt, or, after the last one, to giving up."""
        return self.grace_ms + (self.backoff_after_ms(attempts) if attempts < self.attempts_max else 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Path:
    """A row of `reporting_paths`, and how many of its nodes are recorded as Ready."""

    name: str
    received_ms: int
    halted: bool = False
    resumed_ms: int | None = None
    ready: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What a provider says exists. List machines before reading rows: then a machine without a row is an orphan."""

    name: str
    uid: str
    boot_id: str
    running: bool = True
    """A machine that does not run is dead, not missing: its silence tells, like that of any other."""
    remnant: bool = False
    """The machine is gone, but something of its pods is left."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeFacts:
    uid: str
    name: str
    provider: Provider = "simulated"
    machine: MachineState = "Running"
    boot_id: str | None = None
    restarts: int = 0
    restarts_wanted: int = 0
    restarts_done: int = 0
    restart_attempts: int = 0
    restart_at_ms: int | None = None
    deleting: bool = False
    held: bool = False
    """Has finalizers: the machine may go, the row may not."""
    pods: int = 0
    """Unfinished pods bound to it (`node_use.pods`)."""
    ready: Readiness = "Unknown"
    heard: bool = True
    ready_since_ms: int = 0
    heard_boot_id: str | None = None
    """`heartbeats.boot_id`."""
    path: str | None = None

    @property
    def alive(self) -> bool:
        """Ready, and with the boot we want: right after a restart it is still the earlier boot that made it Ready."""
        return self.ready == "True" and self.heard_boot_id == self.boot_id
