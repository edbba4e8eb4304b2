"""Keeps a number of HTTP connections busy with requests of one kind, from a process of its own, and times the answers.

`python -m benchmarks.hammering URL SECONDS METHOD PATH STATUS [BODY]`; `{n}` in the path becomes the number of the
connection.
"""

import asyncio
import json
import os
import subprocess
import sys
import time

from benchmarks import programs

CONNECTIONS = 64


def hammer(url: str, method: str, path: str, *, seconds: float, status: int, body: str = "") -> dict[str, float]:
    """What `_hammer` found, measured in another process, so that the client's work is not the server's."""
    command = [sys.executable, "-m", "benchmarks.hammering", url, str(seconds), method, path, str(status), body]
    output = subprocess.run(
        command, capture_output=True, text=True, check=True, cwd=programs.ROOT, preexec_fn=_on_the_last_processor
    ).stdout
    found: dict[str, float] = json.loads(output)
    return found


def _on_the_last_processor() -> None:
    """The load generator shall not wander onto the processor that the server is on."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


class _Connection(asyncio.Protocol):
    """One connection that sends the next request as soon as it has its answer; by callbacks, to cost little itself."""

    def __init__(self, request: bytes, expected: bytes, *, ends: float, latencies: list[float]) -> None:
        self._request = request
        self._expected = expected
        self._ends = ends
        self._latencies = latencies
        self._received = b""
        self.errors = 0
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._send()

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, found, body = self._received.partition(b"\r\n\r\n")
        if not found:
            return
        place = head.lower().find(b"content-length:")
        if len(body) < int(head[place + 15 :].split(b"\r\n", 1)[0]):
            return
        self._latencies.append(time.perf_counter() - self._begun)
        self.errors += not head.startswith(self._expected)
        self._received = b""
        if time.perf_counter() < self._ends:
            self._send()
        else:
            self._transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        self.ended.set_result(None)

    def _send(self) -> None:
        self._begun = time.perf_counter()
        self._transport.write(self._request)


async def _hammer(  # noqa: PLR0917 - the command line, in its order
    url: str, seconds: float, method: str, path: str, status: str, body: str = ""
) -> dict[str, float]:
    host, port = url.removeprefix("http://").split(":")
    latencies: list[float] = []
    started = time.perf_counter()
    connections: list[_Connection] = []
    loop = asyncio.get_running_loop()
    for number in range(CONNECTIONS):
        request = (
            f"{method} {path.replace('{n}', str(number))} HTTP/1.1\r\nHost: {host}:{port}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}"
        ).encode()
        connection = _Connection(request, f"HTTP/1.1 {status} ".encode(), ends=started + seconds, latencies=latencies)
        await loop.create_connection(lambda connection=connection: connection, host, int(port))  # type: ignore[misc]
        connections.append(connection)
    await asyncio.gather(*(connection.ended for connection in connections))
    took = time.perf_counter() - started
    latencies.sort()
    return {
        "requests": len(latencies),
        "seconds": took,
        "errors": sum(connection.errors for connection in connections),
        "p50_ms": latencies[len(latencies) // 2] * 1e3,
        "p99_ms": latencies[int(len(latencies) * 0.99)] * 1e3,
    }


if __name__ == "__main__":
    _url, _seconds, *_rest = sys.argv[1:]
    print(json.dumps(asyncio.run(_hammer(_url, float(_seconds), *_rest))))
