"""A thousand open watches of one API: how long until a change has reached a hundred of them, and what they take.

The time is counted from the moment at which the request is sent that makes the change, so the commit is in it. Clients
and server share the machine.
"""

import asyncio
import http.client
import json
import re
import time
from dataclasses import dataclass, field

import psutil

from benchmarks import programs
from benchmarks.measurement import Benchmark, Figure, Place, Values
from benchmarks.programs import Running

_WATCHERS, _OTHERS = 100, 900
_CHANGES, _WARM_UP = 200, 20
# One after another, as on a cluster where something happens now and then; a burst is a matter of throughput.
_PAUSE_S = 0.02
_ARRIVED_WITHIN_S = 20.0
_MAPS = "/api/v1/namespaces/default/configmaps"
_NAME = re.compile(rb'"name":"(change-[0-9]+)"')
_P50, _P99 = "request to 100 watchers, p50", "request to 100 watchers, p99"
_OPENED, _MEMORY = "1,000 watches opened", "memory of an open watch"


@dataclass(slots=True)
class _Seen:
    """When each change arrived, by watcher."""

    left: int = 0
    all_there: asyncio.Event = field(default_factory=asyncio.Event)
    at: dict[str, list[float]] = field(default_factory=dict)

    def note(self, name: str) -> None:
        self.at.setdefault(name, []).append(time.perf_counter())
        self.left -= 1
        if not self.left:
            self.all_there.set()


def prepare(place: Place) -> None:
    """Nothing: the objects are what is measured."""


def measure(place: Place) -> Values:
    with programs.api(place) as api:
        return asyncio.run(_measure(api))


async def _measure(api: Running) -> Values:
    process = psutil.Process(api.process.pid)
    before = process.memory_info().rss
    seen = _Seen()
    begun = time.perf_counter()
    tasks = [await _watch(api, _MAPS, seen) for _ in range(_WATCHERS)]
    for number in range(_OTHERS):
        tasks.append(await _watch(api, f"{_MAPS}?fieldSelector=metadata.name%3Dother-{number}", _Seen()))
    opened = time.perf_counter() - begun
    each = (process.memory_info().rss - before) / (_WATCHERS + _OTHERS)
    seen.left = _WATCHERS * (_CHANGES + _WARM_UP)
    sent = await asyncio.to_thread(_make_changes, api)
    await asyncio.wait_for(seen.all_there.wait(), _ARRIVED_WITHIN_S)
    for task in tasks:
        task.cancel()
    took = sorted(
        1000 * (arrived - sent[name]) for name, arrivals in seen.at.items() if name in sent for arrived in arrivals
    )
    assert len(took) == _WATCHERS * _CHANGES
    return {
        _P50: took[len(took) // 2],
        _P99: took[int(0.99 * len(took))],
        _OPENED: opened,
        _MEMORY: each / 1024,
    }


async def _watch(api: Running, path: str, seen: _Seen) -> asyncio.Task[None]:
    """An open watch whose events are noted in the background."""
    reader, writer = await asyncio.open_connection("127.0.0.1", api.port)
    mark = "&" if "?" in path else "?"
    writer.write(f"GET {path}{mark}watch=true HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200"), head
    return asyncio.create_task(_listen(reader, writer, seen))


async def _listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seen: _Seen) -> None:
    try:
        # An event is a line of JSON; the lengths of the chunks in between hold no name.
        while line := await reader.readline():
            found = _NAME.search(line)
            if found is not None:
                seen.note(found[1].decode())
    finally:
        writer.close()


def _make_changes(api: Running) -> dict[str, float]:
    """When the request of each change was sent."""
    connection = http.client.HTTPConnection("127.0.0.1", api.port)
    sent = {}
    for number in range(_WARM_UP + _CHANGES):
        name = f"change-{number}"
        body = json.dumps({"metadata": {"name": name}, "data": {"text": "x" * 500}})
        now = time.perf_counter()
        connection.request("POST", _MAPS, body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 201
        if number >= _WARM_UP:
            sent[name] = now
        time.sleep(_PAUSE_S)
    connection.close()
    return sent


BENCHMARK = Benchmark(
    name="watches",
    title="A thousand open watches of the Kubernetes API",
    figures=(
        Figure(name=_P50, unit="ms", better="less", decimals=1),
        Figure(name=_P99, unit="ms", better="less", target=50, decimals=1),
        Figure(name=_OPENED, unit="s", better="less", decimals=1),
        Figure(name=_MEMORY, unit="KiB", better="less"),
    ),
    prepare=prepare,
    measure=measure,
)
