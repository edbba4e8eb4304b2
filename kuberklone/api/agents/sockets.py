"""The WebSockets by which agents connect to streams, in raw ASGI: the framework has no part in them."""

import asyncio
from typing import Any, cast

import msgspec
from litestar.types import Receive, Scope, Send

from kuberklone.api import problems
from kuberklone.api.agents.streams import Stream, Streams
from kuberklone.api.authentication import Authenticator
from kuberklone.errors import NotFound
from kuberklone.kinds import reporting

PREFIX = f"{reporting.PREFIX}/streams/"
# A message of an agent; longer ones are cut into several by whoever sends them.
MESSAGE_BYTES_MAX = 1024 * 1024


class Sockets:
    def __init__(self, streams: Streams, authenticator: Authenticator) -> None:
        self._streams = streams
        self._authenticator = authenticator

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One connection, from its beginning to its end."""
        socket = cast(dict[str, Any], scope)
        await receive()  # websocket.connect
        try:
            stream = await self._stream(socket)
        except Exception as error:  # noqa: BLE001 - the outermost boundary of a request
            await _refuse(send, problems.of(error, method="GET", path=socket["path"]))
            return
        try:
            await send(cast(Any, {"type": "websocket.accept"}))
            await _tie(stream, receive, send)
        finally:
            self._streams.finish(stream)

    async def _stream(self, socket: dict[str, Any]) -> Stream:
        path: str = socket["path"]
        if not path.startswith(PREFIX):
            raise NotFound(f"there is no WebSocket at {path[:200]}")
        identity = await self._authenticator.identify(path, socket["headers"], encrypted=socket["scheme"] == "wss")
        return self._streams.take_up(path.removeprefix(PREFIX), identity.subject)


async def _tie(stream: Stream, receive: Receive, send: Send) -> None:
    """Carry frames in both directions until either end goes."""
    tasks = [
        asyncio.ensure_future(_from_agent(stream, receive)),
        asyncio.ensure_future(_to_agent(stream, send)),
    ]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _from_agent(stream: Stream, receive: Receive) -> None:
    while not stream.closed.is_set():
        message = cast(dict[str, Any], await receive())
        if message["type"] != "websocket.receive":
            break
        frame = message.get("bytes")
        if frame:
            await stream.from_agent.put(frame)
    await stream.from_agent.put(None)


async def _to_agent(stream: Stream, send: Send) -> None:
    while (frame := await stream.to_agent.get()) is not None:
        await send(cast(Any, {"type": "websocket.send", "bytes": frame}))
    await send(cast(Any, {"type": "websocket.close", "code": 1000}))


async def _refuse(send: Send, problem: problems.Problem) -> None:
    headers = [(b"content-type", problems.MEDIA_TYPE.encode())]
    headers += [(name.encode(), value.encode("latin-1")) for name, value in problems.headers_of(problem).items()]
    await send(cast(Any, {"type": "websocket.http.response.start", "status": problem.status, "headers": headers}))
    await send(cast(Any, {"type": "websocket.http.response.body", "body": msgspec.json.encode(problem)}))
