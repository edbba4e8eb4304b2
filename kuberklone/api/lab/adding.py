"""POST /add_node and POST /add_pod: the paths that take thousands of requests a second."""

from typing import Any

import msgspec
from litestar import Request, Response, post

from kuberklone.api import bodies, context
from kuberklone.api.lab import answers
from kuberklone.api.lab.answers import Items, NodeAnswer, PodAnswer
from kuberklone.kinds import node_request, pod_request
from kuberklone.kinds.node_request import NodeRequest
from kuberklone.kinds.pod_request import PodRequest
from kuberklone.store.operations import CreateNodes, CreatePods

_JSON = "application/json"
_encoder = msgspec.json.Encoder()


@post("/add_node", summary="Add a node, or several")
async def add_node(request: Request[Any, Any, Any]) -> Response[NodeAnswer | Items[NodeAnswer]]:
    wanted = await bodies.read(request, NodeRequest)
    created = await context.of(request).writes.nodes(CreateNodes(nodes=node_request.build(wanted)))
    return _created([answers.new_node(node) for node in created], as_list=wanted.count is not None)


@post("/add_pod", summary="Add a pod, or several")
async def add_pod(request: Request[Any, Any, Any]) -> Response[PodAnswer | Items[PodAnswer]]:
    here = context.of(request)
    wanted = await bodies.read(request, PodRequest)
    pods = pod_request.build(wanted, toleration_s=here.settings.toleration_s)
    created = await here.writes.pods(CreatePods(pods=pods))
    return _created([answers.pod(pod, now_ms=pod.created_ms) for pod in created], as_list=wanted.count is not None)


def _created(made: list[Any], *, as_list: bool) -> Response[Any]:
    return Response(_encoder.encode(Items(made) if as_list else made[0]), media_type=_JSON, status_code=201)
