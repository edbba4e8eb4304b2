"""The messages between a node's agent and the API, in JSON: the only place that says what they look like.

Moments never cross, only ages (`*_ago_ms`), because a machine's clock is not cluster time: whoever receives an age
subtracts it from a time of its own.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

PREFIX = "/agent/v1"
"""Of all paths below; a later, different protocol gets another one beside it."""

WAIT_MAX_S = 30
"""The longest that GET /pods may be asked to wait: shorter than what proxies between us cut as idle (60 s)."""

ROWS_MAX = 500
"""The most pods in one message: one transaction's worth. Whoever has more to say sends several messages."""

# Bounds for what a stranger may send: generous for every honest agent, too small to fill a disk with. Ids and addresses
# become parts of documents, so they hold nothing that would have to be quoted; no text may hold what Postgres refuses.
_NO_NUL = r"^[^\x00]*$"
_Id = Annotated[str, Meta(min_length=1, max_length=200, pattern=r"^[A-Za-z0-9._:-]+\Z")]
_Address = Annotated[str, Meta(max_length=64, pattern=r"^[0-9A-Fa-f.:]*\Z")]
_Word = Annotated[str, Meta(max_length=256, pattern=_NO_NUL)]
_Message = Annotated[str, Meta(max_length=4_096, pattern=_NO_NUL)]
_Age = Annotated[int, Meta(ge=0, le=2**53)]
_Amount = Annotated[int, Meta(ge=0, le=2**53)]
_Count = Annotated[int, Meta(ge=0, le=2**31 - 1)]
_ExitCode = Annotated[int, Meta(ge=-(2**31), le=2**31 - 1)]

Phase = Literal["Pending", "Running", "Succeeded", "Failed"]
StreamKind = Literal["logs", "exec", "attach"]

STDIN, STDOUT, STDERR, ERROR, RESIZE, CLOSE = 0, 1, 2, 3, 4, 255
"""The first byte of each binary frame of a stream, as in Kubernetes' v5.channel.k8s.io."""


class MachineInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What the machine is, as its agent sees it."""

    engine_version: _Word = ""
    os_image: _Word = ""
    kernel: _Word = ""
    architecture: _Word = ""
    runtime: _Word = ""
    address: _Address = ""
    agent_version: _Word = ""


class Join(msgspec.Struct, frozen=True, kw_only=True):
    """POST /join, with a join token: a machine that comes by itself asks to be a node."""

    machine_id: _Id
    """The same for all starts of one machine: it finds its node again by it."""
    name: str | None = None
    cpus: int | float | str | None = None
    memory: int | float | str | None = None
    labels: dict[str, str] = {}
    provider: Literal["external"] = "external"


class Joined(msgspec.Struct, frozen=True, kw_only=True):
    node_name: str
    node_uid: str
    token: str
    """The node's own token, for everything that follows; told this once."""
    cluster_id: str
    heartbeat_interval_s: float


class Register(msgspec.Struct, frozen=True, kw_only=True):
    """POST /register: the first beat of a boot, and what runs there already."""

    boot_id: _Id
    session: _Id
    """Drawn by each process of an agent; from now on only this one speaks for the node."""
    machine: MachineInfo = MachineInfo()
    running: Annotated[list[_Id], Meta(max_length=10_000)] = []
    """The uids of the pods that have a running container."""


class Registered(msgspec.Struct, frozen=True, kw_only=True):
    node_name: str
    node_uid: str
    cluster_id: str
    grant_s: float
    """For how long, counted from the sending of the request, pods may run without an answer of ours."""
    heartbeat_interval_s: float
    seq: int
    """The number of the first beat; the next one carries a larger number."""


class NodeUsage(msgspec.Struct, frozen=True, kw_only=True):
    """What the whole machine uses now."""

    cpu_millis: _Amount
    memory_bytes: _Amount


class PodUsage(msgspec.Struct, frozen=True, kw_only=True):
    """What all containers of a pod use together."""

    uid: _Id
    cpu_millis: _Amount
    memory_bytes: _Amount


class Beat(msgspec.Struct, frozen=True, kw_only=True):
    """POST /beat."""

    session: _Id
    seq: Annotated[int, Meta(ge=0, le=2**53)]
    usage: NodeUsage | None = None
    pods: Annotated[list[PodUsage], Meta(max_length=ROWS_MAX)] = []


class Beaten(msgspec.Struct, frozen=True, kw_only=True):
    grant_s: float


class StreamRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody wants to see or to enter a container: the agent connects a WebSocket to /streams/{id}."""

    id: str
    kind: StreamKind
    pod_uid: str
    container: str = ""
    """Empty: the pod's first."""
    follow: bool = False
    tail_lines: int | None = None
    since_seconds: int | None = None
    timestamps: bool = False
    previous: bool = False
    limit_bytes: int | None = None
    command: list[str] = []
    stdin: bool = False
    tty: bool = False


class AssignedPod(msgspec.Struct, frozen=True, kw_only=True):
    """A pod that is bound to the node."""

    uid: str
    namespace: str
    name: str
    spec: msgspec.Raw
    annotations: dict[str, str] = {}
    phase: Phase = "Pending"
    on_node_failure: Literal["Delete", "Reschedule"] = "Delete"
    deleting: bool = False
    deletion_grace_s: int | None = None
    deleting_ago_ms: int | None = None
    held: list[str] = []
    """Finalizers: a pod that has some stays after its stop is confirmed."""
    restarts: int = 0
    start_delay_ms: int = 0


class Assigned(msgspec.Struct, frozen=True, kw_only=True):
    """GET /pods?after=REVISION&wait=SECONDS: all pods bound to the node."""

    revision: int
    pods: list[AssignedPod]
    streams: list[StreamRequest] = []


class PodReport(msgspec.Struct, frozen=True, kw_only=True):
    """What is observed of one pod; all of it, not what changed."""

    uid: _Id
    phase: Phase
    reason: _Word | None = None
    message: _Message | None = None
    pod_ip: _Address | None = None
    started_ago_ms: _Age | None = None
    finished_ago_ms: _Age | None = None
    exit_code: _ExitCode | None = None
    restarts: _Count = 0
    status: msgspec.Raw = msgspec.Raw(b"{}")
    """Further members of the pod's `status`: containerStatuses, initContainerStatuses, hostIP."""


class Reports(msgspec.Struct, frozen=True, kw_only=True):
    """POST /report."""

    session: _Id
    boot_id: _Id
    pods: Annotated[list[PodReport], Meta(max_length=ROWS_MAX)] = []
    removed: Annotated[list[_Id], Meta(max_length=ROWS_MAX)] = []
    """Pods that were being deleted and whose stop is confirmed: their deletion is finished by it."""


class Accepted(msgspec.Struct, frozen=True, kw_only=True):
    gone: list[str] = []
    """Uids that are no longer this node's: whatever runs of them has to stop."""
