"""POST /fail_node and POST /heal_node: faults of simulated nodes."""

from typing import Annotated, Any

import msgspec
from litestar import Request, Response, post
from litestar.concurrency import sync_to_thread
from msgspec import Meta

from kuberklone.api import bodies, context
from kuberklone.api.context import Context
from kuberklone.api.documentation import accepts
from kuberklone.api.lab import expectation
from kuberklone.api.lab.answers import NodeAnswer
from kuberklone.api.lab.expectation import Expectation, Outlook
from kuberklone.api.lab.named import NodeName, name_in, possible
from kuberklone.api.lab.nodes import NameInQuery, accepted
from kuberklone.errors import NotFound
from kuberklone.store import moment, overview
from kuberklone.store.faults import FaultKind
from kuberklone.store.operations import HealNode, InjectFault


class FailRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: Annotated[str, Meta(description="the node's name.", examples=["node-1"])]
    kind: Annotated[
        FaultKind,
        Meta(description="crash, freeze, partition or slow.", examples=["crash"]),
    ] = "crash"
    restart: Annotated[
        bool, Meta(description="true or false: whether a restart ends the crash; the others last until healed.")
    ] = True


@post(
    "/fail_node",
    summary="Make a simulated node fail, and learn what to expect",
    status_code=202,
    operation_class=accepts(FailRequest, 404, 409),
)
async def fail_node(request: Request[Any, Any, Any]) -> Response[Expectation]:
    here = context.of(request)
    wanted = await bodies.read(request, FailRequest)
    await here.writes.node(InjectFault(name=possible(wanted.name, "node"), kind=wanted.kind, restart=wanted.restart))
    return Response(await sync_to_thread(_foretell, here, wanted), status_code=202)


@post(
    "/heal_node",
    summary="End what POST /fail_node began",
    status_code=202,
    operation_class=accepts(NodeName, 404, 409, required=False),
)
async def heal_node(request: Request[Any, Any, Any], name: NameInQuery = None) -> Response[NodeAnswer]:
    here = context.of(request)
    wanted = await name_in(request, NodeName, name)
    return await accepted(here, await here.writes.node(HealNode(name=wanted)))


def _foretell(here: Context, wanted: FailRequest) -> Expectation:
    with moment.now(here.store) as at:
        found = overview.nodes_in_use(at.connection, [wanted.name])
        statuses = overview.node_statuses(at.connection)
    if not found:
        raise NotFound(f"node {wanted.name:.80} was deleted meanwhile")
    others_ready = statuses.get("Ready", 0) - (found[0].node.ready == "True")
    outlook = Outlook(row=found[0], others_ready=others_ready, now_ms=at.now_ms)
    return expectation.expect(wanted.kind, restart=wanted.restart, outlook=outlook, settings=here.settings)
