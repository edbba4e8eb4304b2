"""What a set tells people about its pods: one by one while they are few, together when they are many."""

from collections.abc import Iterable, Sequence

from kuberklone.kinds.kind import Kind
from kuberklone.kinds.pod import Pod
from kuberklone.kinds.stored_object import StoredObject
from kuberklone.store.events import Note

# Kubernetes' correlator begins to combine similar events at the tenth; nobody reads hundreds of lines of one set.
_SINGLE_MAX = 10


def about_pods(
    each: StoredObject, kind: Kind[StoredObject], *, reason: str, done: str, pods: Sequence[Pod]
) -> Iterable[Note]:
    """`Created pod: web-x7k2p` for each, the last ones combined."""
    for pod in pods[:_SINGLE_MAX]:
        yield about(each, kind, reason=reason, message=f"{done} pod: {pod.name}")
    if len(pods) > _SINGLE_MAX:
        rest = len(pods) - _SINGLE_MAX
        message = f"(combined from similar events): {done} {rest} more, the last one is pod: {pods[-1].name}"
        yield about(each, kind, reason=reason, message=message)


def about(each: StoredObject, kind: Kind[StoredObject], *, reason: str, message: str, warning: bool = False) -> Note:
    return Note(
        kind=kind.kind,
        namespace=each.namespace,
        name=each.name,
        uid=each.uid,
        type="Warning" if warning else "Normal",
        reason=reason,
        message=message,
    )
