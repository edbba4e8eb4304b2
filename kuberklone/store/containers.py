"""What truly runs on simulated nodes: the counterpart of a container engine, kept in rows so that it survives kills.

Only the simulator writes it, and nothing decides a placement by it. It is the ground truth for "never two running
copies": on a partitioned node a container runs on although the cluster has given its pod up.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import ColumnElement, Connection, select

from kuberklone.store import schema
from kuberklone.store.among import among
from kuberklone.store.rows import BulkStatement

ContainerState = Literal["Running", "Exited"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedContainer:
    pod_uid: str
    namespace: str
    name: str
    node_name: str
    boot_id: str
    """The boot of the node in which it was started; of an older boot nothing is left."""
    state: ContainerState
    started_ms: int
    ends_at_ms: int | None
    """When it will end by itself; None: it runs for ever."""
    exit_code: int | None = None
    ended_ms: int | None = None


_COLUMNS = (
    "pod_uid", "namespace", "name", "node_name", "boot_id", "state", "started_ms", "ends_at_ms", "exit_code",
    "ended_ms",
)  # fmt: skip
_NAMES = ", ".join(_COLUMNS)
_PUT = BulkStatement(
    f"INSERT INTO simulated_containers ({_NAMES}) SELECT {_NAMES} FROM {{rows}} AS r WHERE true "
    "ON CONFLICT (pod_uid) DO UPDATE SET "
    + ", ".join(f"{column} = excluded.{column}" for column in _COLUMNS if column != "pod_uid"),
    {column: "bigint" if column.endswith("_ms") or column == "exit_code" else "text" for column in _COLUMNS},
)

_END = BulkStatement(
    "UPDATE simulated_containers SET state = 'Exited', exit_code = r.exit_code, ended_ms = r.ended_ms "
    "FROM {rows} AS r WHERE simulated_containers.pod_uid = r.pod_uid",
    {"pod_uid": "text", "exit_code": "bigint", "ended_ms": "bigint"},
)


def read(connection: Connection, *conditions: ColumnElement[bool]) -> list[SimulatedContainer]:
    """The containers that fulfil all conditions on `schema.simulated_containers`."""
    table = schema.simulated_containers.c
    rows = connection.execute(select(*(table[column] for column in _COLUMNS)).where(*conditions))
    return [SimulatedContainer(**row._mapping) for row in rows]


def on_nodes(connection: Connection, names: Iterable[str]) -> list[SimulatedContainer]:
    return read(connection, among(schema.simulated_containers.c.node_name, names))


def of_pods(connection: Connection, pod_uids: Iterable[str]) -> list[SimulatedContainer]:
    uids = list(pod_uids)
    return read(connection, among(schema.simulated_containers.c.pod_uid, uids)) if uids else []


def put(connection: Connection, containers: Iterable[SimulatedContainer]) -> None:
    """Start containers, or write their new state."""
    _PUT.execute(connection, ([getattr(row, column) for column in _COLUMNS] for row in containers))


def end(connection: Connection, ends: Iterable[tuple[str, int, int]]) -> None:
    """Containers that ended by themselves: `(pod uid, exit code, when)`."""
    _END.execute(connection, ends)


def remove(connection: Connection, pod_uids: Iterable[str]) -> None:
    table = schema.simulated_containers
    connection.execute(table.delete().where(among(table.c.pod_uid, pod_uids)))
