"""POST /add_node and POST /add_pod."""

from typing import Any

import msgspec
from litestar import Request, Response, post

from kuberklone.api import bodies, context
from kuberklone.api.context import Context
from kuberklone.api.documentation import accepts
from kuberklone.api.lab import answers
from kuberklone.api.lab.answers import Items, NodeAnswer, PodAnswer
from kuberklone.errors import Refused
from kuberklone.kinds import node_request, pod_request
from kuberklone.kinds.node_request import NodeRequest
from kuberklone.kinds.pod_request import PodRequest
from kuberklone.store.operations import CreateNodes, CreatePods

_JSON = "application/json"
_encoder = msgspec.json.Encoder()


@post("/add_node", summary="Add a node, or several", operation_class=accepts(NodeRequest, 409))
async def add_node(request: Request[Any, Any, Any]) -> Response[NodeAnswer | Items[NodeAnswer]]:
    wanted = await bodies.read(request, NodeRequest)
    here = context.of(request)
    if wanted.provider == "docker" and not here.settings.tls_host:
        # Nobody would ever hear the node.
        raise Refused(
            "the agents of Docker nodes come in by TLS, and this API does not listen for them; "
            "start the cluster with kuberklone up --provider docker"
        )
    created = await here.writes.nodes(CreateNodes(nodes=node_request.build(wanted)))
    listed = [answers.new_node(node) for node in created]
    return _created(_document(listed, as_list=wanted.count is not None))


@post("/add_pod", summary="Add a pod, or several", operation_class=accepts(PodRequest, 409))
async def add_pod(request: Request[Any, Any, Any]) -> Response[PodAnswer | Items[PodAnswer]]:
    document = await create_pods(context.of(request), await request.body())
    return _created(document)


async def create_pods(here: Context, body: bytes) -> bytes:
    """The pods as the answer's document, once they are durable."""
    wanted = bodies.parse(body, PodRequest)
    pods = pod_request.build(wanted, toleration_s=here.settings.toleration_s)
    created = await here.writes.pods(CreatePods(pods=pods))
    listed = [answers.pod(pod, now_ms=pod.created_ms) for pod in created]
    return _document(listed, as_list=wanted.count is not None)


def _document(listed: list[Any], *, as_list: bool) -> bytes:
    return _encoder.encode(Items(listed) if as_list else listed[0])


def _created(document: bytes) -> Response[Any]:
    return Response(document, media_type=_JSON, status_code=201)
