"""GET /pods/{name}/logs: what a container wrote, through the agent of its node."""

from typing import Annotated, Any

from litestar import Request, get
from litestar.concurrency import sync_to_thread
from litestar.params import FromPath, QueryParameter
from litestar.response import Stream

from kuberklone.api import context
from kuberklone.api.context import Context
from kuberklone.api.documentation import reads
from kuberklone.api.lab.named import possible
from kuberklone.apimachinery import naming
from kuberklone.errors import InvalidField, NodeUnreachable, NotFound, Refused
from kuberklone.kinds import names
from kuberklone.kinds.node import Node
from kuberklone.kinds.objects.v1.namespace import DEFAULT
from kuberklone.kinds.pod import Pod
from kuberklone.store import nodes, pods

_LINES_MAX = 10**9
_SECONDS_MAX = 10**9
_MEDIA_TYPE = "text/plain; charset=utf-8"
# What a container wrote is shown as text, whatever it looks like to a browser.
_HEADERS = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}


@get(
    "/pods/{name:str}/logs",
    summary="What a pod wrote",
    media_type=_MEDIA_TYPE,
    operation_class=reads(404, 409, 502),
)
async def show_logs(
    request: Request[Any, Any, Any],
    name: FromPath[str],
    *,
    tail: Annotated[
        int | None, QueryParameter(ge=0, le=_LINES_MAX, description="Only so many lines from the end.")
    ] = None,
    follow: Annotated[bool, QueryParameter(description="Go on with what is written from now on.")] = False,
    container: Annotated[str | None, QueryParameter(description="Which, where the pod has several.")] = None,
    since_seconds: Annotated[
        int | None, QueryParameter(ge=1, le=_SECONDS_MAX, description="Only what is not older.")
    ] = None,
    timestamps: Annotated[bool, QueryParameter(description="Each line begins with its time.")] = False,
    previous: Annotated[bool, QueryParameter(description="Of the run before the container was restarted.")] = False,
) -> Stream:
    here = context.of(request)
    pod, node = await sync_to_thread(_place, here, possible(name, "pod"))
    if container is not None:
        _check_container(container)
    pieces = await here.streams.logs(
        node.name,
        node.uid,
        pod_uid=pod.uid,
        container=container or "",
        follow=follow,
        tail_lines=tail,
        since_seconds=since_seconds,
        timestamps=timestamps,
        previous=previous,
    )
    return Stream(pieces, media_type=_MEDIA_TYPE, headers=_HEADERS)


def _place(here: Context, name: str) -> tuple[Pod, Node]:
    """The pod and the node that can be asked for its log; raises what says why there is none."""
    with here.store.snapshot() as connection:
        pod = pods.named(connection, DEFAULT, name)
        if pod is None:
            raise NotFound(f"there is no pod named {name:.80}; GET /pods lists them")
        if pod.node_name is None:
            raise Refused(f"pod {name} has no node yet, so it has written nothing; GET /pods/{name} says why")
        found = nodes.named(connection, [pod.node_name])
    if not found:
        raise NodeUnreachable(f"node {pod.node_name} of pod {name} is gone, and the log with it")
    (node,) = found
    if node.provider == "simulated":
        raise Refused(
            f"pod {name} runs on {node.name}, a simulated node: no program runs there that could write a log; add "
            'nodes with {"provider": "docker"} to run programs'
        )
    if node.ready != "True":
        raise NodeUnreachable(
            f"node {node.name} of pod {name} is not heard; its log can be read when it is Ready again"
        )
    return pod, node


def _check_container(container: str) -> None:
    names.name(container, field="container")
    if len(container) > naming.LABEL_LENGTH_MAX:
        raise InvalidField("container", "a container's name has at most 63 characters")
