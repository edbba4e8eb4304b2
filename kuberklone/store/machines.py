"""What controllers/node reads: nodes whose machine may need something done."""

from dataclasses import dataclass

from sqlalchemy import Connection, and_, or_, select

from kuberklone.kinds.node import Node
from kuberklone.store import schema
from kuberklone.store.among import among
from kuberklone.store.records import NODES

_nodes = schema.nodes.c
_heartbeats = schema.heartbeats.c
_use = schema.node_use.c


@dataclass(frozen=True, slots=True)
class MachineRow:
    node: Node
    pods: int
    """Unfinished pods bound to it."""
    heard_boot_id: str | None
    path: str | None


def unsettled(connection: Connection) -> list[MachineRow]:
    """Nodes that are not simply running, Ready and as everybody wants them, and all whose machines are listed.

    Thousands of settled simulated nodes cost a scan in the database and nothing here. A Docker node's container can
    vanish without any change of a record, so all of them are compared with the engine's list.
    """
    settled = and_(
        _nodes.provider != "docker",
        _nodes.machine == "Running",
        _nodes.ready == "True",
        _nodes.deleting_ms.is_(None),
        _nodes.restarts_wanted == _nodes.restarts_done,
        _nodes.restart_attempts == 0,
        _nodes.restart_at_ms.is_(None),
        _heartbeats.boot_id == _nodes.boot_id,
    )
    statement = (
        select(*(_nodes[column] for column in NODES.columns), _use.pods, _heartbeats.boot_id, _heartbeats.path)
        .select_from(
            schema.nodes.outerjoin(schema.heartbeats, _heartbeats.node_uid == _nodes.uid).outerjoin(
                schema.node_use, _use.node_name == _nodes.name
            )
        )
        .where(or_(~settled, _heartbeats.node_uid.is_(None)))
    )
    width = len(NODES.columns)
    return [
        MachineRow(Node(*row[:width]), row[width] or 0, row[width + 1], row[width + 2])
        for row in connection.execute(statement).all()
    ]


def without_pods(connection: Connection, names: list[str]) -> set[str]:
    """Those of the nodes to which no unfinished pod is bound."""
    statement = select(_use.node_name).where(among(_use.node_name, names), _use.pods == 0)
    return set(connection.execute(statement).scalars())
