"""Decides which simulated nodes beat, which boots they take up, and what their agents do with their pods.

Rounds of heartbeats lie on a grid of cluster time (round n at n · interval), so a new leader knows the round without
a row. A round covers every node of the path in one statement but for the few named as silent; that is why only nodes
with a fault or a boot not yet taken up are handed in.

What a fault does, and only here: no other controller reads it.

* crash: the machine is off; its containers are gone. The next boot ends it if `restart` is true, else it outlives
  every boot.
* freeze: the machine stands still. partition: it runs on, but nothing gets in or out. Both last until healed, and a
  boot under them gets no further than the machine: the agent cannot register it.
* slow: a beat every third round; starts and stops take ten times as long.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from kuberklone.agent import lifecycle
from kuberklone.agent.lifecycle import Action, Agent, Condition, Container, Exit, PodFacts, Remove, Report, Start, Stop

SLOW_BEATS_EVERY = 3

FaultKind = Literal["crash", "freeze", "partition", "slow"]

_CONDITIONS: dict[FaultKind, Condition] = {
    "crash": "crashed",
    "freeze": "frozen",
    "partition": "partitioned",
    "slow": "slow",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    heartbeat_interval_ms: int
    grant_ms: int
    """How long a beat allows Reschedule pods to run. At most the grace of node_health: then no move waits for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A row of `faults`."""

    kind: FaultKind
    restart: bool = False
    boot_id: str | None = None
    """The boot that was hit; None where the node had none yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedNode:
    uid: str
    name: str
    boot_id: str | None
    """What controllers/node wants the machine to run; None: no machine."""
    registered_boot_id: str | None = None
    """`heartbeats.boot_id`: what was last heard; None: nothing ever."""
    granted_until_ms: int = 0
    fault: Fault | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """A boot taken up: the node's `heartbeats` row gets it, with a beat (`seq` grows) and a new grant, at once."""

    node_uid: str
    name: str
    boot_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    number: int
    due: bool
    """Whether all nodes of the path but `silent` beat now, and the path with them, in the same transaction."""
    silent: tuple[str, ...]
    registrations: tuple[Registration, ...]
    ended_faults: tuple[str, ...]
    """Uids of nodes whose crash ended with a boot."""
    granted_until_ms: int
    next_wake_ms: int


def decide_round(nodes: Iterable[SimulatedNode], *, last_round: int | None, settings: Settings, now_ms: int) -> Round:
    """One round, if it is due, and the boots to take up, which never wait for a round.

    `last_round` is what this process beat last; None, a process just started, beats at once: an extra beat harms
    nobody, a missing one may.
    """
    number = now_ms // settings.heartbeat_interval_ms
    silent: list[str] = []
    registrations: list[Registration] = []
    ended_faults: list[str] = []
    for node in nodes:
        fault = _fault_now(node)
        if fault is None and node.fault is not None:
            ended_faults.append(node.uid)
        if _takes_up_boot(node, fault):
            assert node.boot_id is not None
            registrations.append(Registration(node_uid=node.uid, name=node.name, boot_id=node.boot_id))
        elif not _beats(node, fault, number=number, last_round=last_round):
            silent.append(node.uid)
    return Round(
        number=number,
        due=number != last_round,
        silent=tuple(silent),
        registrations=tuple(registrations),
        ended_faults=tuple(ended_faults),
        granted_until_ms=now_ms + settings.grant_ms,
        next_wake_ms=(number + 1) * settings.heartbeat_interval_ms,
    )


def agent_of(node: SimulatedNode) -> Agent | None:
    """The node's agent once the round is written; None where there is no machine.

    A node whose boot is not registered takes no pods: whoever would tell it has not heard that it is there.
    """
    if node.boot_id is None:
        return None
    fault = _fault_now(node)
    condition: Condition = "well" if fault is None else _CONDITIONS[fault.kind]
    if condition in ("well", "slow") and node.registered_boot_id != node.boot_id:
        condition = "partitioned"
    return Agent(node_name=node.name, boot_id=node.boot_id, condition=condition, granted_until_ms=node.granted_until_ms)


def awaits_grant(agent: Agent, *, now_ms: int) -> bool:
    """Whether the agent can be heard but has not beaten since its grant ended: it starts no Reschedule pod until then.

    So it is after a cut has healed, up to the node's next beat.
    """
    return agent.condition in ("well", "slow") and agent.granted_until_ms <= now_ms


def _fault_now(node: SimulatedNode) -> Fault | None:
    """The fault, unless it is a crash that a boot has ended."""
    fault = node.fault
    if fault is not None and fault.kind == "crash" and fault.restart and node.boot_id not in (None, fault.boot_id):
        return None
    return fault


def _takes_up_boot(node: SimulatedNode, fault: Fault | None) -> bool:
    booted = node.boot_id is not None and node.boot_id != node.registered_boot_id
    return booted and (fault is None or fault.kind == "slow")


def _beats(node: SimulatedNode, fault: Fault | None, *, number: int, last_round: int | None) -> bool:
    if node.boot_id is None:
        return False
    if fault is None:
        return True
    # A third round that was left out because we were late, or not there at all, is made up for.
    due = last_round is None or number // SLOW_BEATS_EVERY > last_round // SLOW_BEATS_EVERY
    return fault.kind == "slow" and due


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """One pod, or one container, or both: matched by the pod's uid and, for the pod, by the node it is bound to.

    The containers of a node belong here when it has a fault, another boot or is gone; all else when it is due.
    """

    pod: PodFacts | None
    container: Container | None
    agent: Agent | None
    """None: the node, or its machine, is gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PodPlan:
    """To be written in this order, in one transaction or in several: stops come before starts, whatever else waits."""

    stops: tuple[Stop, ...]
    starts: tuple[Start, ...]
    exits: tuple[Exit, ...]
    reports: tuple[Report, ...]
    """At most one for each pod: the last word."""
    removes: tuple[Remove, ...]
    next_wake_ms: int | None


def decide_pods(works: Sequence[Work], *, now_ms: int) -> PodPlan:
    """What the agents do now, in the order that never lets two copies run: all stops of all nodes first."""
    actions: list[Action] = []
    wakes_ms: list[int] = []
    for work in works:
        if work.agent is None:
            if work.container is not None:
                actions.append(Stop(pod_uid=work.container.pod_uid, reason="NodeGone"))
            continue
        steps, next_ms = lifecycle.settle(work.pod, work.container, agent=work.agent, now_ms=now_ms)
        actions.extend(steps)
        if next_ms is not None:
            wakes_ms.append(next_ms)
    return PodPlan(
        stops=tuple(each for each in actions if isinstance(each, Stop)),
        starts=tuple(each for each in actions if isinstance(each, Start)),
        exits=tuple(each for each in actions if isinstance(each, Exit)),
        reports=tuple({each.pod_uid: each for each in actions if isinstance(each, Report)}.values()),
        removes=tuple(each for each in actions if isinstance(each, Remove)),
        next_wake_ms=min(wakes_ms, default=None),
    )
