"""Countdowns to eviction: one row per pod whose node is tainted NoExecute, so that a restart forgets none."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, select

from kuberklone.store import schema
from kuberklone.store.among import among
from kuberklone.store.rows import BulkStatement


@dataclass(frozen=True, slots=True, kw_only=True)
class Eviction:
    pod_uid: str
    node_name: str
    due_ms: int
    cause: str


_PUT = BulkStatement(
    "INSERT INTO evictions (pod_uid, node_name, due_ms, cause) "
    "SELECT r.pod_uid, r.node_name, r.due_ms, r.cause FROM {rows} AS r WHERE true "
    "ON CONFLICT (pod_uid) DO UPDATE SET node_name = excluded.node_name, due_ms = excluded.due_ms, "
    "cause = excluded.cause",
    {"pod_uid": "text", "node_name": "text", "due_ms": "bigint", "cause": "text"},
)


def all_evictions(connection: Connection) -> list[Eviction]:
    table = schema.evictions.c
    rows = connection.execute(select(table.pod_uid, table.node_name, table.due_ms, table.cause))
    return [Eviction(pod_uid=uid, node_name=node, due_ms=due_ms, cause=cause) for uid, node, due_ms, cause in rows]


def put(connection: Connection, evictions: Iterable[Eviction]) -> None:
    """Begin countdowns, or set those of the same pods anew."""
    _PUT.execute(connection, ((row.pod_uid, row.node_name, row.due_ms, row.cause) for row in evictions))


def cancel(connection: Connection, pod_uids: Iterable[str]) -> None:
    connection.execute(schema.evictions.delete().where(among(schema.evictions.c.pod_uid, pod_uids)))
