"""GET /livez, /readyz and /healthz, as Kubernetes' components answer them."""

from typing import Any

from litestar import Request, get

from kuberklone.api import context
from kuberklone.errors import StoreUnavailable
from kuberklone.store import feed

PATHS = frozenset({"/livez", "/readyz", "/healthz"})
"""Parameters mean nothing here: clients of Kubernetes send `timeout` with every request, and people `verbose`."""


@get("/livez", summary="Does the process run and write?", media_type="text/plain")
async def live(request: Request[Any, Any, Any]) -> str:
    if not context.of(request).writes.is_alive():
        raise StoreUnavailable("the writer has ended; restart the API")
    return "ok"


@get(
    ["/readyz", "/healthz"],
    summary="Can it be used: is the database there?",
    media_type="text/plain",
    sync_to_thread=True,
)
def ready(request: Request[Any, Any, Any]) -> str:
    here = context.of(request)
    if not here.writes.is_alive():
        raise StoreUnavailable("the writer has ended; restart the API")
    with here.store.snapshot() as connection:
        feed.head(connection)
    return "ok"
