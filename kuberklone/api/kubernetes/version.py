"""GET /version: which Kubernetes the server speaks like. Clients choose what they send by it."""

import platform
import sys

import msgspec

from kuberklone import __version__
from kuberklone.api.kubernetes.answers import Answer
from kuberklone.api.kubernetes.cluster import Cluster
from kuberklone.api.kubernetes.request import Request
from kuberklone.kinds.release import KUBERNETES_VERSION, MAJOR, MINOR

# Go's names of machines, which people know from `kubectl version`.
_MACHINES = {"x86_64": "amd64", "aarch64": "arm64"}


def _document() -> bytes:
    machine = platform.machine()
    return msgspec.json.encode(
        {
            "major": MAJOR,
            "minor": MINOR,
            "gitVersion": KUBERNETES_VERSION,
            "gitCommit": f"kuberklone-{__version__}",
            "gitTreeState": "clean",
            # There is no such day: the program is not built. Typed clients want a time.
            "buildDate": "1970-01-01T00:00:00Z",
            "goVersion": "none",
            "compiler": platform.python_implementation().lower(),
            "platform": f"{sys.platform}/{_MACHINES.get(machine, machine)}",
        }
    )


_DOCUMENT = _document()


async def show(cluster: Cluster, request: Request) -> Answer:
    del cluster, request
    return Answer(body=_DOCUMENT)
