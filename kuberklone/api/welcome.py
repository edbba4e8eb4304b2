"""GET /: what this is and where to go on, as a page for browsers and as JSON for programs."""

from typing import Any

import msgspec
from litestar import Request, Response, get

import kuberklone
from kuberklone.api import context
from kuberklone.api.page import page, rows
from kuberklone.errors import StoreError
from kuberklone.store import overview

LINKS = {
    "nodes": ("/nodes", "the machines of the cluster"),
    "pods": ("/pods", "what runs on them, or waits"),
    "events": ("/events", "what happened, newest first"),
    "status": ("/status", "who leads, what lags, what is wrong"),
    "documentation": ("/docs", "every request, with examples"),
    "openapi": ("/schema/openapi.json", "the same for programs"),
    "metrics": ("/metrics", "figures for Prometheus"),
}

_TRY = """curl --json '{"cpus": 4}' http://{host}/add_node
curl --json '{"cpus": 2}' http://{host}/add_pod
curl http://{host}/pods"""


class Welcome(msgspec.Struct, frozen=True, kw_only=True):
    """What this is and where to go on."""

    name: str
    version: str
    links: dict[str, str]


@get("/", summary="What this is and where to go on", sync_to_thread=True)
def welcome(request: Request[Any, Any, Any]) -> Response[Welcome | str]:
    if "text/html" not in request.headers.get("accept", ""):
        paths = {name: path for name, (path, _) in LINKS.items()}
        return Response(Welcome(name="KuberKlone", version=kuberklone.__version__, links=paths))
    links = rows(*((f'<a href="{path}">{name}</a>', text) for name, (path, text) in LINKS.items()))
    host = f"localhost:{context.of(request).settings.port}"
    body = (
        f'<h1>KuberKlone</h1><p class="soft">version {kuberklone.__version__}</p>'
        "<p>A Kubernetes-like cluster whose whole state is a SQL database you can read. This API only writes what you "
        "want; independent controllers make it so, and whatever is killed goes on where it was.</p>"
        f"<p>{_counts(request)}</p><h2>Look</h2><table>{links}</table>"
        f"<h2>Try</h2><pre><code>{_TRY.replace('{host}', host)}</code></pre>"
        '<p>And ask the database: <code>kuberklone sql "SELECT name, status, cpus_free FROM v_nodes"</code></p>'
    )
    return page("KuberKlone", body)  # type: ignore[return-value]


def _counts(request: Request[Any, Any, Any]) -> str:
    try:
        with context.of(request).store.snapshot() as connection:
            nodes, pods = overview.node_statuses(connection), overview.phases(connection)
    except StoreError:
        return "The database cannot be reached at the moment."
    return f"Now: {_counted('node', nodes)}, {_counted('pod', pods)}."


def _counted(noun: str, counts: dict[str, int]) -> str:
    total = sum(counts.values())
    parts = ", ".join(f"{count} {word}" for word, count in sorted(counts.items()))
    return f"{total} {noun}{'' if total == 1 else 's'}" + (f" ({parts})" if parts else "")
