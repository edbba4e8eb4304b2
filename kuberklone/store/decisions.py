"""Why a pod was placed where it is, or was not: one row per pod and distinct outcome."""

from collections.abc import Iterable, Mapping
from hashlib import blake2b
from typing import Literal

import msgspec
from sqlalchemy import Connection, RowMapping, select

from kuberklone.kinds import json_text
from kuberklone.kinds.explanation import explanation
from kuberklone.store import schema
from kuberklone.store.rows import BulkInsert, BulkStatement
from kuberklone.store.transaction import Transaction

# A pod that keeps failing for changing causes would grow for ever; the newest few tell the story.
OUTCOMES_PER_POD_MAX = 10

Outcome = Literal["Scheduled", "Unschedulable"]


class Decision(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What one pass decided about one pod."""

    pod_uid: str
    outcome: Outcome
    node_name: str | None = None
    nodes_evaluated: int
    reasons: Mapping[str, int]
    """How many nodes were ruled out, by reason."""
    best: tuple[tuple[str, int], ...] = ()
    """The best few nodes and their scores."""


_RECORD = BulkInsert(
    "decisions",
    {
        "pod_uid": "text",
        "fingerprint": "text",
        "outcome": "text",
        "node_name": "text",
        "nodes_evaluated": "bigint",
        "reasons": "text",
        "message": "text",
        "best": "text",
        "revision": "bigint",
    },
    constants=("first_ms", "last_ms"),
    otherwise="ON CONFLICT (pod_uid, fingerprint) DO UPDATE "
    "SET last_ms = excluded.last_ms, revision = excluded.revision, count = decisions.count + 1",
)
_TRIM = BulkStatement(
    "DELETE FROM decisions WHERE pod_uid IN (SELECT r.pod_uid FROM {rows} AS r) AND fingerprint IN ("
    "SELECT ranked.fingerprint FROM (SELECT d.pod_uid, d.fingerprint, ROW_NUMBER() OVER ("
    "PARTITION BY d.pod_uid ORDER BY d.last_ms DESC, d.fingerprint) AS place FROM decisions AS d "
    "JOIN {rows} AS q ON q.pod_uid = d.pod_uid) AS ranked "
    f"WHERE ranked.place > {OUTCOMES_PER_POD_MAX} AND ranked.pod_uid = decisions.pod_uid)",
    {"pod_uid": "text"},
)


def record(transaction: Transaction, decisions: Iterable[Decision]) -> None:
    """Write each decision; the same outcome again raises the count of its row, and gives it a new revision."""
    decisions = list(decisions)
    first = transaction.take(len(decisions))
    rows = [
        (
            decision.pod_uid,
            _fingerprint(decision),
            decision.outcome,
            decision.node_name,
            decision.nodes_evaluated,
            json_text.text(decision.reasons) if decision.reasons else "{}",
            _message(decision),
            json_text.text(decision.best),
            first + index,
        )
        for index, decision in enumerate(decisions)
    ]
    if not rows:
        return
    _RECORD.execute(transaction.connection, rows, first_ms=transaction.now_ms, last_ms=transaction.now_ms)
    unplaced = sorted({row[0] for row in rows if row[2] == "Unschedulable"})
    if unplaced:
        _TRIM.execute(transaction.connection, ((uid,) for uid in unplaced))


def _message(decision: Decision) -> str | None:
    if decision.outcome == "Scheduled":
        return None
    return explanation(nodes_evaluated=decision.nodes_evaluated, reasons=decision.reasons)


def _fingerprint(decision: Decision) -> str:
    if decision.outcome == "Scheduled":
        return "Scheduled"  # a pod is bound once
    return blake2b(json_text.text(sorted(decision.reasons.items())).encode(), digest_size=8).hexdigest()


def of(connection: Connection, pod_uid: str) -> list[RowMapping]:
    """The decisions about one pod, newest first, as rows of the table."""
    table = schema.decisions
    statement = select(table).where(table.c.pod_uid == pod_uid).order_by(table.c.last_ms.desc())
    return [row._mapping for row in connection.execute(statement)]
