"""GET /status: is everything running, and is anything wrong?"""

from typing import Annotated, Any

import msgspec
from litestar import Request, get
from msgspec import Meta

from kuberklone.api import context
from kuberklone.api.documentation import reads
from kuberklone.api.lab import answers
from kuberklone.clock import timestamp
from kuberklone.store import feed, leaderships, moment, overview
from kuberklone.store.overview import Loop

TIMES = (
    "heartbeat_interval_s",
    "node_grace_s",
    "toleration_s",
    "restart_backoff_s",
    "restart_backoff_max_s",
    "restart_limit",
    "leadership_term_s",
    "leadership_renewal_s",
    "poll_s",
)
"""The settings that say how long things take."""


class ControllerAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A controller's leader and what it says of itself."""

    name: str
    holder: Annotated[str, Meta(description="host/pid/start time of the process; empty: it has resigned")]
    leading: Annotated[bool, Meta(description="false: the process is surely gone")]
    epoch: int
    lag_revisions: Annotated[int, Meta(description="how far it is behind the newest revision")]
    passes: int
    pass_ms: int
    errors: int
    last_error: str | None
    last_error_at: str | None


class StatusAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The cluster in numbers."""

    revision: int
    cluster_time: str
    controllers: list[ControllerAnswer]
    nodes: Annotated[dict[str, int], Meta(description="how many nodes have each status")]
    pods: Annotated[dict[str, int], Meta(description="how many pods are in each phase")]
    pods_waiting: Annotated[int, Meta(description="pods that have no node yet")]
    halted: Annotated[list[str], Meta(description="paths whose nodes all look dead, so that nobody is evicted there")]
    settings: dict[str, float]


@get("/status", summary="Who leads, what is wrong, how many of what", operation_class=reads(), sync_to_thread=True)
def show_status(request: Request[Any, Any, Any]) -> StatusAnswer:
    here = context.of(request)
    with moment.now(here.store) as at:
        revision = feed.head(at.connection)
        return StatusAnswer(
            revision=revision,
            cluster_time=timestamp(at.now_ms),
            controllers=[controller(loop, revision) for loop in overview.loops(at.connection)],
            nodes=overview.node_statuses(at.connection),
            pods=overview.phases(at.connection),
            pods_waiting=overview.waiting_pods(at.connection),
            halted=overview.halted_paths(at.connection),
            settings={name: getattr(here.settings, name) for name in TIMES},
        )


def controller(loop: Loop, revision: int) -> ControllerAnswer:
    return ControllerAnswer(
        name=loop.name,
        holder=loop.holder,
        leading=not leaderships.is_surely_gone(loop.holder),
        epoch=loop.epoch,
        lag_revisions=max(0, revision - loop.revision_seen) if loop.revision_seen else 0,
        passes=loop.passes,
        pass_ms=loop.pass_ms,
        errors=loop.errors,
        last_error=loop.last_error,
        last_error_at=answers.moment(loop.last_error_ms),
    )
