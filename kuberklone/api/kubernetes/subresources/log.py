"""GET pods/NAME/log: what a container wrote, through the agent of its node."""

from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus

from kuberklone.api.kubernetes.answers import Stream
from kuberklone.api.kubernetes.cluster import Cluster
from kuberklone.api.kubernetes.request import Query, Request
from kuberklone.api.kubernetes.statuses import StatusError
from kuberklone.api.kubernetes.subresources import containers
from kuberklone.api.kubernetes.subresources.containers import Place
from kuberklone.apimachinery.problem import Problem, invalid
from kuberklone.errors import Malformed, Refused
from kuberklone.kinds import rules

_KIND = "PodLogOptions"
# What a container wrote is shown as text, whatever it looks like to a browser.
_HEADERS = ((b"x-content-type-options", b"nosniff"),)


@dataclass(frozen=True, slots=True, kw_only=True)
class LogOptions:
    follow: bool
    previous: bool
    timestamps: bool
    tail_lines: int | None
    limit_bytes: int | None
    since_seconds: int | None


async def show(cluster: Cluster, request: Request) -> Stream:
    wanted = read(request.query, wall_ms=cluster.store.clock.wall_ms())
    place = await containers.find(cluster, request, what="write a log")
    _ensure_started(place, previous=wanted.previous)
    try:
        pieces = await cluster.streams.logs(
            place.node.name,
            place.node.uid,
            pod_uid=place.pod.uid,
            container=place.container,
            follow=wanted.follow,
            previous=wanted.previous,
            timestamps=wanted.timestamps,
            tail_lines=wanted.tail_lines,
            limit_bytes=wanted.limit_bytes,
            since_seconds=wanted.since_seconds,
        )
    except Refused as error:
        # What an agent cannot show, a kubelet calls a bad request.
        raise StatusError(HTTPStatus.BAD_REQUEST, "BadRequest", str(error)) from error
    return Stream(chunks=pieces, content_type="text/plain", headers=_HEADERS)


def read(query: Query, *, wall_ms: int) -> LogOptions:
    """The options of a log; raises Malformed or Invalid. Source of the rules: ValidatePodLogOptions."""
    tail, limit = query.integer("tailLines"), query.integer("limitBytes")
    seconds, since = query.integer("sinceSeconds"), query.text("sinceTime")
    problems: list[Problem] = []
    if tail is not None and tail < 0:
        problems.append(rules.invalid("tailLines", tail, "must be greater than or equal to 0"))
    if limit is not None and limit < 1:
        problems.append(rules.invalid("limitBytes", limit, "must be greater than 0"))
    if seconds is not None and since:
        problems.append(
            rules.forbidden("sinceSeconds", "at most one of `sinceTime` or `sinceSeconds` may be specified")
        )
    elif seconds is not None and seconds < 1:
        problems.append(rules.invalid("sinceSeconds", seconds, "must be greater than 0"))
    stream = query.text("stream") or "All"
    if stream != "All":
        problems.append(rules.unsupported("stream", stream, ["All"]))
    if problems:
        raise invalid(_KIND, "", problems)
    return LogOptions(
        follow=query.flag("follow"),
        previous=query.flag("previous"),
        timestamps=query.flag("timestamps"),
        tail_lines=tail,
        limit_bytes=limit,
        since_seconds=_age_s(since, wall_ms) if since else seconds,
    )


def _age_s(since: str, wall_ms: int) -> int:
    """How many whole seconds ago a time was, rounded so that nothing of its second is left out."""
    try:
        then = datetime.fromisoformat(since.replace("Z", "+00:00"))
    except ValueError as error:
        raise Malformed(f"sinceTime: send a time such as 2026-11-23T09:53:47Z; got {since[:80]!r}") from error
    if then.tzinfo is None:
        raise Malformed(f"sinceTime: send a time with its zone, such as 2026-11-23T09:53:47Z; got {since[:80]!r}")
    return max(1, -int((then.timestamp() * 1000 - wall_ms) // 1000))


def _ensure_started(place: Place, *, previous: bool) -> None:
    """Raises, as a kubelet does, where the container has nothing to show and nobody needs to be asked."""
    status, named = place.status(), f'container "{place.container}" in pod "{place.pod.name}"'
    if previous:
        if not status.get("restartCount") and not (status.get("lastState") or {}).get("terminated"):
            raise StatusError(HTTPStatus.BAD_REQUEST, "BadRequest", f"previous terminated {named} not found")
        return
    waiting = (status.get("state") or {}).get("waiting")
    if waiting and not status.get("restartCount"):
        reason = waiting.get("reason") or "ContainerCreating"
        raise StatusError(HTTPStatus.BAD_REQUEST, "BadRequest", f"{named} is waiting to start: {reason}")
