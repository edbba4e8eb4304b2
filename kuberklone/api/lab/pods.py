"""GET /pods."""

from typing import Any

from litestar import Request, get

from kuberklone.api import context
from kuberklone.api.lab import answers
from kuberklone.api.lab.answers import Items, PodAnswer
from kuberklone.store import cluster_time, overview


@get("/pods", summary="All pods", sync_to_thread=True)
def list_pods(request: Request[Any, Any, Any]) -> Items[PodAnswer]:
    store = context.of(request).store
    with store.snapshot() as connection:
        now_ms = cluster_time.now_ms(connection, wall_ms=store.clock.wall_ms())
        return Items([answers.pod(row, now_ms=now_ms) for row in overview.pod_lines(connection)])
