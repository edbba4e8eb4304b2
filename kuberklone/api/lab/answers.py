"""What the lab API answers, and how it follows from rows."""

from typing import Annotated, Generic, Literal, TypeVar

import msgspec
from msgspec import Meta

from kuberklone.clock import timestamp
from kuberklone.kinds import node as node_kind
from kuberklone.kinds.pod import Pod
from kuberklone.store.overview import EventLine, NodeInUse, PodLine

Item = TypeVar("Item")
PodStatus = Literal["Pending", "Running", "Succeeded", "Failed", "Terminating"]


class Items(msgspec.Struct, Generic[Item], frozen=True):
    """A list."""

    items: list[Item]


class UsageAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What its agent measured last."""

    cpus: float
    memory_bytes: int
    age_seconds: float


class NodeAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A node and what its pods take of it."""

    name: str
    status: str
    cpus: float
    cpus_used: float
    cpus_free: float
    memory_bytes: int
    memory_bytes_used: int
    pods: int
    pods_max: int
    heartbeat_age_seconds: Annotated[float | None, Meta(description="null: never heard")]
    provider: str
    usage: Annotated[UsageAnswer | None, Meta(description="what it really uses; null: nobody measures it")]
    restarts: int
    restart_at: Annotated[str | None, Meta(description="when it will be started again, if it is not Ready by then")]
    schedulable: bool
    labels: msgspec.Raw
    taints: msgspec.Raw
    created_at: str
    uid: str
    revision: int


class PodAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A pod."""

    name: str
    namespace: str
    status: str
    node: Annotated[str | None, Meta(description="null: not placed yet")]
    cpus: float
    memory_bytes: int
    priority: int
    age_seconds: float
    reason: str | None
    exit_code: int | None
    restarts: Annotated[int, Meta(description="how often its containers were started again")]
    usage: Annotated[UsageAnswer | None, Meta(description="what it really uses; null: nobody measures it")]
    labels: msgspec.Raw
    created_at: str
    uid: str
    revision: int


class EventAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened, and how often."""

    at: str
    first_at: str
    type: str
    reason: str
    kind: str
    name: str
    message: str
    count: int
    source: str


def node(row: NodeInUse, *, now_ms: int) -> NodeAnswer:
    record = row.node
    return NodeAnswer(
        name=record.name,
        status=node_kind.status(record),
        cpus=cores(record.cpu_millis),
        cpus_used=cores(row.cpu_millis_used),
        cpus_free=cores(record.cpu_millis - row.cpu_millis_used),
        memory_bytes=record.memory_bytes,
        memory_bytes_used=row.memory_bytes_used,
        pods=row.pods,
        pods_max=record.pods_max,
        heartbeat_age_seconds=None if row.received_ms is None else seconds_since(row.received_ms, now_ms),
        provider=record.provider,
        usage=_usage(row, now_ms=now_ms),
        restarts=record.restarts,
        restart_at=moment(record.restart_at_ms),
        schedulable=not record.unschedulable,
        labels=msgspec.Raw(record.labels.encode()),
        taints=msgspec.Raw(record.taints.encode()),
        created_at=timestamp(record.created_ms),
        uid=record.uid,
        revision=record.revision,
    )


def new_node(record: node_kind.Node) -> NodeAnswer:
    """A node as it was just written: nothing runs there yet."""
    unused = NodeInUse(record, cpu_millis_used=0, memory_bytes_used=0, pods=0, received_ms=None, granted_until_ms=None)
    return node(unused, now_ms=record.created_ms)


def pod(row: PodLine | Pod, *, now_ms: int) -> PodAnswer:
    return PodAnswer(
        name=row.name,
        namespace=row.namespace,
        status=pod_status(row),
        node=row.node_name,
        cpus=cores(row.cpu_millis),
        memory_bytes=row.memory_bytes,
        priority=row.priority,
        age_seconds=seconds_since(row.created_ms, now_ms),
        reason=row.reason,
        exit_code=row.exit_code,
        restarts=row.restarts,
        usage=None if isinstance(row, Pod) else _usage(row, now_ms=now_ms),
        labels=msgspec.Raw(row.labels.encode()),
        created_at=timestamp(row.created_ms),
        uid=row.uid,
        revision=row.revision,
    )


def _usage(row: NodeInUse | PodLine, *, now_ms: int) -> UsageAnswer | None:
    if row.measured_ms is None:
        return None
    return UsageAnswer(
        cpus=cores(row.measured_cpu_millis or 0),
        memory_bytes=row.measured_memory_bytes or 0,
        age_seconds=seconds_since(row.measured_ms, now_ms),
    )


def pod_status(row: PodLine | Pod) -> str:
    """The one word for a pod; the view `v_pods` says the same in SQL."""
    return "Terminating" if row.deleting_ms is not None else row.phase


def event(row: EventLine) -> EventAnswer:
    return EventAnswer(
        at=timestamp(row.last_ms),
        first_at=timestamp(row.first_ms),
        type=row.type,
        reason=row.reason,
        kind=row.kind,
        name=row.name,
        message=row.message,
        count=row.times,
        source=row.source,
    )


def cores(millis: int) -> float:
    """4 for four whole cores, not 4.0: the number as a person would write it."""
    whole, rest = divmod(millis, 1000)
    return whole if rest == 0 else millis / 1000


def seconds_since(moment_ms: int, now_ms: int) -> float:
    return max(0, now_ms - moment_ms) / 1000


def moment(moment_ms: int | None) -> str | None:
    return None if moment_ms is None else timestamp(moment_ms)
