"""pods/NAME/exec and /attach: a WebSocket whose messages begin with the number of a channel, tied to the agent's.

The channels are those of v5.channel.k8s.io and v4: 0 input, 1 output, 2 errors, 3 how it ended, 4 the terminal's size,
and in v5 255 for the end of another channel. SPDY, which older clients speak, is not spoken here.
"""

import asyncio
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, cast

from litestar.types import Receive, Send

from kuberklone.api.agents.streams import Stream
from kuberklone.api.kubernetes.answers import Answer
from kuberklone.api.kubernetes.cluster import Cluster
from kuberklone.api.kubernetes.request import Query, Request
from kuberklone.api.kubernetes.sending import STALLED_S
from kuberklone.api.kubernetes.statuses import StatusError
from kuberklone.api.kubernetes.subresources import containers
from kuberklone.api.kubernetes.subresources.containers import Place
from kuberklone.apimachinery.problem import Problem, invalid
from kuberklone.kinds import rules
from kuberklone.kinds.reporting import CLOSE, ERROR, RESIZE, STDERR, STDIN, STDOUT

_PROTOCOLS = ("v5.channel.k8s.io", "v4.channel.k8s.io")
_NORMAL = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    command: list[str]
    """Empty: the container's own input and output."""
    stdin: bool
    stdout: bool
    stderr: bool
    tty: bool


async def serve(cluster: Cluster, request: Request, send: Send) -> None:
    """One WebSocket, from its beginning to its end."""
    wish, place = await _checked(cluster, request)
    offered = cast(dict[str, Any], request.scope).get("subprotocols") or []
    protocol = next((each for each in _PROTOCOLS if each in offered), None)
    if protocol is None:
        message = f"unable to upgrade: offer one of the protocols {', '.join(_PROTOCOLS)}"
        raise StatusError(HTTPStatus.BAD_REQUEST, "BadRequest", message)
    stream = await cluster.streams.exec(
        place.node.name,
        place.node.uid,
        kind="exec" if wish.command else "attach",
        pod_uid=place.pod.uid,
        container=place.container,
        command=wish.command,
        stdin=wish.stdin,
        tty=wish.tty,
    )
    try:
        await send(cast(Any, {"type": "websocket.accept", "subprotocol": protocol}))
        await _tie(stream, wish, request.receive, send)
    finally:
        cluster.streams.finish(stream)


async def refuse(cluster: Cluster, request: Request) -> Answer:
    """Over HTTP: what is wrong with the request, and if nothing is, that it takes a WebSocket."""
    await _checked(cluster, request)
    if request.header(b"upgrade").lower().startswith("spdy"):
        message = "SPDY is not spoken here: use a client that opens a WebSocket, such as kubectl from 1.30 on"
        raise StatusError(HTTPStatus.NOT_IMPLEMENTED, "NotImplemented", message)
    raise StatusError(HTTPStatus.BAD_REQUEST, "BadRequest", "Upgrade request required: this takes a WebSocket")


async def _checked(cluster: Cluster, request: Request) -> tuple[Wish, Place]:
    wish = read(request.query, attaches=request.path.subresource == "attach")
    return wish, await containers.find(cluster, request, what="be entered")


def read(query: Query, *, attaches: bool) -> Wish:
    """What is asked for; raises Invalid. Source of the rules: validation of PodExecOptions."""
    problems: list[Problem] = []
    wish = Wish(
        command=[] if attaches else query.texts("command"),
        stdin=query.flag("stdin"),
        # As in Kubernetes: whoever says nothing sees both.
        stdout=query.flag("stdout", default=True),
        stderr=query.flag("stderr", default=True) and not query.flag("tty"),
        tty=query.flag("tty"),
    )
    if not (wish.stdin or wish.stdout or wish.stderr):
        problems.append(rules.required("stdin", "at least one of stdin, stdout and stderr"))
    if not attaches and not wish.command:
        problems.append(rules.required("command"))
    if problems:
        raise invalid("PodAttachOptions" if attaches else "PodExecOptions", "", problems)
    return wish


async def _tie(stream: Stream, wish: Wish, receive: Receive, send: Send) -> None:
    """Carry messages in both directions until either end goes."""
    tasks = [
        asyncio.ensure_future(_from_client(stream, wish, receive)),
        asyncio.ensure_future(_to_client(stream, wish, send)),
    ]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _from_client(stream: Stream, wish: Wish, receive: Receive) -> None:
    wanted = {CLOSE, *([STDIN] if wish.stdin else []), *([RESIZE] if wish.tty else [])}
    while (message := cast(dict[str, Any], await receive()))["type"] == "websocket.receive":
        frame: bytes = message.get("bytes") or (message.get("text") or "").encode()
        if frame and frame[0] in wanted:
            await stream.send(frame[0], frame[1:])


async def _to_client(stream: Stream, wish: Wish, send: Send) -> None:
    wanted = {ERROR, *([STDOUT] if wish.stdout else []), *([STDERR] if wish.stderr else [])}
    while (frame := await stream.receive()) is not None:
        channel, data = frame
        if channel in wanted:
            async with asyncio.timeout(STALLED_S):
                await send(cast(Any, {"type": "websocket.send", "bytes": bytes([channel]) + data}))
        if channel == ERROR:
            break  # that is how it ended
    await send(cast(Any, {"type": "websocket.close", "code": _NORMAL}))
