"""Decides from heartbeats which nodes are Ready and which have been silent for too long.

Silence is counted, not computed from a time stamp: a node's silence grows by the time since it was last counted, but
by no more than two passes at once, and only if the path the node reports through (the API, the simulator) has
meanwhile proved itself alive by a beat of its own. So neither an outage of ours nor a laptop's sleep is anybody's
death.

Only suspects are handed in: nodes not heard for `suspect_after_ms`, and nodes that are not Ready. All others are
fresh by definition, and the plan comes out as if every node had been counted in every pass.

A path is *halted* when all its nodes look dead, or more than 90 % of ten or more: then it is likelier that we cannot
hear than that all died. Its nodes still become NotReady, which is what we know, but nothing is evicted and restarts
only probe (controllers/node). Source: the zones of Kubernetes' node lifecycle controller, which stops evictions when
a zone is fully disrupted. Leaving the halt, silence is counted from zero, and so are the deadlines of others
(`resumed_ms`).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from kuberklone.kinds.node import HEARD, SILENT, Machine, Readiness

_SHARE_NODES_MIN = 10
"""Below ten nodes a share says little: two of three dead is an ordinary bad day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    heartbeat_interval_ms: int
    grace_ms: int
    pass_interval_ms: int
    """Longest time between two passes."""

    @property
    def suspect_after_ms(self) -> int:
        """A beat is missing once one and a half intervals went by: a late one is not yet a missing one."""
        return self.heartbeat_interval_ms * 3 // 2

    @property
    def looks_dead_after_ms(self) -> int:
        """When the first of many nodes cut off together is judged dead, the last of them has been silent this long.

        Beats of one interval are spread over it, and pods may tolerate less than an interval: counting only the nodes
        already judged would evict from the first before the last is known to be silent, too.
        """
        return max(self.suspect_after_ms, self.grace_ms - self.suspect_after_ms)


@dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat:
    """A row of `heartbeats`. Its sequence number never falls; where a boot starts anew, so does `silent_seq` (-1)."""

    path: str
    boot_id: str
    seq: int
    received_ms: int
    silent_seq: int = -1
    """The beat whose silence `silence_ms` counts; another number: a beat has come since."""
    silence_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspect:
    """A node not heard for a while, or not Ready."""

    uid: str
    boot_id: str | None
    """The boot that should beat; None where nobody but the agent knows it."""
    machine: Machine = "Running"
    deleting: bool = False
    ready: Readiness
    heard: bool = True
    """False for a node that never beat (`ready_reason` NeverHeard): it is pending, which is not dead."""
    heartbeat: Heartbeat | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Path:
    """A row of `reporting_paths`, and how many of its nodes are recorded as Ready."""

    name: str
    beat: int
    judged_beat: int
    judged_ms: int
    halted: bool = False
    halted_since_ms: int | None = None
    resumed_ms: int | None = None
    ready: int

    @property
    def proved_alive(self) -> bool:
        return self.beat != self.judged_beat


@dataclass(frozen=True, slots=True, kw_only=True)
class PathJudged:
    """The columns of `reporting_paths` that this controller owns."""

    path: str
    judged_beat: int
    judged_ms: int
    halted: bool
    halted_since_ms: int | None
    resumed_ms: int | None
    """When the path last left a halt: evictions and restarts count from here if their own start lies before it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """`heartbeats.silent_seq` and `silence_ms` of a node. Only where `seq` is still the node's: a new beat wins."""

    node_uid: str
    seq: int
    silence_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """`nodes.ready`, `ready_reason`; `ready_since_ms` is the pass's time."""

    node_uid: str
    ready: Readiness
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """To be written in this order: a path's halt must be seen no later than the nodes that died with it."""

    paths: tuple[PathJudged, ...] = ()
    silences: tuple[Silence, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    next_wake_ms: int


@dataclass(slots=True)
class _Tally:
    """What one path's nodes look like after this pass."""

    alive: int
    dead: int = 0
    fading: int = 0
    """Still Ready, but silent for so long that they would die with the others."""
    heard_suspects: int = 0
    silent: list[tuple[str, Heartbeat, int]] = field(default_factory=list)

    def should_halt(self, *, halted: bool) -> bool:
        look_dead = self.dead + self.fading
        total = self.alive + look_dead
        most = total >= _SHARE_NODES_MIN and look_dead * 10 > total * 9
        if halted:
            # Nodes given up one after the other are not a recovery: only a living node is, or that none is left.
            return most or (self.alive == 0 and self.heard_suspects > 0)
        return self.dead > 0 and (most or self.alive == 0)


def decide(suspects: Sequence[Suspect], *, paths: Iterable[Path], settings: Settings, now_ms: int) -> Plan:
    """Judge all suspects of all paths.

    A beat since the last look makes a node Ready at once. A Ready node whose silence reaches the grace becomes Unknown.
    A node that was heard before is judged whatever has become of its machine; one never heard stays pending.
    """
    by_name = {path.name: path for path in paths}
    tallies = {name: _Tally(alive=path.ready) for name, path in by_name.items()}
    verdicts: list[Verdict] = []
    wakes_ms = [now_ms + settings.pass_interval_ms]
    for suspect in suspects:
        heartbeat = suspect.heartbeat
        if heartbeat is None or heartbeat.path not in by_name:
            continue  # never heard, so there is nothing to judge
        path, tally = by_name[heartbeat.path], tallies[heartbeat.path]
        silence_ms = _silence_ms(heartbeat, path=path, settings=settings, now_ms=now_ms)
        verdict = _verdict(suspect, heartbeat, path=path, silence_ms=silence_ms, settings=settings)
        if verdict is not None:
            verdicts.append(verdict)
        _count(tally, suspect, heartbeat, verdict=verdict, silence_ms=silence_ms, settings=settings)
        if suspect.ready == "True" and verdict is None:
            # Not yet proved: look again soon, for nothing announces a path's beat.
            least_ms = 1 if path.proved_alive else max(100, settings.pass_interval_ms // 10)
            wakes_ms.append(now_ms + max(least_ms, settings.grace_ms - silence_ms))
    judged = [_judge_path(path, tallies[name], now_ms=now_ms) for name, path in by_name.items() if path.proved_alive]
    return Plan(
        paths=tuple(judged),
        silences=tuple(_silences(judged, by_name=by_name, tallies=tallies)),
        verdicts=tuple(verdicts),
        next_wake_ms=min(wakes_ms),
    )


def _silence_ms(heartbeat: Heartbeat, *, path: Path, settings: Settings, now_ms: int) -> int:
    """The node's silence now, provided that its path has proved itself alive."""
    if heartbeat.seq == heartbeat.silent_seq:
        counted_ms, since_ms = heartbeat.silence_ms, path.judged_ms
    else:
        # Not counted before because it was no suspect: made up for what the passes since its beat would have said.
        counted_ms = min(max(0, path.judged_ms - heartbeat.received_ms), settings.suspect_after_ms)
        since_ms = max(path.judged_ms, heartbeat.received_ms)
    return counted_ms + min(max(0, now_ms - since_ms), 2 * settings.pass_interval_ms)


def _verdict(
    suspect: Suspect, heartbeat: Heartbeat, *, path: Path, silence_ms: int, settings: Settings
) -> Verdict | None:
    if suspect.ready == "True":
        stale = path.proved_alive and silence_ms >= settings.grace_ms
        return Verdict(node_uid=suspect.uid, ready="Unknown", reason=SILENT) if stale else None
    # A beat of an earlier boot is that of a machine about to go; the boot we wait for has not spoken.
    current = suspect.boot_id is None or heartbeat.boot_id == suspect.boot_id
    beat_since = heartbeat.seq != heartbeat.silent_seq
    if current and beat_since:
        return Verdict(node_uid=suspect.uid, ready="True", reason=HEARD)
    return None


def _count(
    tally: _Tally,
    suspect: Suspect,
    heartbeat: Heartbeat,
    *,
    verdict: Verdict | None,
    silence_ms: int,
    settings: Settings,
) -> None:
    ready_after = (verdict.ready if verdict else suspect.ready) == "True"
    tally.heard_suspects += suspect.heard or ready_after
    if suspect.ready == "True":
        # Once counted, every count must be kept, for the next one only adds the time since this pass.
        if heartbeat.seq == heartbeat.silent_seq or silence_ms > settings.suspect_after_ms:
            tally.silent.append((suspect.uid, heartbeat, silence_ms))
        if not ready_after:
            tally.alive -= 1
        elif silence_ms >= settings.looks_dead_after_ms:
            tally.alive -= 1
            tally.fading += 1
    elif ready_after:
        tally.alive += 1
    # Neither a node given up nor one on its way out says anything about the path.
    if not ready_after and suspect.heard and not suspect.deleting and suspect.machine != "Failed":
        tally.dead += 1


def _judge_path(path: Path, tally: _Tally, *, now_ms: int) -> PathJudged:
    halted = tally.should_halt(halted=path.halted)
    since_ms = path.halted_since_ms if path.halted else now_ms
    return PathJudged(
        path=path.name,
        judged_beat=path.beat,
        judged_ms=now_ms,
        halted=halted,
        halted_since_ms=since_ms if halted else None,
        resumed_ms=now_ms if path.halted and not halted else path.resumed_ms,
    )


def _silences(
    judged: Iterable[PathJudged], *, by_name: Mapping[str, Path], tallies: Mapping[str, _Tally]
) -> Iterable[Silence]:
    """Rows for the paths that proved themselves alive; from zero where a path leaves its halt."""
    for each in judged:
        leaves = by_name[each.path].halted and not each.halted
        for uid, heartbeat, silence_ms in tallies[each.path].silent:
            yield Silence(node_uid=uid, seq=heartbeat.seq, silence_ms=0 if leaves else silence_ms)
