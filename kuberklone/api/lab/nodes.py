"""Nodes: the list, one in detail, restarting and deleting."""

from typing import Annotated, Any

import msgspec
from litestar import Request, Response, delete, get, put
from litestar.concurrency import sync_to_thread
from litestar.params import FromPath, QueryParameter
from msgspec import Meta

from kuberklone.api import context
from kuberklone.api.context import Context
from kuberklone.api.documentation import accepts, reads
from kuberklone.api.lab import answers, changes
from kuberklone.api.lab.answers import EventAnswer, Items, NodeAnswer, PodAnswer
from kuberklone.api.lab.changes import ChangeAnswer
from kuberklone.api.lab.named import NodeName, name_in, possible
from kuberklone.clock import timestamp
from kuberklone.errors import NotFound
from kuberklone.kinds.node import Node, Status
from kuberklone.store import history, moment, overview
from kuberklone.store.operations import DeleteNode, RestartNode

# A page of each, newest first: enough to see what happened lately. `kuberklone sql` has the rest.
HISTORY_ROWS = 20
EVENT_ROWS = 50

NameInQuery = Annotated[str | None, QueryParameter(description="Instead of a body.")]


class FaultAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What POST /fail_node began."""

    kind: str
    restart: bool
    since: str


class NodeDetail(NodeAnswer, frozen=True, kw_only=True):
    """A node, the pods on it, and what happened to it lately."""

    ready: str
    ready_reason: str
    ready_since: str
    machine: str
    boot_id: str | None
    restart_attempts: int
    fault: Annotated[FaultAnswer | None, Meta(description="what POST /fail_node began")]
    pods_here: list[PodAnswer]
    events: list[EventAnswer]
    history: list[ChangeAnswer]


@get("/nodes", summary="All nodes", operation_class=reads(), sync_to_thread=True)
def list_nodes(
    request: Request[Any, Any, Any], status: Annotated[Status | None, QueryParameter(description="Only these.")] = None
) -> Items[NodeAnswer]:
    with moment.now(context.of(request).store) as at:
        items = [answers.node(row, now_ms=at.now_ms) for row in overview.nodes_in_use(at.connection)]
    return Items([item for item in items if status in (None, item.status)])


@get(
    "/nodes/{name:str}",
    summary="One node, its pods and its recent history",
    operation_class=reads(404),
    sync_to_thread=True,
)
def show_node(request: Request[Any, Any, Any], name: FromPath[str]) -> NodeDetail:
    with moment.now(context.of(request).store) as at:
        found = overview.nodes_in_use(at.connection, [possible(name, "node")])
        if not found:
            raise NotFound(f"there is no node named {name:.80}; GET /nodes lists them")
        record = found[0].node
        pods = overview.pod_lines(at.connection, node_name=name)
        events = overview.events(at.connection, limit=EVENT_ROWS, uids=[record.uid])
        rows = history.of_object(at.connection, "nodes", "", name, limit=HISTORY_ROWS + 1)
        fault = overview.fault(at.connection, record.uid)
    return NodeDetail(
        **msgspec.structs.asdict(answers.node(found[0], now_ms=at.now_ms)),
        ready=record.ready,
        ready_reason=record.ready_reason,
        ready_since=timestamp(record.ready_since_ms or record.created_ms),
        machine=record.machine,
        boot_id=record.boot_id,
        restart_attempts=record.restart_attempts,
        fault=fault and FaultAnswer(kind=fault.kind, restart=fault.restart, since=timestamp(fault.since_ms)),
        pods_here=[answers.pod(pod, now_ms=at.now_ms) for pod in pods],
        events=[answers.event(event) for event in events],
        history=changes.between(rows, limit=HISTORY_ROWS),
    )


@put(
    "/restart_node",
    summary="Restart a node now",
    status_code=202,
    operation_class=accepts(NodeName, 404, 409, required=False),
)
async def restart_node(request: Request[Any, Any, Any], name: NameInQuery = None) -> Response[NodeAnswer]:
    here = context.of(request)
    wanted = await name_in(request, NodeName, name)
    return await accepted(here, await here.writes.node(RestartNode(name=wanted)))


@delete(
    "/delete_node",
    summary="Delete a node; its pods move elsewhere first",
    status_code=202,
    operation_class=accepts(NodeName, 404, 409, required=False),
)
async def delete_node(request: Request[Any, Any, Any], name: NameInQuery = None) -> Response[NodeAnswer]:
    here = context.of(request)
    wanted = await name_in(request, NodeName, name)
    return await accepted(here, await here.writes.node(DeleteNode(name=wanted)))


async def accepted(here: Context, written: Node) -> Response[NodeAnswer]:
    """202 and the node as it is now; as it was written, should it be gone already."""
    return Response(await sync_to_thread(_as_it_is, here, written), status_code=202)


def _as_it_is(here: Context, written: Node) -> NodeAnswer:
    with moment.now(here.store) as at:
        found = overview.nodes_in_use(at.connection, [written.name])
    return answers.node(found[0], now_ms=at.now_ms) if found else answers.new_node(written)
