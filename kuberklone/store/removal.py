"""Removing pods: the only place where a pod ceases to exist and where its successor comes into being."""

from collections.abc import Sequence

from kuberklone.chance import Chance
from kuberklone.kinds import pod as pod_kind
from kuberklone.kinds.pod import FINISHED, Pod
from kuberklone.store import crashpoints, records, schema, use
from kuberklone.store.records import PODS
from kuberklone.store.rows import BulkStatement
from kuberklone.store.transaction import Transaction

_chance = Chance()

_ENDED = BulkStatement(
    "UPDATE placements SET ended_ms = :now_ms, why_ended = r.why FROM {rows} AS r "
    "WHERE placements.pod_uid = r.pod_uid AND placements.ended_ms IS NULL",
    {"pod_uid": "text", "why": "text"},
)
# What is kept beside a pod goes with it.
_FORGOTTEN = tuple(
    BulkStatement(f"DELETE FROM {table} WHERE pod_uid IN (SELECT r.pod_uid FROM {{rows}} AS r)", {"pod_uid": "text"})
    for table in (schema.evictions.name, schema.pod_usage.name)
)


def remove_pods(transaction: Transaction, pods: Sequence[Pod]) -> tuple[list[Pod], list[Pod]]:
    """Delete pods that are still as they were read; `(removed, their successors)`.

    Whoever calls it has made sure that nothing of the pods runs any more: the agent that stopped them, or the garbage
    controller when their run grant has expired. A pod lost with its node that asks for it is followed, in the same
    transaction, by a pod of the same name with a new uid; so there is no moment in which neither exists, and none in
    which both do.
    """
    removed = records.delete(transaction, PODS, pods)
    use.release(transaction, removed)
    end_placements(transaction, [pod for pod in removed if pod.phase not in FINISHED])
    for statement in _FORGOTTEN:
        statement.execute(transaction.connection, ((pod.uid,) for pod in removed))
    crashpoints.reach("removal.removed")
    successors = records.insert(
        transaction,
        PODS,
        [pod_kind.successor(pod, uid=_chance.uid()) for pod in removed if pod_kind.has_successor(pod)],
    )
    return removed, successors


def end_placements(transaction: Transaction, pods: Sequence[Pod]) -> None:
    """Close the history rows of pods that run on their node no longer."""
    bound = [pod for pod in pods if pod.node_name is not None]
    if bound:
        _ENDED.execute(
            transaction.connection,
            ((pod.uid, pod.deletion_cause or pod.phase) for pod in bound),
            now_ms=transaction.now_ms,
        )
