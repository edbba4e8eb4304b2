"""Pods: the list, one with the reasons for where it is, deleting."""

from typing import Annotated, Any

import msgspec
from litestar import Request, Response, delete, get
from litestar.params import FromPath, QueryParameter
from msgspec import Meta

from kuberklone.api import context
from kuberklone.api.documentation import accepts, reads
from kuberklone.api.lab import answers
from kuberklone.api.lab.answers import EventAnswer, Items, PodAnswer, PodStatus
from kuberklone.api.lab.named import PodName, name_in, possible
from kuberklone.clock import timestamp
from kuberklone.errors import NotFound
from kuberklone.kinds import names
from kuberklone.kinds.objects.v1.namespace import DEFAULT
from kuberklone.store import moment, overview
from kuberklone.store.operations import DeletePod
from kuberklone.store.overview import Latest, PodLine

PLACEMENT_ROWS = 50
EVENT_ROWS = 50
LIMIT_MAX = 1_000_000

Limit = Annotated[int | None, QueryParameter(ge=1, le=LIMIT_MAX, description="At most so many.")]


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """What the scheduler found when it looked last."""

    nodes_evaluated: int
    reasons: Annotated[dict[str, int], Meta(description="how many nodes were ruled out, by reason")]
    tries: int
    since: str
    last_tried: str


class LeavingAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The pod must leave its node at that time, unless the node recovers first."""

    node: str
    at: str
    cause: str


class PlacementAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Where a pod of this name ran, from when to when."""

    node: str
    bound_at: str
    ended_at: str | None
    why_ended: str | None
    seconds: float
    pod_uid: str


class PodDetail(PodAnswer, frozen=True, kw_only=True):
    """A pod, why it is where it is, and where those of its name were before."""

    why_pending: Annotated[str | None, Meta(description="null: it has a node")]
    waiting: Annotated[Waiting | None, Meta(description="the same in numbers; null: not looked at yet, or placed")]
    leaving: LeavingAnswer | None
    message: str | None
    bound_at: str | None
    started_at: str | None
    finished_at: str | None
    placements: list[PlacementAnswer]
    events: list[EventAnswer]


@get("/pods", summary="All pods", operation_class=reads(), sync_to_thread=True)
def list_pods(
    request: Request[Any, Any, Any],
    status: Annotated[PodStatus | None, QueryParameter(description="Only these.")] = None,
    node: Annotated[str | None, QueryParameter(description="Only those on this node.")] = None,
    limit: Limit = None,
) -> Items[PodAnswer]:
    if node is not None:
        names.name(node, field="node")
    with moment.now(context.of(request).store) as at:
        lines = overview.pod_lines(at.connection, status=status, node_name=node, limit=limit)
    return Items([answers.pod(line, now_ms=at.now_ms) for line in lines])


@get(
    "/pods/{name:str}",
    summary="One pod: where it runs, or why it is pending",
    operation_class=reads(404),
    sync_to_thread=True,
)
def show_pod(request: Request[Any, Any, Any], name: FromPath[str]) -> PodDetail:
    with moment.now(context.of(request).store) as at:
        found = overview.pod_lines(at.connection, namespace=DEFAULT, name=possible(name, "pod"))
        if not found:
            raise NotFound(f"there is no pod named {name:.80}; GET /pods lists them")
        pod = found[0]
        placements = overview.placements(at.connection, DEFAULT, name, limit=PLACEMENT_ROWS)
        waiting = overview.why_pending(at.connection, pod.uid) if pod.node_name is None else None
        leaving = overview.leaving(at.connection, pod.uid)
        uids = {pod.uid, *(placement.pod_uid for placement in placements)}
        events = overview.events(at.connection, limit=EVENT_ROWS, uids=uids)
    return PodDetail(
        **msgspec.structs.asdict(answers.pod(pod, now_ms=at.now_ms)),
        why_pending=_why_pending(pod, waiting),
        waiting=waiting and _waiting(waiting),
        leaving=leaving and LeavingAnswer(node=leaving.node_name, at=timestamp(leaving.due_ms), cause=leaving.cause),
        message=pod.message,
        bound_at=answers.moment(pod.bound_ms),
        started_at=answers.moment(pod.started_ms),
        finished_at=answers.moment(pod.finished_ms),
        placements=[
            PlacementAnswer(
                node=placement.node_name,
                bound_at=timestamp(placement.bound_ms),
                ended_at=answers.moment(placement.ended_ms),
                why_ended=placement.why_ended,
                seconds=answers.seconds_since(placement.bound_ms, placement.ended_ms or at.now_ms),
                pod_uid=placement.pod_uid,
            )
            for placement in placements
        ],
        events=[answers.event(event) for event in events],
    )


@delete("/delete_pod", summary="Delete a pod", status_code=202, operation_class=accepts(PodName, 404, required=False))
async def delete_pod(
    request: Request[Any, Any, Any],
    name: Annotated[str | None, QueryParameter(description="Instead of a body.")] = None,
) -> Response[PodAnswer]:
    wanted = await name_in(request, PodName, name)
    pod = await context.of(request).writes.pod(DeletePod(namespace=DEFAULT, name=wanted))
    return Response(answers.pod(pod, now_ms=pod.deleting_ms or pod.created_ms), status_code=202)


def _why_pending(pod: PodLine, found: Latest | None) -> str | None:
    """The scheduler's reasons as Kubernetes words them."""
    if pod.node_name is not None or pod.deleting_ms is not None:
        return None
    if found is None:
        return "the scheduler has not looked at it yet"
    if found.nodes_evaluated == 0:
        return f"{found.message}; add one with POST /add_node"
    return found.message


def _waiting(found: Latest) -> Waiting:
    return Waiting(
        nodes_evaluated=found.nodes_evaluated,
        reasons=_reasons(found),
        tries=found.tries,
        since=timestamp(found.first_ms),
        last_tried=timestamp(found.last_ms),
    )


def _reasons(found: Latest) -> dict[str, int]:
    return msgspec.json.decode(found.reasons, type=dict[str, int])
