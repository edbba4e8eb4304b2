"""What node_health reads: nodes that may be silent, and how many of each path are Ready."""

from dataclasses import dataclass

from sqlalchemy import Connection, text


@dataclass(frozen=True, slots=True)
class SuspectRow:
    """A node that is not Ready or was not heard lately, with its row of `heartbeats` if it has one."""

    uid: str
    boot_id: str | None
    machine: str
    deleting_ms: int | None
    ready: str
    ready_reason: str
    path: str | None
    heard_boot_id: str | None
    seq: int | None
    received_ms: int | None
    silent_seq: int | None
    silence_ms: int | None


# A scan of two narrow tables: an index on the time of the last beat would have to be written with every beat.
_SUSPECTS = text(
    "SELECT n.uid, n.boot_id, n.machine, n.deleting_ms, n.ready, n.ready_reason, h.path, h.boot_id, h.seq, "
    "h.received_ms, h.silent_seq, h.silence_ms FROM nodes n LEFT JOIN heartbeats h ON h.node_uid = n.uid "
    "WHERE n.ready <> 'True' OR h.received_ms < :received_before_ms"
)
_READY = text(
    "SELECT h.path, COUNT(*) FROM nodes n JOIN heartbeats h ON h.node_uid = n.uid WHERE n.ready = 'True' "
    "GROUP BY h.path"
)


def suspects(connection: Connection, *, received_before_ms: int) -> list[SuspectRow]:
    rows = connection.execute(_SUSPECTS, {"received_before_ms": received_before_ms})
    return [SuspectRow(*row) for row in rows]


def ready_by_path(connection: Connection) -> dict[str, int]:
    """How many nodes of each path are recorded as Ready."""
    return {path: count for path, count in connection.execute(_READY)}
