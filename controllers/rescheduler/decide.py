"""Decides which pods must leave their node, and when.

A NoExecute taint sends away the pods that do not tolerate it: at once, or, if every such taint is tolerated and some
of the tolerations have a time, when the shortest of those times is over. Source: Kubernetes' taint-eviction
controller (`getMatchingTolerations`, `getMinTolerationTime`: the first toleration that matches a taint counts).
Unlike there, the time runs from the taint's own `time_added_ms`, so that it is a row and survives every restart.

No default toleration is known here: pods get theirs for not-ready and unreachable nodes written into their document
when they are admitted (setting `toleration_s`), as Kubernetes' DefaultTolerationSeconds does.

While a path is halted (controllers/node_health), not-ready and unreachable taints of its nodes send nobody away, and
their times run anew from the moment the path left the halt. A person's own taints, and the deletion of a node, are
their will and hold whatever we hear or do not hear.

Finished pods stay: there is nothing to move, and somebody may want to read how they ended.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from kuberklone.kinds.taints import NOT_READY, UNREACHABLE, Taint, Toleration, tolerates

Cause = Literal["NodeUnreachable", "NodeDeleted", "Taint"]
_CAUSES: dict[str, Cause] = {"NodeUnreachable": "NodeUnreachable", "NodeDeleted": "NodeDeleted", "Taint": "Taint"}


def cause(word: str) -> Cause:
    """The cause that a row of `evictions` names."""
    return _CAUSES[word]


_OF_HEALTH = frozenset({NOT_READY, UNREACHABLE})


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeFacts:
    """A node that has NoExecute taints or is being deleted."""

    name: str
    deleting_ms: int | None = None
    taints: tuple[Taint, ...] = ()
    """The effective ones; effects other than NoExecute are passed over."""
    halted: bool = False
    """Whether the path the node reports through is halted."""
    resumed_ms: int | None = None
    """When that path last left a halt."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PodFacts:
    """A pod bound to such a node."""

    uid: str
    node_name: str
    bound_ms: int
    finished: bool = False
    deleting: bool = False
    tolerations: tuple[Toleration, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Countdown:
    """A row of `evictions`: the pod leaves the node at `due_ms`, unless the node recovers first."""

    pod_uid: str
    node_name: str
    due_ms: int
    cause: Cause


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """The pod's deletion, with its cause. Only while it is bound to this node and not yet being deleted."""

    pod_uid: str
    node_name: str
    cause: Cause


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    marks: tuple[Mark, ...]
    countdowns: tuple[Countdown, ...]
    """New rows and rows that changed; one for each pod."""
    cancelled: tuple[str, ...]
    """Uids of pods whose row goes: the node recovered, the pod is gone, or it is marked now."""
    next_wake_ms: int | None


def decide(
    pods: Sequence[PodFacts], *, nodes: Mapping[str, NodeFacts], countdowns: Iterable[Countdown], now_ms: int
) -> Plan:
    """Marks for all that is due, rows for all that will be. `countdowns` are all rows there are."""
    rows = {row.pod_uid: row for row in countdowns}
    marks: list[Mark] = []
    written: list[Countdown] = []
    kept: set[str] = set()
    wakes_ms: list[int] = []
    for pod in pods:
        node = nodes.get(pod.node_name)
        if node is None or pod.finished or pod.deleting:
            continue
        row = rows.get(pod.uid)
        found = _countdown(pod, node, row if row and row.node_name == node.name else None, now_ms=now_ms)
        if found is None:
            continue
        if found.due_ms <= now_ms:
            marks.append(Mark(pod_uid=pod.uid, node_name=node.name, cause=found.cause))
            continue
        wakes_ms.append(found.due_ms)
        kept.add(pod.uid)
        if found != row:
            written.append(found)
    return Plan(
        marks=tuple(marks),
        countdowns=tuple(written),
        cancelled=tuple(uid for uid in rows if uid not in kept),
        next_wake_ms=min(wakes_ms, default=None),
    )


def _countdown(pod: PodFacts, node: NodeFacts, row: Countdown | None, *, now_ms: int) -> Countdown | None:
    """When and why the pod must leave; None if it may stay for ever. The earliest reason wins, then the plainest."""
    found = min(_reasons(pod, node, row, now_ms=now_ms), default=None)
    if found is None:
        return None
    due_ms, _, cause = found
    return Countdown(pod_uid=pod.uid, node_name=node.name, due_ms=due_ms, cause=cause)


def _reasons(pod: PodFacts, node: NodeFacts, row: Countdown | None, *, now_ms: int) -> Iterator[tuple[int, int, Cause]]:
    """(due, rank, cause) of each reason to leave; of equally early ones the lowest rank says why."""
    if node.deleting_ms is not None:
        yield node.deleting_ms, 0, "NodeDeleted"
    for taint in node.taints:
        of_health = taint.key in _OF_HEALTH
        if taint.effect != "NoExecute" or (of_health and node.halted):
            continue
        cause: Cause = "NodeUnreachable" if of_health else "Taint"
        toleration = next((each for each in pod.tolerations if tolerates(each, taint)), None)
        if toleration is not None and toleration.seconds is None:
            continue
        # Negative and zero both mean at once, as in Kubernetes.
        seconds = 0 if toleration is None else max(0, toleration.seconds or 0)
        since_ms = _since_ms(taint, pod, node, of_health=of_health)
        rank = 2 if of_health else 1
        if since_ms is not None:
            yield since_ms + seconds * 1000, rank, cause
        elif row is not None and row.cause == cause:
            # Nobody said when the taint came, so it counts from when we first saw it, which the row remembers.
            yield min(row.due_ms, now_ms + seconds * 1000), rank, cause
        else:
            yield now_ms + seconds * 1000, rank, cause


def _since_ms(taint: Taint, pod: PodFacts, node: NodeFacts, *, of_health: bool) -> int | None:
    """A pod bound to a node that was tainted already has its whole time there; else it would go round in circles."""
    if taint.time_added_ms is None:
        return None
    resumed_ms = (node.resumed_ms or 0) if of_health else 0
    return max(taint.time_added_ms, pod.bound_ms, resumed_ms)
