"""A watch over a WebSocket, as browsers open it: one event in one message."""

import asyncio
from typing import Any, cast

from litestar.types import Receive, Send

from kuberklone.api.kubernetes.cluster import Cluster
from kuberklone.api.kubernetes.request import Request
from kuberklone.api.kubernetes.watching import OpenWatch

_NORMAL = 1000


async def serve(cluster: Cluster, request: Request, send: Send) -> None:
    """Events until the time is up or the client leaves."""
    events = await OpenWatch.open(cluster, request)
    try:
        await send(cast(Any, {"type": "websocket.accept", "subprotocol": _subprotocol(request)}))
        left = asyncio.ensure_future(_left(request.receive))
        telling = asyncio.ensure_future(_tell(events, send))
        try:
            await asyncio.wait({left, telling}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (left, telling):
                task.cancel()
            await asyncio.gather(left, telling, return_exceptions=True)
    finally:
        await events.aclose()


def _subprotocol(request: Request) -> str | None:
    """The first that the client offers, as kube-apiserver does: none of them changes what a watch sends."""
    offered = cast(dict[str, Any], request.scope).get("subprotocols") or []
    return str(offered[0]) if offered else None


async def _tell(events: OpenWatch, send: Send) -> None:
    async for chunk in events:
        for line in chunk.splitlines():
            async with events.patience.while_sending():
                await send(cast(Any, {"type": "websocket.send", "text": line.decode()}))
    await send(cast(Any, {"type": "websocket.close", "code": _NORMAL}))


async def _left(receive: Receive) -> None:
    """Returns once the client has gone; what it says is of no interest."""
    while cast(dict[str, Any], await receive())["type"] != "websocket.disconnect":
        continue
