"""What node_health reads: nodes that may be silent, and how many of each path are Ready."""

from collections import Counter
from dataclasses import dataclass

from sqlalchemy import Connection, text

from kuberklone.kinds import node


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


# A scan of each table (an index on the time of the last beat would have to be written with every beat), and a look
# into the other one for the few rows found. As one join with OR it looked up every node, and took three times as long.
_COLUMNS = (
    "n.uid, n.boot_id, n.machine, n.deleting_ms, n.ready, n.ready_reason, h.path, h.boot_id, h.seq, h.received_ms, "
    "h.silent_seq, h.silence_ms"
)
_SUSPECTS = text(
    f"SELECT {_COLUMNS} FROM nodes n LEFT JOIN heartbeats h ON h.node_uid = n.uid WHERE n.ready <> 'True' "
    "UNION ALL "
    # CROSS keeps SQLite from beginning with the nodes.
    f"SELECT {_COLUMNS} FROM heartbeats h CROSS JOIN nodes n "
    "WHERE h.received_ms < :received_before_ms AND n.uid = h.node_uid AND n.ready = 'True'"
)
# Every Ready node was heard, and by the path of its provider: so this needs no look at `heartbeats`.
_READY = text("SELECT provider, COUNT(*) FROM nodes WHERE ready = 'True' GROUP BY provider")


def suspects(connection: Connection, *, received_before_ms: int) -> list[SuspectRow]:
    rows = connection.execute(_SUSPECTS, {"received_before_ms": received_before_ms})
    return [SuspectRow(*row) for row in rows]


def ready_by_path(connection: Connection) -> dict[str, int]:
    """How many nodes of each path are recorded as Ready."""
    ready: Counter[str] = Counter()
    for provider, count in connection.execute(_READY):
        ready[node.path_of(provider)] += count
    return ready
