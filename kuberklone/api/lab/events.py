"""GET /events."""

from typing import Annotated, Any

from litestar import Request, get
from litestar.params import QueryParameter

from kuberklone.api import context
from kuberklone.api.documentation import reads
from kuberklone.api.lab import answers
from kuberklone.api.lab.answers import EventAnswer, Items
from kuberklone.store import moment, overview

LIMIT_DEFAULT = 500  # some screens full
LIMIT_MAX = 100_000


@get("/events", summary="What happened, newest first", operation_class=reads(), sync_to_thread=True)
def list_events(
    request: Request[Any, Any, Any],
    limit: Annotated[int, QueryParameter(ge=1, le=LIMIT_MAX, description="At most so many.")] = LIMIT_DEFAULT,
) -> Items[EventAnswer]:
    with moment.now(context.of(request).store) as at:
        lines = overview.events(at.connection, limit=limit)
    return Items([answers.event(line) for line in lines])
