"""What is to be done about machines."""

from dataclasses import dataclass
from typing import Literal

from kuberklone.kinds.node import Machine as MachineState
from kuberklone.kinds.node import Provider

BootReason = Literal["Created", "Wanted", "Failed", "Missing"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Boot:
    """A new boot for the row: `boot_id` is drawn by the writer, and the provider is then asked to start it."""

    node_uid: str
    name: str
    provider: Provider
    reason: BootReason
    machine: MachineState
    restarts: int
    restarts_done: int
    restart_attempts: int
    restart_at_ms: int | None
    """When the next step follows if the boot is not heard."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """Ask the provider for the boot the row wants: an earlier pass wrote it and got no further. Idempotent."""

    node_uid: str
    name: str
    provider: Provider
    boot_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Adopt:
    """The row takes the boot that exists (`machine` Running): it booted by itself, or the row is from a backup."""

    node_uid: str
    boot_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovered:
    """`machine` Running, `restart_at_ms` null. Attempts stay until the node has proved stable."""

    node_uid: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stable:
    """`restart_attempts` 0."""

    node_uid: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """`restart_at_ms`."""

    node_uid: str
    restart_at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GiveUp:
    """`machine` Failed, `restart_at_ms` null."""

    node_uid: str
    attempts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Removal:
    """The provider removes the machine, if it exists; then `machine` Absent, `boot_id` null."""

    node_uid: str
    name: str
    provider: Provider
    exists: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Forget:
    """The row goes, if still no unfinished pod is bound to it."""

    node_uid: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Orphan:
    """A machine that no row wants."""

    provider: Provider
    name: str
    uid: str


Action = Boot | Start | Adopt | Recovered | Stable | Schedule | GiveUp | Removal | Forget


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    boots: tuple[Boot, ...] = ()
    starts: tuple[Start, ...] = ()
    adoptions: tuple[Adopt, ...] = ()
    recovered: tuple[Recovered, ...] = ()
    stable: tuple[Stable, ...] = ()
    schedules: tuple[Schedule, ...] = ()
    given_up: tuple[GiveUp, ...] = ()
    removals: tuple[Removal, ...] = ()
    forgotten: tuple[Forget, ...] = ()
    orphans: tuple[Orphan, ...] = ()
    next_wake_ms: int | None = None
