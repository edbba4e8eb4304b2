"""The parts of the API's answers that this side reads. Fields that are not named here are passed over."""

import msgspec


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """RFC 9457."""

    title: str = ""
    detail: str = ""
    field: str | None = None


class Node(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    status: str
    cpus: float
    cpus_used: float
    cpus_free: float
    memory_bytes: int
    pods: int
    heartbeat_age_seconds: float | None = None
    provider: str = ""
    restarts: int = 0


class Pod(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    status: str
    node: str | None = None
    cpus: float
    memory_bytes: int
    priority: int = 0
    age_seconds: float | None = None


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    nodes_evaluated: int
    reasons: dict[str, int]


class PodDetail(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    status: str
    node: str | None = None
    why_pending: str | None = None
    waiting: Waiting | None = None


class Event(msgspec.Struct, frozen=True, kw_only=True):
    at: str
    type: str
    reason: str
    kind: str
    name: str
    message: str
    count: int


class Token(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    purpose: str
    node_uid: str | None = None
    created_at: str
    expires_at: str | None = None
    expired: bool = False


class CreatedToken(Token, frozen=True, kw_only=True):
    token: str
    server: str


class Tokens(msgspec.Struct, frozen=True, kw_only=True):
    items: list[Token]


class Nodes(msgspec.Struct, frozen=True, kw_only=True):
    items: list[Node]


class Pods(msgspec.Struct, frozen=True, kw_only=True):
    items: list[Pod]


class Events(msgspec.Struct, frozen=True, kw_only=True):
    items: list[Event]


class Controller(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    holder: str
    leading: bool
    epoch: int
    lag_revisions: int
    pass_ms: int
    errors: int = 0
    last_error: str | None = None


class Status(msgspec.Struct, frozen=True, kw_only=True):
    revision: int
    cluster_time: str
    controllers: list[Controller]
    nodes: dict[str, int]
    pods: dict[str, int]
    pods_waiting: int
    halted: list[str]


class Named(msgspec.Struct, frozen=True, kw_only=True):
    name: str


class Made(msgspec.Struct, frozen=True, kw_only=True):
    """What a POST made: one record, or several."""

    name: str = ""
    items: list[Named] = []
