"""A Docker Engine of the test's own, beside the machine's, so that it may be stopped, killed and started again."""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest

from kuberklone.chance import Chance
from kuberklone.engine import connection
from kuberklone.errors import EngineError
from tests import waiting
from tests.engine import TIMEOUT_S

_PROGRAMS = ("containerd", "dockerd", "ip")
_CAN_NOT = f"needs root and the commands {', '.join(_PROGRAMS)}, to start an engine"
# An engine that stops gives its containers 10 s to end, and one that starts looks at each of them.
_WITHIN_S = 60.0
# Of our own, so that no network of the machine's engine is met.
_ADDRESSES = "10.214.0.1/24"


# Nothing but containers is wanted of it; with the others it listens on a port, and makes folders elsewhere.
_CONTAINERD = """version = 2
disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.internal.v1.opt"]
"""


class OwnEngine:
    """Its process, which comes and goes, and its folder, bridge and containerd, which stay until the end of the test.

    That containerd is a process apart, as on machines that systemd runs: it does not end with a killed engine.
    """

    def __init__(self, folder: Path, bridge: str) -> None:
        self._folder = folder
        self._bridge = bridge
        self._containerd: subprocess.Popen | None = None
        self._process: subprocess.Popen | None = None

    @property
    def address(self) -> str:
        return f"unix://{self._folder}/docker.sock"

    def start_containerd(self) -> None:
        """Start what runs the containers. The engine waits for it."""
        (self._folder / "containerd.toml").write_text(_CONTAINERD)
        self._containerd = self._started(
            "containerd", "--config", self._folder / "containerd.toml", "--address", self._folder / "containerd.sock",
            "--root", self._folder / "containerd", "--state", self._folder / "running",
        )  # fmt: skip

    def start(self) -> None:
        """Start it, and wait until it answers."""
        # No rules of its own: they would come in the way of the machine's engine, and nothing here is routed. And no
        # default address pools: an engine that has some removes docker0 when it is started again, whoever's that is.
        self._process = self._started(
            "dockerd", "--host", self.address, "--containerd", self._folder / "containerd.sock",
            "--data-root", self._folder / "data", "--exec-root", self._folder / "run",
            "--pidfile", self._folder / "pid", "--bridge", self._bridge, "--iptables=false",
            "--ip-forward=false", "--ip-masq=false",
        )  # fmt: skip
        waiting.until(self._answers, within_s=_WITHIN_S, what="the engine answers")

    def end(self, number: signal.Signals) -> None:
        """SIGTERM: it ends its containers first. SIGKILL: they run on, until it is started again."""
        assert self._process is not None
        self._process.send_signal(number)
        self._process.wait(_WITHIN_S)

    def remove(self) -> None:
        """End everything, in whatever state it is, and take it away."""
        if self._process is not None and self._process.poll() is None:
            self.end(signal.SIGTERM)
        if self._containerd is not None:
            self._containerd.terminate()
            self._containerd.wait(_WITHIN_S)
        # Of an engine that failed its containers still run, each below a process that names the folder.
        for process in psutil.process_iter():
            with suppress(psutil.NoSuchProcess):
                if str(self._folder) in " ".join(process.cmdline()):
                    for each in (*process.children(recursive=True), process):
                        each.kill()
        for mount in reversed(psutil.disk_partitions(all=True)):
            if Path(mount.mountpoint).is_relative_to(self._folder):
                subprocess.run(["umount", "--lazy", mount.mountpoint], check=True)
        shutil.rmtree(self._folder)

    def load(self, images: Sequence[str], *, of: str) -> None:
        """Carry images over from another engine."""
        file = self._folder / "images.tar"
        subprocess.run(["docker", "-H", of, "save", "--output", file, *images], check=True)
        subprocess.run(["docker", "-H", self.address, "load", "--quiet", "--input", file], check=True)
        file.unlink()

    def _started(self, *command: str | Path) -> subprocess.Popen:
        with (self._folder / "log").open("a") as log:
            return subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, start_new_session=True)

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, f"it ended:\n{(self._folder / 'log').read_text()[-2000:]}"
        try:
            connection.connect(self.address, timeout_s=TIMEOUT_S).close()
        except EngineError:
            return False
        return True


@contextmanager
def running() -> Iterator[OwnEngine]:
    """Skipped where the system lets nobody start an engine."""
    if os.geteuid() != 0 or any(shutil.which(each) is None for each in _PROGRAMS):
        pytest.skip(_CAN_NOT)
    # Names of interfaces have at most 15 letters, and paths of sockets 104 bytes.
    bridge = f"kk{Chance().suffix(letters=8)}"
    folder = Path(tempfile.mkdtemp(prefix="kk-engine-"))
    # Agents in containers come as nobody in particular, and reach the socket below.
    folder.chmod(0o711)
    _ip("link", "add", bridge, "type", "bridge")
    engine = OwnEngine(folder, bridge)
    try:
        _ip("addr", "add", _ADDRESSES, "dev", bridge)
        _ip("link", "set", bridge, "up")
        engine.start_containerd()
        engine.start()
        yield engine
    finally:
        engine.remove()
        _ip("link", "delete", bridge)


def _ip(*arguments: str) -> None:
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"ip {' '.join(arguments)}: {done.stderr}"
