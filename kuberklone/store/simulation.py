"""What the simulator reads: simulated nodes out of the ordinary, and pods and containers with something to do."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, and_, func, literal, not_, or_, select

from kuberklone.kinds.pod import Pod
from kuberklone.store import containers, schema
from kuberklone.store.among import among
from kuberklone.store.containers import SimulatedContainer
from kuberklone.store.records import PODS

_nodes = schema.nodes.c
_pods = schema.pods.c
_heartbeats = schema.heartbeats.c
_faults = schema.faults.c
_containers = schema.simulated_containers.c


@dataclass(frozen=True, slots=True)
class NodeRow:
    """A simulated node as its agent is concerned."""

    uid: str
    name: str
    boot_id: str | None
    registered_boot_id: str | None
    granted_until_ms: int | None
    fault_kind: str | None
    fault_restart: bool | None
    fault_boot_id: str | None


_FROM = schema.nodes.outerjoin(schema.heartbeats, _heartbeats.node_uid == _nodes.uid).outerjoin(
    schema.faults, _faults.node_uid == _nodes.uid
)
_NODE = select(
    _nodes.uid,
    _nodes.name,
    _nodes.boot_id,
    _heartbeats.boot_id,
    _heartbeats.granted_until_ms,
    _faults.kind,
    _faults.restart,
    _faults.boot_id,
).select_from(_FROM)


def unusual_nodes(connection: Connection) -> list[NodeRow]:
    """Nodes with a fault, or whose boot is not the one that was heard."""
    unusual = or_(
        _faults.node_uid.is_not(None),
        _heartbeats.node_uid.is_(None),
        _nodes.boot_id.is_(None),
        _heartbeats.boot_id != _nodes.boot_id,
    )
    return _node_rows(connection, and_(_nodes.provider == "simulated", unusual))


def nodes_named(connection: Connection, names: Iterable[str]) -> list[NodeRow]:
    return _node_rows(connection, and_(_nodes.provider == "simulated", among(_nodes.name, names)))


def _node_rows(connection: Connection, condition: ColumnElement[bool]) -> list[NodeRow]:
    return [NodeRow(*row) for row in connection.execute(_NODE.where(condition)).all()]


def containers_due(connection: Connection, *, now_ms: int) -> list[SimulatedContainer]:
    """Running containers that end by themselves about now."""
    return containers.read(connection, _containers.state == "Running", _containers.ends_at_ms <= now_ms)


def next_end_ms(connection: Connection, *, after_ms: int) -> int | None:
    """When the next container ends by itself."""
    statement = select(func.min(_containers.ends_at_ms)).where(
        _containers.ends_at_ms > after_ms, _containers.state == "Running"
    )
    moment_ms: int | None = connection.execute(statement).scalar_one()
    return moment_ms


# Written out, because a parameter could have any value and would not match the index that holds the pending ones.
_PENDING = (
    _pods.phase == literal("Pending", literal_execute=True),
    _pods.node_name.is_not(None),
    _pods.deleting_ms.is_(None),
)
_ALL = 2**62
_start_ms = _pods.bound_ms + _pods.start_delay_ms


def pods_with_work(connection: Connection, *, now_ms: int, unreachable: Iterable[str], limit: int) -> list[Pod]:
    """Pods that are to start or to be stopped now, the latter first, on nodes that can be told so.

    Those for which nothing can be done yet are left out: thousands of them would fill every pass up to its limit.
    """
    away = list(unreachable)
    reachable = [not_(among(_pods.node_name, away))] if away else []
    leaving = PODS.select().where(_pods.deleting_ms.is_not(None), _pods.node_name.is_not(None), *reachable)
    deleting = PODS.read(connection, leaving.limit(limit))
    room = limit - len(deleting)
    if room <= 0:
        return deleting
    starting = PODS.select().where(*_PENDING, _start_ms <= now_ms, *reachable)
    # In the order of the index, without which SQLite would go through all bound pods.
    return deleting + PODS.read(connection, starting.order_by(_pods.bound_ms).limit(room))


def next_start_ms(connection: Connection, *, after_ms: int) -> int | None:
    """When the next pod that has a node is to start there."""
    # In the order of their index, which a limit keeps SQLite from dropping: else it would go through all bound pods.
    waiting = select(_start_ms.label("moment_ms")).where(*_PENDING, _start_ms > after_ms)
    moments = waiting.order_by(_pods.bound_ms).limit(_ALL).subquery()
    moment_ms: int | None = connection.execute(select(func.min(moments.c.moment_ms))).scalar_one()
    return moment_ms


def containers_astray(connection: Connection) -> list[SimulatedContainer]:
    """Containers whose pod is gone, is bound elsewhere or has finished, which ended themselves, or which are of an
    earlier boot of their node: a full look, for a simulator that starts."""
    joined = schema.simulated_containers.outerjoin(schema.pods, _pods.uid == _containers.pod_uid).outerjoin(
        schema.nodes, _nodes.name == _containers.node_name
    )
    statement = (
        select(_containers.pod_uid)
        .select_from(joined)
        .where(
            or_(
                _pods.uid.is_(None),
                _pods.node_name != _containers.node_name,
                _pods.phase.in_(("Succeeded", "Failed")),
                _containers.state == "Exited",
                _nodes.boot_id.is_(None),
                _nodes.boot_id != _containers.boot_id,
            )
        )
    )
    uids = list(connection.execute(statement).scalars())
    return containers.read(connection, among(_containers.pod_uid, uids)) if uids else []


def running_without_container(connection: Connection, *, after: str, limit: int) -> list[Pod]:
    """Unfinished pods that said they run but have no container: their node booted anew, or their grant ended.

    By uid, so that a look that takes several passes begins each where the last one ended.
    """
    statement = (
        PODS.select()
        .select_from(schema.pods.outerjoin(schema.simulated_containers, _containers.pod_uid == _pods.uid))
        .where(_pods.phase == "Running", _containers.pod_uid.is_(None), _pods.uid > after)
        .order_by(_pods.uid)
        .limit(limit)
    )
    return PODS.read(connection, statement)
