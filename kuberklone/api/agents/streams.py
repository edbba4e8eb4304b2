"""Streams to containers: a person asks here, the node's agent connects here, and both ends are tied together.

The agent may sit where nobody can connect to, so it opens the connection: a request for a stream waits in the answer
to the agent's question for its pods until the agent comes with a WebSocket. Frames are those of Kubernetes'
v5.channel.k8s.io: the first byte says which channel the rest belongs to.

Everything here belongs to the event loop's thread. An agent finds only streams of this process: a second API beside
this one has its own.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import msgspec

from kuberklone.api.agents.following import Follower
from kuberklone.chance import Chance
from kuberklone.errors import KuberkloneError, NodeUnreachable, NotFound, Overloaded, Refused
from kuberklone.kinds.reporting import CLOSE, ERROR, STDERR, STDOUT, StreamRequest

# A living agent waits for its next word, so it comes at once; this covers one that is busy with its engine.
_CONNECT_S = 10.0
# An agent that cannot do what was asked says so first; who follows a silent log waits no longer than this for it.
_FIRST_S = 1.0
# Frames on the way in one direction; a slow reader then slows the container's log down instead of filling the memory.
_QUEUE_MAX = 64
# Streams of one node that its agent has not taken up: more of them only show that it does not.
_ASKED_MAX = 100

_chance = Chance()


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """What ends a stream, as Kubernetes says it (meta/v1 Status)."""

    status: str = "Success"
    message: str = ""
    code: int = 0


@dataclass(slots=True, kw_only=True, eq=False)
class Stream:
    """Both ends of one stream. `None` in a queue is the end."""

    request: StreamRequest
    node_name: str
    node_uid: str
    connected: asyncio.Event = field(default_factory=asyncio.Event)
    from_agent: asyncio.Queue[bytes | None] = field(default_factory=lambda: asyncio.Queue(_QUEUE_MAX))
    to_agent: asyncio.Queue[bytes | None] = field(default_factory=lambda: asyncio.Queue(_QUEUE_MAX))
    closed: asyncio.Event = field(default_factory=asyncio.Event)

    async def receive(self) -> tuple[int, bytes] | None:
        """The next frame of the agent: `(channel, data)`; None at the end."""
        while not self.closed.is_set() or not self.from_agent.empty():
            frame = await self.from_agent.get()
            if frame is None:
                return None
            if frame:
                return frame[0], frame[1:]
        return None

    async def send(self, channel: int, data: bytes) -> None:
        """A frame to the agent; waits while it has not taken the earlier ones."""
        if not self.closed.is_set():
            await self.to_agent.put(bytes([channel]) + data)

    def close(self) -> None:
        """Both ends may go; may be called twice."""
        self.closed.set()
        for queue in (self.from_agent, self.to_agent):
            # Whoever waits for a frame gets the end; a full queue has nobody who waits.
            with suppress(asyncio.QueueFull):
                queue.put_nowait(None)


class Streams:
    def __init__(self, follower: Follower) -> None:
        self._follower = follower
        self._open: dict[str, Stream] = {}

    def asked_of(self, node_name: str) -> list[StreamRequest]:
        """What the node's agent has not taken up yet."""
        return [
            stream.request
            for stream in self._open.values()
            if stream.node_name == node_name and not stream.connected.is_set()
        ]

    async def open(self, node_name: str, node_uid: str, **wanted: Any) -> Stream:
        """A stream that the agent has connected to; `wanted` are fields of StreamRequest.

        The caller closes it by `finish`. Raises NodeUnreachable, or Overloaded.
        """
        if len(self.asked_of(node_name)) >= _ASKED_MAX:
            raise Overloaded(f"too many streams wait for node {node_name}; try again in a second")
        request = StreamRequest(id=_chance.uid(), **wanted)
        stream = Stream(request=request, node_name=node_name, node_uid=node_uid)
        self._open[request.id] = stream
        self._follower.wake([node_name])
        try:
            async with asyncio.timeout(_CONNECT_S):
                await stream.connected.wait()
        except TimeoutError as error:
            self.finish(stream)
            raise NodeUnreachable(
                f"the agent of node {node_name} did not answer within {_CONNECT_S:g} s; GET /nodes/{node_name} says "
                "when it was heard last"
            ) from error
        except BaseException:
            self.finish(stream)
            raise
        if stream.closed.is_set() and stream.from_agent.empty():
            self.finish(stream)
            raise NodeUnreachable(f"the stream to node {node_name} ended before it began; try again")
        return stream

    async def logs(self, node_name: str, node_uid: str, **wanted: Any) -> AsyncIterator[bytes]:
        """What a container wrote, in pieces as they come. Raises before the first piece if there can be none."""
        stream = await self.open(node_name, node_uid, kind="logs", **wanted)
        waiting = asyncio.ensure_future(stream.receive())
        try:
            done, _ = await asyncio.wait([waiting], timeout=_FIRST_S if stream.request.follow else None)
            if done:
                _refuse(waiting.result())
        except BaseException:
            waiting.cancel()
            self.finish(stream)
            raise
        return self._pieces(stream, waiting)

    async def exec(self, node_name: str, node_uid: str, **wanted: Any) -> Stream:
        """A command in a container, or its own input and output (`kind` attach); the caller ends it by `finish`."""
        return await self.open(node_name, node_uid, **{"kind": "exec", **wanted})

    def finish(self, stream: Stream) -> None:
        self._open.pop(stream.request.id, None)
        stream.close()

    def stop(self) -> None:
        """End all of them: the process does."""
        for stream in list(self._open.values()):
            stream.connected.set()
            self.finish(stream)

    def take_up(self, stream_id: str, node_uid: str) -> Stream:
        """The stream to which an agent connects. Raises NotFound, also for one of another node."""
        stream = self._open.get(stream_id)
        if stream is None or stream.node_uid != node_uid or stream.connected.is_set():
            raise NotFound("nobody waits for this stream any more")
        stream.connected.set()
        return stream

    async def _pieces(self, stream: Stream, first: asyncio.Future[tuple[int, bytes] | None]) -> AsyncIterator[bytes]:
        try:
            frame = await first
            while frame is not None and frame[0] not in (ERROR, CLOSE):
                if frame[0] in (STDOUT, STDERR) and frame[1]:
                    yield frame[1]
                frame = await stream.receive()
        finally:
            first.cancel()
            self.finish(stream)


def _refuse(frame: tuple[int, bytes] | None) -> None:
    """Raise what the agent says instead of a log."""
    if frame is None or frame[0] != ERROR:
        return
    try:
        status = msgspec.json.decode(frame[1], type=Status)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise NodeUnreachable(
            "the node's agent answered what nobody understands; its version may be another"
        ) from error
    if status.status != "Success":
        raise refusal(status)


def refusal(status: Status) -> KuberkloneError:
    """The error that an agent's Status stands for."""
    message = status.message[:1_000] or "the agent could not do it"
    return NotFound(message) if status.code == HTTPStatus.NOT_FOUND else Refused(message)
