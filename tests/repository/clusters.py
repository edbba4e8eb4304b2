"""A whole cluster as a person starts it: `kuberklone up` as a real process on a free port, ended in an orderly way."""

import os
import signal
import socket
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.waiting import NeverHappenedError, until

# Starting takes about a second on an idle machine; the tests share two cores.
_START_LIMIT_S = 30.0
_STOP_LIMIT_S = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    url: str
    home: Path

    def nodes(self) -> list[dict]:
        """Nothing while the API does not answer."""
        try:
            items: list[dict] = httpx.get(f"{self.url}/nodes", trust_env=False).json()["items"]
        except httpx.TransportError:
            return []
        return items


@contextmanager
def running(
    kuberklone: Sequence[str], *options: str, home: Path, environment: dict[str, str], folder: Path
) -> Iterator[Cluster]:
    """A new cluster with three ready nodes; it must end with exit code 0."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    cluster = Cluster(url=f"http://127.0.0.1:{port}", home=home)
    home.mkdir(parents=True, exist_ok=True)
    output = home / "output"
    with output.open("w") as stream:
        up = subprocess.Popen(
            [*kuberklone, "up", "--nodes", "3", "--port", str(port), *options],
            cwd=folder,
            env=environment | {"KUBERKLONE_HOME": str(home)},
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=stream,
            start_new_session=True,
        )
    try:
        _await_ready(cluster, up, output)
        yield cluster
        up.send_signal(signal.SIGTERM)
        assert up.wait(_STOP_LIMIT_S) == 0, output.read_text()
    finally:
        if up.poll() is None:
            os.killpg(up.pid, signal.SIGKILL)
            up.wait()


def _await_ready(cluster: Cluster, up: subprocess.Popen, output: Path) -> None:
    def ready() -> bool:
        return up.poll() is not None or [node["status"] for node in cluster.nodes()] == ["Ready"] * 3

    try:
        until(ready, within_s=_START_LIMIT_S, what="three nodes are ready")
    except NeverHappenedError as error:
        raise NeverHappenedError(f"{error}; up said:\n{output.read_text()}") from None
    assert up.poll() is None, output.read_text()
