"""When the consequences of an injected fault show, computed from the settings. It decides nothing: it foretells."""

import math
from dataclasses import dataclass
from typing import Annotated

import msgspec
from msgspec import Meta

from kuberklone.clock import timestamp
from kuberklone.settings import Settings
from kuberklone.store.faults import FaultKind
from kuberklone.store.overview import NodeInUse

_SECOND_MS = 1000


class Expectation(msgspec.Struct, frozen=True, kw_only=True):
    """What a fault will lead to, in cluster time; null where it will not happen."""

    name: str
    kind: str
    restart: bool
    message: str
    now: str
    not_ready_by: Annotated[str | None, Meta(description="the node is judged dead")]
    pods_move_by: Annotated[str | None, Meta(description="pods that tolerate no longer are on their way elsewhere")]
    restart_at: Annotated[str | None, Meta(description="it is started again, and comes back")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What the foretelling is made from."""

    row: NodeInUse
    others_ready: int
    now_ms: int


def expect(kind: FaultKind, *, restart: bool, outlook: Outlook, settings: Settings) -> Expectation:
    not_ready_ms = None if kind == "slow" else _not_ready_ms(outlook, settings)
    comes_back = kind == "crash" and restart
    restart_ms = None
    if comes_back and not_ready_ms is not None:
        restart_ms = _restart_ms(outlook, not_ready_ms, settings)
    move_ms = _move_ms(outlook, not_ready_ms, settings)
    if move_ms is not None and restart_ms is not None and restart_ms < move_ms:
        move_ms = None  # the node is back before its pods' patience ends
    return Expectation(
        name=outlook.row.node.name,
        kind=kind,
        restart=restart,
        message=_message(kind, restart=restart, outlook=outlook, settings=settings),
        now=timestamp(outlook.now_ms),
        not_ready_by=_by(not_ready_ms),
        pods_move_by=_by(move_ms),
        restart_at=_by(restart_ms),
    )


def _not_ready_ms(outlook: Outlook, settings: Settings) -> int | None:
    """Silence is judged when the path beats: at the first round after the grace has passed since the last beat."""
    if outlook.row.received_ms is None:
        return None  # a node never heard is not missed
    if outlook.row.node.ready != "True":
        return outlook.row.node.ready_since_ms
    interval_ms = settings.heartbeat_interval_s * _SECOND_MS
    rounds = math.ceil(settings.node_grace_s * _SECOND_MS / interval_ms)
    return outlook.row.received_ms + round(rounds * interval_ms)


def _move_ms(outlook: Outlook, not_ready_ms: int | None, settings: Settings) -> int | None:
    # Where no other node is Ready, all look dead: evictions halt, and there is nowhere to go.
    if not_ready_ms is None or outlook.row.pods == 0 or outlook.others_ready == 0:
        return None
    due_ms = not_ready_ms + math.ceil(settings.toleration_s) * _SECOND_MS
    # Until its run grant ends the node may run them, so nobody else does.
    return max(due_ms, outlook.now_ms, outlook.row.granted_until_ms or 0)


def _restart_ms(outlook: Outlook, not_ready_ms: int, settings: Settings) -> int:
    """One back-off after it is judged dead; of one that is dead already, what its row says."""
    planned_ms = outlook.row.node.restart_at_ms
    if planned_ms is not None and planned_ms > outlook.now_ms:
        return planned_ms
    return max(not_ready_ms, outlook.now_ms) + _backoff_ms(outlook.row.node.restart_attempts, settings)


def _backoff_ms(attempts: int, settings: Settings) -> int:
    doubled_s = settings.restart_backoff_s * float(1 << min(attempts, 40))
    return round(min(doubled_s, settings.restart_backoff_max_s) * _SECOND_MS)


def _message(kind: FaultKind, *, restart: bool, outlook: Outlook, settings: Settings) -> str:
    match kind:
        case "crash" if restart:
            text = "The machine is off until the node controller, or PUT /restart_node, starts it again."
        case "crash":
            text = (
                f"The machine stays off: after {settings.restart_limit} restarts in vain the node is Failed. "
                "POST /heal_node or PUT /restart_node brings it back."
            )
        case "freeze":
            text = "The machine stands still, through every restart, until POST /heal_node."
        case "partition":
            text = "Nothing gets in or out, through every restart, until POST /heal_node."
        case _:
            text = "It reports every third time and starts and stops pods ten times slower, until POST /heal_node."
    if kind != "slow" and outlook.row.pods and not outlook.others_ready:
        text += " No other node is Ready, so its pods stay where they are."
    return text


def _by(moment_ms: int | None) -> str | None:
    """Rounded up to a whole second: it is a promise."""
    return None if moment_ms is None else timestamp(-(-moment_ms // _SECOND_MS) * _SECOND_MS)
