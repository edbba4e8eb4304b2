"""Decides which machines to create, restart and remove, so that those that exist become those that are wanted.

The row says first which boot shall exist (`boot_id`), then the provider is asked for it. So whatever was interrupted
shows as a difference between row and machine, and the next pass finishes it: nothing is lost and nothing is done
twice.

A node that node_health judged dead is restarted one back-off after the judgement; a restarted one gets its grace to
be heard before the next back-off begins. Back-offs double up to a limit, attempts are counted in the row up to
another, then the node is Failed until it is heard again or a person restarts it. A node that stayed Ready for as long
as the back-off it last waited has recovered, and is counted from zero. Source: the kubelet's CrashLoopBackOff, with a
limit.

While a path is halted (all its nodes look dead), restarts only *probe*: as many nodes at a time as are Ready there,
and at least one, those tried least first, each until it was Ready for one back-off. If only we cannot hear, one wrongly
restarted node is the harm; if all did die, a first node returns, the path leaves its halt, and the others follow: no
restarts at all would wait for ever. See docs/decisions/0004-restarts-while-a-path-is-halted.md. A path that is silent
itself proves nobody's death: no restart counts while it is.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from controllers.node.facts import Machine, NodeFacts, Path, Settings
from controllers.node.plan import (
    Action,
    Adopt,
    Boot,
    BootReason,
    Forget,
    GiveUp,
    Orphan,
    Plan,
    Recovered,
    Removal,
    Schedule,
    Stable,
    Start,
)
from kuberklone.kinds.node import Machine as MachineState
from kuberklone.kinds.node import Provider


@dataclass(slots=True)
class _Pass:
    """What one call of `decide` works with and finds."""

    settings: Settings
    now_ms: int
    paths: Mapping[str, Path]
    actions: list[Action] = field(default_factory=list)
    wakes_ms: list[int] = field(default_factory=list)
    probes: list[tuple[int, int, NodeFacts]] = field(default_factory=list)
    """(attempts, due, node) of nodes whose restart is due on a halted path."""
    probing: dict[str, int] = field(default_factory=dict)
    """How many nodes of a halted path were booted and may yet be heard, or were heard only just now."""


def decide(
    nodes: Sequence[NodeFacts],
    *,
    machines: Mapping[Provider, Sequence[Machine]],
    paths: Iterable[Path],
    settings: Settings,
    now_ms: int,
) -> Plan:
    """`nodes` are all nodes of the providers in `machines`.

    A provider that could not be listed is missing there, and its nodes are left alone: not to know what exists is no
    reason to create or to restart. External nodes are never created, restarted or removed, only forgotten.
    """
    this = _Pass(settings=settings, now_ms=now_ms, paths={path.name: path for path in paths})
    existing = {machine.uid: machine for listed in machines.values() for machine in listed}
    orphans = tuple(_orphans(nodes, machines))
    taken = {(orphan.provider, orphan.name) for orphan in orphans}
    for node in nodes:
        if node.provider == "external":
            if node.deleting and node.pods == 0 and not node.held:
                this.actions.append(Forget(node_uid=node.uid, name=node.name))
        elif node.provider not in machines:
            continue
        elif node.deleting:
            _leave(this, node, existing.get(node.uid))
        elif (node.provider, node.name) not in taken:  # else the name is still that of an earlier node's machine
            _keep(this, node, _whole(existing.get(node.uid), node))
    _probe(this)
    return _plan(this, orphans)


def _orphans(nodes: Sequence[NodeFacts], machines: Mapping[Provider, Sequence[Machine]]) -> Iterator[Orphan]:
    wanted = {node.uid for node in nodes}
    for provider, listed in machines.items():
        for machine in listed:
            if machine.uid not in wanted:
                yield Orphan(provider=provider, name=machine.name, uid=machine.uid)


def _whole(machine: Machine | None, node: NodeFacts) -> Machine | None:
    """The machine under the boot that it runs; None when only remnants are left, which the next boot removes.

    A machine that somebody stopped and started by hand runs another boot than the one it was made for, and only its
    agent knows which. What was heard is believed only while no boot of ours is awaited: then it is of an earlier one.
    """
    if machine is None or machine.remnant:
        return None
    if machine.running and node.machine == "Running" and node.heard_boot_id is not None:
        return replace(machine, boot_id=node.heard_boot_id)
    return machine


def _leave(this: _Pass, node: NodeFacts, machine: Machine | None) -> None:
    """A node being deleted. The agent of a Ready one stops its pods first; of another nobody expects that any more, and
    once its machine is gone it is certain that nothing runs there."""
    if machine is None and node.machine == "Absent":
        if node.pods == 0 and not node.held:
            this.actions.append(Forget(node_uid=node.uid, name=node.name))
    elif machine is None or node.pods == 0 or node.ready != "True":
        this.actions.append(
            Removal(node_uid=node.uid, name=node.name, provider=node.provider, exists=machine is not None)
        )


def _keep(this: _Pass, node: NodeFacts, machine: Machine | None) -> None:
    """A node that shall exist: first what a person wants, then that it exists as written, then that it lives."""
    if node.machine == "Absent" and node.boot_id is None:
        if machine is None:
            this.actions.append(_boot(this, node, "Created"))
        else:
            this.actions.append(Adopt(node_uid=node.uid, boot_id=machine.boot_id))
    elif node.restarts_wanted > node.restarts_done:
        this.actions.append(_boot(this, node, "Wanted"))
    elif machine is None or machine.boot_id != node.boot_id:
        _converge(this, node, machine)
    elif node.alive:
        _alive(this, node)
    elif node.machine == "Absent" or (node.machine == "Restarting" and not node.heard):
        # It runs; being heard for the first time is not awaited by a deadline, for nothing says it can report yet.
        this.actions.append(Recovered(node_uid=node.uid))
    elif node.machine == "Restarting" or (node.machine == "Running" and node.heard and node.ready != "True"):
        _dead(this, node)


def _converge(this: _Pass, node: NodeFacts, machine: Machine | None) -> None:
    """The machine is not the one the row wants."""
    if node.machine in ("Absent", "Restarting"):
        assert node.boot_id is not None, "a row that awaits a boot names it"
        this.actions.append(Start(node_uid=node.uid, name=node.name, provider=node.provider, boot_id=node.boot_id))
    elif node.machine == "Running" and machine is not None:
        this.actions.append(Adopt(node_uid=node.uid, boot_id=machine.boot_id))
    elif node.machine == "Running":
        # Somebody removed it. Counted like a failure, so that one that vanishes each time is given up.
        if node.restart_attempts < this.settings.attempts_max:
            this.actions.append(_boot(this, node, "Missing"))
        else:
            this.actions.append(GiveUp(node_uid=node.uid, attempts=node.restart_attempts))


def _alive(this: _Pass, node: NodeFacts) -> None:
    if node.machine != "Running" or node.restart_at_ms is not None:
        this.actions.append(Recovered(node_uid=node.uid))
    if node.restart_attempts > 0:
        stable_at_ms = node.ready_since_ms + this.settings.backoff_after_ms(node.restart_attempts - 1)
        if stable_at_ms <= this.now_ms:
            this.actions.append(Stable(node_uid=node.uid))
        else:
            this.wakes_ms.append(stable_at_ms)
        # If it was only our hearing, the others are heard again soon: one back-off shows it before more are restarted.
        probed_until_ms = node.ready_since_ms + this.settings.backoff_ms
        if probed_until_ms > this.now_ms:
            _await_probe(this, node.path, probed_until_ms)


def _await_probe(this: _Pass, path_name: str | None, until_ms: int) -> None:
    """Count the node among those its path is probed with."""
    path = this.paths.get(path_name or "")
    if path is not None and path.halted:
        this.probing[path.name] = this.probing.get(path.name, 0) + 1
        this.wakes_ms.append(until_ms)


def _dead(this: _Pass, node: NodeFacts) -> None:
    """A node judged dead, or booted and not heard since."""
    settings, now_ms, attempts = this.settings, this.now_ms, node.restart_attempts
    path = this.paths.get(node.path or "")
    if path is None or now_ms - path.received_ms > settings.grace_ms:
        return
    if node.machine == "Restarting" and node.restart_at_ms is not None:
        # What is left of its time to be heard.
        heard_by_ms = node.restart_at_ms - settings.next_step_after_boot_ms(attempts) + settings.grace_ms
        if heard_by_ms > now_ms:
            _await_probe(this, path.name, heard_by_ms)
    wait_ms = settings.backoff_after_ms(attempts) if attempts < settings.attempts_max else 0
    due_ms = node.restart_at_ms if node.restart_at_ms is not None else node.ready_since_ms + wait_ms
    if path.resumed_ms is not None:
        due_ms = max(due_ms, path.resumed_ms + wait_ms)
    if due_ms > now_ms:
        this.wakes_ms.append(due_ms)
        if due_ms != node.restart_at_ms:
            this.actions.append(Schedule(node_uid=node.uid, restart_at_ms=due_ms))
    elif attempts >= settings.attempts_max:
        this.actions.append(GiveUp(node_uid=node.uid, attempts=attempts))
    elif path.halted:
        this.probes.append((attempts, due_ms, node))
    else:
        this.actions.append(_boot(this, node, "Failed"))


def _probe(this: _Pass) -> None:
    """Restart a few nodes of halted paths. Nothing needs to wake us for the rest: a probe's end does."""
    for _, _, node in sorted(this.probes, key=lambda probe: (probe[0], probe[1], probe[2].name)):
        assert node.path is not None, "only nodes of a path are probed"
        under_way = this.probing.get(node.path, 0)
        if under_way < max(1, this.paths[node.path].ready):
            this.probing[node.path] = under_way + 1
            this.actions.append(_boot(this, node, "Failed"))


def _boot(this: _Pass, node: NodeFacts, reason: BootReason) -> Boot:
    attempts = node.restart_attempts + 1 if reason in ("Failed", "Missing") else 0
    created = reason == "Created"
    # A simulated machine is its row, so it runs once that is written; others must be seen to exist first.
    first: MachineState = "Running" if node.provider == "simulated" else "Absent"
    return Boot(
        node_uid=node.uid,
        name=node.name,
        provider=node.provider,
        reason=reason,
        machine=first if created else "Restarting",
        restarts=node.restarts + (not created),
        restarts_done=node.restarts_wanted,
        restart_attempts=attempts,
        restart_at_ms=None if created else this.now_ms + this.settings.next_step_after_boot_ms(attempts),
    )


def _plan(this: _Pass, orphans: tuple[Orphan, ...]) -> Plan:
    of = this.actions
    return Plan(
        boots=tuple(action for action in of if isinstance(action, Boot)),
        starts=tuple(action for action in of if isinstance(action, Start)),
        adoptions=tuple(action for action in of if isinstance(action, Adopt)),
        recovered=tuple(action for action in of if isinstance(action, Recovered)),
        stable=tuple(action for action in of if isinstance(action, Stable)),
        schedules=tuple(action for action in of if isinstance(action, Schedule)),
        given_up=tuple(action for action in of if isinstance(action, GiveUp)),
        removals=tuple(action for action in of if isinstance(action, Removal)),
        forgotten=tuple(action for action in of if isinstance(action, Forget)),
        orphans=orphans,
        next_wake_ms=min(this.wakes_ms, default=None),
    )
