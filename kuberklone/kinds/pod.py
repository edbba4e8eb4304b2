"""Pod (core/v1): containers that run together on one node."""

from hashlib import blake2b
from typing import Literal, get_args

import msgspec

from kuberklone.kinds.header import Header
from kuberklone.kinds.taints import NOT_READY, UNREACHABLE, Toleration

RESOURCE = "pods"

Phase = Literal["Pending", "Running", "Succeeded", "Failed"]
FINISHED: frozenset[str] = frozenset({"Succeeded", "Failed"})
OnNodeFailure = Literal["Delete", "Reschedule"]
ON_NODE_FAILURE = "kuberklone.io/on-node-failure"
"""Annotation: what becomes of a pod without an owner when its node fails; Kubernetes' behaviour is Delete."""

MOVING_CAUSES = frozenset({"NodeUnreachable", "NodeDeleted", "Taint", "Evicted"})
"""Causes of deletion that are the node's and not the pod's: one that asks for it goes on elsewhere."""

SCHEDULER = "default-scheduler"
"""The `spec.schedulerName` of pods that our scheduler binds; others wait for a scheduler from outside."""

PRIORITY_MAX = 10**9  # the largest priority a user may give; Kubernetes keeps those above for itself


class Pod(Header, frozen=True, gc=False):
    """One row of `pods`.

    Owners: the desired state the API; `node_name` and `bound_ms` the scheduler; the observed part the node's agent.

    `node_name`, `phase` and the like are the only place of their fact: `document` splices them into the sections that
    hold what the user wrote.
    """

    namespace: str = "default"
    spec: str = "{}"
    status: str = "{}"
    node_name: str | None = None
    bound_ms: int | None = None
    phase: str = "Pending"
    reason: str | None = None
    message: str | None = None
    pod_ip: str | None = None
    started_ms: int | None = None
    finished_ms: int | None = None
    exit_code: int | None = None
    restarts: int = 0
    deletion_grace_s: int | None = None
    # Derived from the document at every write of the document, by `derived`.
    cpu_millis: int = 0
    memory_bytes: int = 0
    priority: int = 0
    shape: str = ""
    on_node_failure: str = "Delete"
    start_delay_ms: int = 0
    run_ms: int | None = None
    planned_exit_code: int = 0


_PHASES: dict[str, Phase] = {word: word for word in get_args(Phase)}
_ON_NODE_FAILURE: dict[str, OnNodeFailure] = {word: word for word in get_args(OnNodeFailure)}


def phase(word: str) -> Phase:
    """The phase that a row names; KeyError for a word that none of our programs writes."""
    return _PHASES[word]


def on_node_failure(word: str) -> OnNodeFailure:
    """Like `phase`, for the column `on_node_failure`."""
    return _ON_NODE_FAILURE[word]


class SchedulingInputs(msgspec.Struct, frozen=True, kw_only=True):
    """All of a pod that placement depends on; pods with equal inputs have the same shape."""

    cpu_millis: int
    memory_bytes: int
    node_selector: dict[str, str] = {}
    tolerations: list[Toleration] = []
    scheduler: str = SCHEDULER


_TEXT = msgspec.json.Encoder(order="sorted")


def shape(inputs: SchedulingInputs) -> str:
    """A short fingerprint, equal for equal inputs; 64 bits keep a collision unlikely among millions of shapes."""
    return blake2b(_TEXT.encode(inputs), digest_size=8).hexdigest()


class _TolerationDocument(msgspec.Struct, rename="camel"):
    key: str = ""
    operator: Literal["Exists", "Equal"] = "Equal"
    value: str = ""
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute", ""] = ""
    toleration_seconds: int | None = None


class _SpecStoppingPart(msgspec.Struct, rename="camel"):
    termination_grace_period_seconds: int | None = None


# The column is a 32-bit integer; sixty-eight years are for ever.
_GRACE_S_MAX = 2**31 - 1
_STOPPING = msgspec.json.Decoder(_SpecStoppingPart)


def termination_grace_s(pod: Pod) -> int:
    """Seconds that its containers have between being asked to stop and being stopped."""
    try:
        seconds = _STOPPING.decode(pod.spec).termination_grace_period_seconds or 0
    except msgspec.DecodeError:
        return 0  # what cannot be read must not keep a pod from being sent away
    return min(max(0, seconds), _GRACE_S_MAX)


class _SpecSchedulingPart(msgspec.Struct, rename="camel"):
    node_selector: dict[str, str] = {}
    tolerations: list[_TolerationDocument] = []
    scheduler_name: str = SCHEDULER


_SPEC = msgspec.json.Decoder(_SpecSchedulingPart)


def scheduling_inputs(pod: Pod) -> SchedulingInputs:
    """What the scheduler needs of a pod, decoded; once per shape, since equal shapes decode to equal inputs."""
    part = _SPEC.decode(pod.spec)
    return SchedulingInputs(
        cpu_millis=pod.cpu_millis,
        memory_bytes=pod.memory_bytes,
        node_selector=part.node_selector,
        tolerations=[
            Toleration(
                key=toleration.key,
                operator=toleration.operator,
                value=toleration.value,
                effect=toleration.effect,
                seconds=toleration.toleration_seconds,
            )
            for toleration in part.tolerations
        ],
        scheduler=part.scheduler_name or SCHEDULER,
    )


def default_tolerations(given: list[Toleration], *, seconds: int) -> list[Toleration]:
    """Tolerations of a dead node for a time, unless the pod says otherwise.

    Source: the DefaultTolerationSeconds admission plugin, whose 300 s is our setting `toleration_s`.
    """
    added = [
        Toleration(key=key, operator="Exists", effect="NoExecute", seconds=seconds)
        for key in (NOT_READY, UNREACHABLE)
        if not any(toleration.effect in ("", "NoExecute") and toleration.key in ("", key) for toleration in given)
    ]
    return [*given, *added]


def successor(pod: Pod, *, uid: str) -> Pod:
    """The pod that takes the place of one lost with its node: same name and admitted spec, new uid, nowhere yet."""
    return Pod(
        uid=uid,
        name=pod.name,
        namespace=pod.namespace,
        labels=pod.labels,
        annotations=pod.annotations,
        managed_fields=pod.managed_fields,
        spec=pod.spec,
        cpu_millis=pod.cpu_millis,
        memory_bytes=pod.memory_bytes,
        priority=pod.priority,
        shape=pod.shape,
        on_node_failure=pod.on_node_failure,
        start_delay_ms=pod.start_delay_ms,
        run_ms=pod.run_ms,
        planned_exit_code=pod.planned_exit_code,
    )


def has_successor(pod: Pod) -> bool:
    """Whether another pod of the same name follows when this one is removed.

    Only a pod that asks for it, that no controller replaces, that nobody deleted on purpose and that has not finished.
    """
    return (
        pod.on_node_failure == "Reschedule"
        and pod.owner_references == "[]"
        and pod.deletion_cause in MOVING_CAUSES
        and pod.phase not in FINISHED
    )
