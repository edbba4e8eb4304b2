"""POST /add_pod at 64 connections against the real `kuberklone api` process."""

import asyncio
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from benchmarks import clusters, programs, raw
from benchmarks.measurement import Benchmark, Figure, Place, Values
from benchmarks.raw import Raw
from kuberklone.chance import Chance
from kuberklone.kinds import pod_document

CONNECTIONS = 64
_WARM_UP_S = 2
_SECONDS = 6
_BODY = '{"cpus": 2}'
_RATE, _P50, _P99 = "pods added", "p50", "p99"
_RAW_PODS = 20_000

_WRK_SCRIPT = """
wrk.method = "POST"
wrk.body = '%s'
wrk.headers["Content-Type"] = "application/json"
function done(summary, latency, requests)
  io.write(string.format('\\n{"requests": %%d, "us": %%d, "errors": %%d, "p50_us": %%d, "p99_us": %%d}\\n',
    summary.requests, summary.duration, summary.errors.status + summary.errors.connect + summary.errors.read +
    summary.errors.write + summary.errors.timeout, latency:percentile(50), latency:percentile(99)))
end
"""


def prepare(place: Place) -> None:
    """A few thousand pods, so that no index fits into one page."""
    chance = Chance(clusters.SEED)
    with clusters.opened(place.url) as store:
        clusters.add_pods(store, clusters.shuffled_pods(5_000, chance=chance))


def measure(place: Place) -> Values:
    with programs.api(place) as api:
        _load(api.url, place.folder, seconds=_WARM_UP_S)
        found = _load(api.url, place.folder, seconds=_SECONDS)
    assert found["errors"] == 0, f"some requests failed: {found}"
    return {
        _RATE: found["requests"] / found["us"] * 1e6,
        _P50: found["p50_us"] / 1000,
        _P99: found["p99_us"] / 1000,
    }


def _load(url: str, folder: Path, *, seconds: int) -> dict[str, float]:
    """wrk where it is installed; else a client of our own, which takes much more of the processor for itself."""
    wrk = shutil.which("wrk")
    if wrk is None:
        command = [sys.executable, "-m", "benchmarks.posting", url, str(seconds)]
    else:
        script = folder / "add_pod.lua"
        script.write_text(_WRK_SCRIPT % _BODY)
        command = [wrk, "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "-s", str(script), f"{url}/add_pod"]
    output = subprocess.run(
        command, capture_output=True, text=True, check=True, cwd=programs.ROOT, preexec_fn=_on_the_last_processor
    ).stdout
    found: dict[str, float] = json.loads(output.strip().splitlines()[-1])
    return found


def _on_the_last_processor() -> None:
    """The load generator shall not wander onto the processor that the server is on."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def measure_raw(place: Place) -> Values:
    """Insert pods and their changes, one commit for as many as 64 connections can wait for at once."""
    chance = Chance()
    template = clusters.pod(cpu_millis=2_000, memory_bytes=0)
    document = pod_document.document(template)
    uids = [chance.uid() for _ in range(_RAW_PODS)]
    driver = Raw(place)
    revision = raw.next_revision(driver)
    commits: list[float] = []
    with raw.stopwatch() as seconds:
        for batch in raw.batches([(uid,) for uid in uids], CONNECTIONS):
            numbered = [(revision + index, row[0]) for index, row in enumerate(batch)]
            revision += len(batch)
            with raw.stopwatch() as commit, driver.transaction(len(batch)):
                driver.insert(
                    "pods",
                    {
                        "uid": "text", "name": "text", "namespace": "text", "revision": "bigint",
                        "created_ms": "bigint", "spec": "text", "cpu_millis": "bigint",
                        "memory_bytes": "bigint", "shape": "text",
                    },
                    [(uid, uid, "default", number, number, template.spec, 2_000, 0, "") for number, uid in numbered],
                )  # fmt: skip
                driver.insert(
                    "changes",
                    raw.CHANGES,
                    [raw.change(number, "ADDED", name=uid, uid=uid, document=document) for number, uid in numbered],
                )
            commits.append(commit[0])
    driver.close()
    commits.sort()
    return {_RATE: _RAW_PODS / seconds[0], _P99: commits[int(len(commits) * 0.99)] * 1000}


BENCHMARK = Benchmark(
    name="posting",
    title="POST /add_pod at 64 connections",
    figures=(
        Figure(name=_RATE, unit="pods/s", better="more", target=4_000, share_min=0.08),
        Figure(name=_P50, unit="ms", better="less", decimals=1),
        Figure(name=_P99, unit="ms", better="less", target=60, decimals=1),
    ),
    prepare=prepare,
    measure=measure,
    raw=measure_raw,
)


# What follows is the client for machines without wrk: `python -m benchmarks.posting URL SECONDS`.


async def _client(url: str, seconds: float) -> dict[str, float]:
    host, port = url.removeprefix("http://").split(":")
    request = (
        f"POST /add_pod HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(_BODY)}\r\n\r\n{_BODY}"
    ).encode()
    latencies: list[float] = []
    errors = 0
    started = time.perf_counter()
    ends = started + seconds

    async def connection() -> None:
        nonlocal errors
        reader, writer = await asyncio.open_connection(host, int(port))
        while (begun := time.perf_counter()) < ends:
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
            await reader.readexactly(length)
            latencies.append(time.perf_counter() - begun)
            errors += not head.startswith(b"HTTP/1.1 201")
        writer.close()

    async with asyncio.TaskGroup() as group:
        for _ in range(CONNECTIONS):
            group.create_task(connection())
    took = time.perf_counter() - started
    latencies.sort()
    return {
        "requests": len(latencies),
        "us": took * 1e6,
        "errors": errors,
        "p50_us": latencies[len(latencies) // 2] * 1e6,
        "p99_us": latencies[int(len(latencies) * 0.99)] * 1e6,
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(_client(sys.argv[1], float(sys.argv[2])))))
