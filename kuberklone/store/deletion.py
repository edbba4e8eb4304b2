"""Asking for the deletion of records, whatever their kind: what goes at once, what is marked, and what holds it.

A record goes once nobody holds it any more: its finalizers, for a pod also what runs of it on its node, for a node its
machine, for a namespace what is in it. Whoever lets go as the last one removes it: an update that empties the
finalizers (`release`), or the controller that has done its part.
"""

from collections.abc import Sequence
from typing import Any, Literal, TypeVar, cast

import msgspec

from kuberklone.kinds import json_text
from kuberklone.kinds.header import Header
from kuberklone.kinds.pod import FINISHED, Pod
from kuberklone.kinds.stored_object import StoredObject
from kuberklone.store import nodes, pods, records, removal
from kuberklone.store.records import NAMESPACES, NODES, PODS, TableOf, Update
from kuberklone.store.transaction import Transaction

R = TypeVar("R", bound=Header)
Propagation = Literal["Background", "Foreground", "Orphan"]

FOREGROUND = "foregroundDeletion"
"""Holds a record until what depends on it, and blocks its deletion, is gone."""
ORPHAN = "orphan"
"""Holds a record until what depends on it has forgotten it."""
_FINALIZER_OF = {"Background": None, "Foreground": FOREGROUND, "Orphan": ORPHAN}
_OF_PROPAGATION = frozenset({FOREGROUND, ORPHAN})

_NO_FINALIZERS = "[]"
_GRACE_DEFAULT_S = 30  # Kubernetes' terminationGracePeriodSeconds
_MARKS = ("deleting_ms", "deletion_cause", "finalizers", "generation")


def delete(
    transaction: Transaction,
    table: TableOf[R],
    doomed: Sequence[R],
    *,
    cause: str = "User",
    grace_s: int | None = None,
    propagation: Propagation | None = None,
) -> list[R]:
    """Delete or mark records that are still as they were read; these, as they are now or were last.

    `grace_s` is for pods; None leaves what the pod itself says, as it does for `propagation`.
    """
    marked = [_marked(transaction, record, cause=cause, grace_s=grace_s, propagation=propagation) for record in doomed]
    held = [Update(old, new) for old, new in zip(doomed, marked, strict=True) if is_held(table, new) and new != old]
    # What is held already, and says nothing new, is left as it is.
    unchanged = [old for old, new in zip(doomed, marked, strict=True) if is_held(table, new) and new == old]
    gone = _remove(transaction, table, [record for record in marked if not is_held(table, record)])
    marks = [*_update(transaction, table, held), *unchanged]
    lost = _give_up(transaction, table, marks)
    return [*gone, *(record for record in marks if record.uid not in lost), *lost.values()]


def release(transaction: Transaction, table: TableOf[R], written: Sequence[R]) -> list[R]:
    """Remove those that are being deleted and that nobody holds any more; the removed ones."""
    return _remove(
        transaction,
        table,
        [record for record in written if record.deleting_ms is not None and not is_held(table, record)],
    )


def is_held(table: TableOf[Any], record: Header) -> bool:
    """Whether somebody must let go of the record before it may be removed."""
    if record.finalizers != _NO_FINALIZERS:
        return True
    if isinstance(record, Pod):
        return record.node_name is not None  # its agent stops it first
    if table is NAMESPACES and isinstance(record, StoredObject):
        # Finalizers of its own kind: whoever empties it takes them away.
        return bool(_SPEC.decode(record.spec).finalizers)
    return table is NODES  # a node has a machine


class _Spec(msgspec.Struct):
    finalizers: list[str] | None = None


_SPEC = msgspec.json.Decoder(_Spec)
_FINALIZERS = msgspec.json.Decoder(list[str])


def _marked(
    transaction: Transaction, record: R, *, cause: str, grace_s: int | None, propagation: Propagation | None
) -> R:
    changes: dict[str, Any] = {"finalizers": finalizers_for(record.finalizers, propagation)}
    if record.deleting_ms is None:
        changes |= {"deleting_ms": transaction.now_ms, "deletion_cause": cause}
        if record.generation and not isinstance(record, Pod):
            changes["generation"] = record.generation + 1
    elif cause == "User":
        # A person's wish goes before a node's failure: whatever the reason was until now, no successor follows.
        changes["deletion_cause"] = cause
    if isinstance(record, Pod):
        wanted_s = _grace_s(record) if grace_s is None else grace_s
        before_s = record.deletion_grace_s
        is_shorter = record.deleting_ms is None or before_s is None or wanted_s < before_s
        changes["deletion_grace_s"] = wanted_s if is_shorter else before_s
    return msgspec.structs.replace(record, **changes)


def finalizers_for(raw: str, propagation: Propagation | None) -> str:
    """The finalizers with the one that the way of deletion needs, and without those of other ways.

    Without a way they stay as they are: somebody has said before what is to be waited for, and nobody takes it back.
    """
    if propagation is None:
        return raw
    kept = [] if raw == _NO_FINALIZERS else [each for each in _FINALIZERS.decode(raw) if each not in _OF_PROPAGATION]
    wanted = _FINALIZER_OF[propagation]
    return json_text.text([*kept, *([wanted] if wanted else [])])


def without_finalizer(raw: str, name: str) -> str:
    return json_text.text([each for each in _FINALIZERS.decode(raw) if each != name])


class _PodSpec(msgspec.Struct, rename="camel"):
    termination_grace_period_seconds: int | None = None


_POD_SPEC = msgspec.json.Decoder(_PodSpec)


def _grace_s(pod: Pod) -> int:
    if pod.node_name is None or pod.phase in FINISHED:
        return 0  # nothing has to be given time to end
    said = _POD_SPEC.decode(pod.spec).termination_grace_period_seconds
    return _GRACE_DEFAULT_S if said is None else max(0, said)


def _update(transaction: Transaction, table: TableOf[R], held: Sequence[Update[R]]) -> list[R]:
    if table is cast(object, PODS):
        return cast(list[R], pods.update(transaction, cast(list[Update[Pod]], held), (*_MARKS, "deletion_grace_s")))
    if table is cast(object, NAMESPACES):
        terminating = [Update(each.old, _terminating(each.new)) for each in cast(list[Update[StoredObject]], held)]
        return cast(list[R], records.update(transaction, NAMESPACES, terminating, (*_MARKS, "status")))
    return records.update(transaction, table, held, _MARKS)


def _terminating(namespace: StoredObject) -> StoredObject:
    status = msgspec.json.decode(namespace.status)
    return msgspec.structs.replace(namespace, status=json_text.text({**status, "phase": "Terminating"}))


def _give_up(transaction: Transaction, table: TableOf[R], marked: Sequence[R]) -> dict[str, R]:
    """Pods that a person gives up at once on nodes that are not heard; the removed ones, by uid.

    Nobody can say what still runs there, so a person who asks for no grace takes that upon themselves, as in
    Kubernetes. On a node that is Ready its agent removes such a pod within moments, and nothing is left to chance.
    """
    if table is not cast(object, PODS):
        return {}
    forced = [
        pod
        for pod in cast(Sequence[Pod], marked)
        if pod.deletion_cause == "User" and pod.deletion_grace_s == 0 and pod.finalizers == _NO_FINALIZERS
    ]
    names = {pod.node_name for pod in forced if pod.node_name is not None}
    if not names:
        return {}
    heard = {node.name for node in nodes.named(transaction.connection, names) if node.ready == "True"}
    given_up = [pod for pod in forced if pod.node_name not in heard]
    removed, _ = removal.remove_pods(transaction, given_up) if given_up else ([], [])
    return {pod.uid: cast(R, pod) for pod in removed}


def _remove(transaction: Transaction, table: TableOf[R], freed: Sequence[R]) -> list[R]:
    if not freed:
        return []
    if table is cast(object, PODS):
        removed, _ = removal.remove_pods(transaction, cast(Sequence[Pod], freed))
        return cast(list[R], removed)
    assert table is not cast(object, NODES), "a node's controller removes it, with its machine"
    return records.delete(transaction, table, freed)
