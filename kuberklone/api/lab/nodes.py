"""GET /nodes."""

from typing import Any

from litestar import Request, get

from kuberklone.api import context
from kuberklone.api.lab import answers
from kuberklone.api.lab.answers import Items, NodeAnswer
from kuberklone.store import cluster_time, overview


@get("/nodes", summary="All nodes", sync_to_thread=True)
def list_nodes(request: Request[Any, Any, Any]) -> Items[NodeAnswer]:
    store = context.of(request).store
    with store.snapshot() as connection:
        now_ms = cluster_time.now_ms(connection, wall_ms=store.clock.wall_ms())
        return Items([answers.node(row, now_ms=now_ms) for row in overview.nodes_in_use(connection)])
