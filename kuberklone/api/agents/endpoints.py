"""The requests of agents: join, register, beat, ask for pods, report."""

from dataclasses import replace
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, get, post
from litestar.concurrency import sync_to_thread
from litestar.params import QueryParameter

from kuberklone.api import bodies, context
from kuberklone.api.agents import messages
from kuberklone.api.authentication import Identity
from kuberklone.api.context import Context
from kuberklone.errors import Forbidden, NotFound
from kuberklone.kinds import node_request, reporting
from kuberklone.kinds.node import CPU_MILLIS_DEFAULT, Node
from kuberklone.kinds.node_request import NodeRequest
from kuberklone.kinds.reporting import (
    Accepted,
    Assigned,
    AssignedPod,
    Beat,
    Beaten,
    Join,
    Joined,
    Register,
    Registered,
    Reports,
)
from kuberklone.store import agents, feed, moment, nodes, pods
from kuberklone.store.agents import Done, Registration
from kuberklone.store.joining import JoinedNode, JoinNode
from kuberklone.store.reports import Reported, ReportPods

_JSON = "application/json"
_encoder = msgspec.json.Encoder()
# Revisions are below 2⁵³, so that every JSON reader keeps them.
_REVISION_MAX = 2**53


@post("/join", include_in_schema=False)
async def join(request: Request[Any, Any, Any]) -> Response[bytes]:
    here = context.of(request)
    _identity(request, "join", "admin")
    said = await bodies.read(request, Join)
    # The same checks, with the same sentences, as for a person who adds a node.
    asked = NodeRequest(
        cpus=CPU_MILLIS_DEFAULT // 1000 if said.cpus is None else said.cpus,
        name=said.name,
        memory=said.memory,
        labels=said.labels,
        provider=said.provider,
    )
    (node,) = node_request.build(asked)
    joined = await here.writes.outcome(JoinNode(machine_id=said.machine_id, node=node), JoinedNode)
    return _answer(
        Joined(
            node_name=joined.node.name,
            node_uid=joined.node.uid,
            token=str(replace(joined.token, ca_fingerprint=here.ca_fingerprint)),
            cluster_id=joined.cluster_id,
            heartbeat_interval_s=here.settings.heartbeat_interval_s,
        )
    )


@post("/register", include_in_schema=False)
async def register(request: Request[Any, Any, Any]) -> Response[bytes]:
    here = context.of(request)
    said = await bodies.read(request, Register)
    wanted = agents.Register(
        node_uid=_speaker(request),
        session=said.session,
        boot_id=said.boot_id,
        machine=said.machine,
        running=len(said.running),
        grant_ms=_grant_ms(here),
    )
    registered = await here.writes.outcome(wanted, Registration)
    return _answer(
        Registered(
            node_name=registered.node.name,
            node_uid=registered.node.uid,
            cluster_id=registered.cluster_id,
            grant_s=here.settings.node_grace_s,
            heartbeat_interval_s=here.settings.heartbeat_interval_s,
            seq=registered.seq,
        )
    )


@post("/beat", include_in_schema=False)
async def beat(request: Request[Any, Any, Any]) -> Response[bytes]:
    here = context.of(request)
    said = await bodies.read(request, Beat)
    heard = agents.Beat(
        node_uid=_speaker(request),
        session=said.session,
        seq=said.seq,
        grant_ms=_grant_ms(here),
        usage=said.usage,
        pods=tuple(said.pods),
    )
    await here.writes.outcome(heard, Done)
    return _answer(Beaten(grant_s=here.settings.node_grace_s))


@get("/pods", include_in_schema=False)
async def assigned(
    request: Request[Any, Any, Any],
    after: Annotated[int, QueryParameter(ge=0, le=_REVISION_MAX)] = 0,
    wait: Annotated[float, QueryParameter(ge=0, le=reporting.WAIT_MAX_S)] = 0,
) -> Response[bytes]:
    here = context.of(request)
    uid = _speaker(request)
    node = await sync_to_thread(_node, here, uid)
    if wait and after and not here.streams.asked_of(node.name):
        await here.follower.changed(node.name, after, wait_s=wait)
    revision, bound = await sync_to_thread(_bound, here, uid)
    return _answer(Assigned(revision=revision, pods=bound, streams=here.streams.asked_of(node.name)))


@post("/report", include_in_schema=False)
async def report(request: Request[Any, Any, Any]) -> Response[bytes]:
    here = context.of(request)
    said = await bodies.read(request, Reports)
    wanted = ReportPods(
        node_uid=_speaker(request),
        session=said.session,
        boot_id=said.boot_id,
        pods=tuple(messages.checked(each, place) for place, each in enumerate(said.pods)),
        removed=tuple(said.removed),
    )
    reported = await here.writes.outcome(wanted, Reported)
    return _answer(Accepted(gone=list(reported.gone)))


def _speaker(request: Request[Any, Any, Any]) -> str:
    """The uid of the node whose agent asks."""
    return _identity(request, "node").subject


def _identity(request: Request[Any, Any, Any], *purposes: str) -> Identity:
    """The door judges paths as they were sent; this judges what the framework made of them, such as //agent/v1/join."""
    identity = request.auth
    assert isinstance(identity, Identity), "the door identifies everybody"
    if identity.purpose not in purposes:
        raise Forbidden(f"a token of purpose {identity.purpose} does not allow this")
    return identity


def _node(here: Context, uid: str) -> Node:
    with here.store.snapshot() as connection:
        found = nodes.with_uids(connection, [uid])
    if not found:
        raise NotFound("the node of this token no longer exists")
    return found[0]


def _bound(here: Context, uid: str) -> tuple[int, list[AssignedPod]]:
    """The newest revision, and all pods of the node as they are at it."""
    with moment.now(here.store) as at:
        found = nodes.with_uids(at.connection, [uid])
        if not found:
            raise NotFound("the node of this token no longer exists")
        revision = feed.head(at.connection)
        bound = pods.on_nodes(at.connection, [found[0].name])
        now_ms = at.now_ms
    return revision, [messages.assigned(pod, now_ms=now_ms) for pod in bound]


def _grant_ms(here: Context) -> int:
    return round(here.settings.node_grace_s * 1000)


def _answer(message: msgspec.Struct) -> Response[bytes]:
    return Response(_encoder.encode(message), media_type=_JSON, status_code=200)
