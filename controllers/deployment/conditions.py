"""What a Deployment's status says of its rollout: counts, and the conditions by which people and programs wait.

`kubectl rollout status` and `kubectl wait` read the words; they and their order are Kubernetes' (`progress.go`,
`sync.go`). The deadline for progress counts from the `lastUpdateTime` of the condition Progressing, so it is a row.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from controllers.deployment import rolling
from controllers.deployment.facts import Condition, ConditionStatus, DeploymentFacts, SetFacts, Status

PROGRESSING = "Progressing"
AVAILABLE = "Available"
REPLICA_FAILURE = "ReplicaFailure"

_COMPLETE = "NewReplicaSetAvailable"
_TIMED_OUT = "ProgressDeadlineExceeded"
_PAUSED = "DeploymentPaused"


def counted(
    deployment: DeploymentFacts, status: Status, new: SetFacts | None, old: Sequence[SetFacts], *, now_ms: int
) -> Status:
    """The status with the counts of now, and whether enough is available."""
    sets = [*([new] if new is not None else []), *old]
    available = sum(each.available for each in sets)
    status = replace(
        status,
        observed_generation=deployment.generation,
        replicas=sum(each.current for each in sets),
        updated=0 if new is None else new.current,
        ready=sum(each.ready for each in sets),
        available=available,
        unavailable=max(0, sum(each.replicas for each in sets) - available),
        terminating=sum(each.terminating for each in sets),
    )
    if available >= deployment.replicas - rolling.bounds(deployment)[1]:
        words: tuple[ConditionStatus, str, str] = (
            "True",
            "MinimumReplicasAvailable",
            "Deployment has minimum availability.",
        )
    else:
        words = "False", "MinimumReplicasUnavailable", "Deployment does not have minimum availability."
    return said(status, AVAILABLE, *words, now_ms=now_ms)


def progressed(
    deployment: DeploymentFacts, status: Status, new: SetFacts | None, old: Iterable[SetFacts], *, now_ms: int
) -> Status:
    """Whether the rollout is complete, gets on, or has stopped for longer than its deadline."""
    if deployment.progress_deadline_s is None:
        status = without(status, PROGRESSING)
    else:
        status = _progressing(deployment, status, new, now_ms=now_ms)
    failure = next((each.failure for each in ([new] if new else []) if each.failure), None)
    failure = failure or next((each.failure for each in old if each.failure), None)
    if failure is None:
        return without(status, REPLICA_FAILURE)
    return said(status, REPLICA_FAILURE, "True", *failure, now_ms=now_ms)


def _progressing(deployment: DeploymentFacts, status: Status, new: SetFacts | None, *, now_ms: int) -> Status:
    before = status.condition(PROGRESSING)
    if status.replicas == status.updated and before is not None and before.reason == _COMPLETE:
        return status  # what happens after a rollout, such as a lost pod, is no progress of it
    called = f'Deployment "{deployment.name}"' if new is None else f'ReplicaSet "{new.name}"'
    if is_complete(deployment, status):
        message = f"{called} has successfully progressed."
        return said(status, PROGRESSING, "True", _COMPLETE, message, now_ms=now_ms)
    if _gets_on(deployment.status, status):
        message = f"{called} is progressing."
        since_ms = before.changed_ms if before is not None and before.status == "True" else None
        # Said anew each time, since the deadline counts from the last time.
        fresh = said(without(status, PROGRESSING), PROGRESSING, "True", "ReplicaSetUpdated", message, now_ms=now_ms)
        return fresh if since_ms is None else _since(fresh, PROGRESSING, since_ms)
    deadline_ms = deadline(deployment, status)
    if deadline_ms is not None and deadline_ms <= now_ms:
        message = f"{called} has timed out progressing."
        return said(status, PROGRESSING, "False", _TIMED_OUT, message, now_ms=now_ms)
    return status


def deadline(deployment: DeploymentFacts, status: Status) -> int | None:
    """When the rollout counts as stuck unless it gets on before; None while nothing is awaited."""
    condition = status.condition(PROGRESSING)
    if condition is None or deployment.progress_deadline_s is None or deployment.paused:
        return None
    if condition.reason in (_COMPLETE, _TIMED_OUT):
        return None
    return condition.updated_ms + 1000 * deployment.progress_deadline_s


def is_complete(deployment: DeploymentFacts, status: Status) -> bool:
    """Whether every pod is of the new template and available, and no other is left."""
    return status.updated == status.replicas == status.available == deployment.replicas


def _gets_on(before: Status, now: Status) -> bool:
    return (
        now.updated > before.updated
        or now.replicas - now.updated < before.replicas - before.updated
        or now.ready > before.ready
        or now.available > before.available
    )


def paused(deployment: DeploymentFacts, status: Status, *, now_ms: int) -> Status:
    """A pause stops the clock of the deadline, and the end of it starts it anew."""
    if deployment.progress_deadline_s is None:
        return status
    condition = status.condition(PROGRESSING)
    if condition is not None and condition.reason == _TIMED_OUT:
        return status  # an end of a rollout is not undone by a pause
    is_told = condition is not None and condition.reason == _PAUSED
    if deployment.paused and not is_told:
        return said(status, PROGRESSING, "Unknown", _PAUSED, "Deployment is paused", now_ms=now_ms)
    if is_told and not deployment.paused:
        return said(status, PROGRESSING, "Unknown", "DeploymentResumed", "Deployment is resumed", now_ms=now_ms)
    return status


def created(deployment: DeploymentFacts, status: Status, name: str, *, now_ms: int) -> Status:
    return _noticed(deployment, status, "NewReplicaSetCreated", f'Created new replica set "{name}"', now_ms=now_ms)


def found(deployment: DeploymentFacts, status: Status, name: str, *, now_ms: int) -> Status:
    """A set of this template was there already, and nothing was said about the rollout before."""
    if status.condition(PROGRESSING) is not None:
        return status
    return _noticed(deployment, status, "FoundNewReplicaSet", f'Found new replica set "{name}"', now_ms=now_ms)


def _noticed(deployment: DeploymentFacts, status: Status, reason: str, message: str, *, now_ms: int) -> Status:
    if deployment.progress_deadline_s is None:
        return status
    return said(status, PROGRESSING, "True", reason, message, now_ms=now_ms)


# ----------------------------------------------------------------------------------------------------- one condition


def said(status: Status, kind: str, value: ConditionStatus, reason: str, message: str, *, now_ms: int) -> Status:
    """The status with this condition; as it was where it says the same already."""
    before = status.condition(kind)
    if before is not None and (before.status, before.reason) == (value, reason):
        return status
    moment_ms = now_ms // 1000 * 1000
    is_new = before is None or before.status != value
    condition = Condition(
        type=kind,
        status=value,
        reason=reason,
        message=message,
        updated_ms=moment_ms,
        changed_ms=moment_ms if before is None or is_new else before.changed_ms,
    )
    return replace(status, conditions=(*without(status, kind).conditions, condition))


def without(status: Status, kind: str) -> Status:
    return replace(status, conditions=tuple(each for each in status.conditions if each.type != kind))


def _since(status: Status, kind: str, changed_ms: int) -> Status:
    return replace(
        status,
        conditions=tuple(
            replace(each, changed_ms=changed_ms) if each.type == kind else each for each in status.conditions
        ),
    )
