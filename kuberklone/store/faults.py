"""Faults of simulated nodes: written by the API on a person's wish, read by the simulator and by nobody else."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, get_args

from sqlalchemy import Connection, select

from kuberklone.store import schema
from kuberklone.store.among import among
from kuberklone.store.rows import BulkStatement

FaultKind = Literal["crash", "freeze", "partition", "slow"]
_KINDS: dict[str, FaultKind] = {word: word for word in get_args(FaultKind)}


def kind(word: str) -> FaultKind:
    """The kind that a row names; KeyError for a word that none of our programs writes."""
    return _KINDS[word]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    node_uid: str
    kind: FaultKind
    restart: bool
    """Whether a boot ends it; only a crash ends so."""
    since_ms: int
    boot_id: str | None
    """The boot that was hit."""


_PUT = BulkStatement(
    "INSERT INTO faults (node_uid, kind, restart, since_ms, boot_id) "
    "SELECT r.node_uid, r.kind, r.restart, r.since_ms, r.boot_id FROM {rows} AS r WHERE true "
    "ON CONFLICT (node_uid) DO UPDATE SET kind = excluded.kind, restart = excluded.restart, "
    "since_ms = excluded.since_ms, boot_id = excluded.boot_id",
    {"node_uid": "text", "kind": "text", "restart": "boolean", "since_ms": "bigint", "boot_id": "text"},
)


def all_faults(connection: Connection) -> list[Fault]:
    table = schema.faults.c
    rows = connection.execute(select(table.node_uid, table.kind, table.restart, table.since_ms, table.boot_id))
    return [
        Fault(node_uid=uid, kind=kind, restart=restart, since_ms=since_ms, boot_id=boot_id)
        for uid, kind, restart, since_ms, boot_id in rows
    ]


def put(connection: Connection, faults: Iterable[Fault]) -> None:
    """Inject faults; a node has one at a time, the newest."""
    _PUT.execute(connection, ((row.node_uid, row.kind, row.restart, row.since_ms, row.boot_id) for row in faults))


def heal(connection: Connection, node_uids: Iterable[str]) -> set[str]:
    """End the faults of these nodes; those that had one."""
    statement = schema.faults.delete().where(among(schema.faults.c.node_uid, node_uids))
    return set(connection.execute(statement.returning(schema.faults.c.node_uid)).scalars())
