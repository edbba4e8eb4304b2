"""Machines of the test's own: network namespaces, each with a cable to this machine that can be pulled."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest

from kuberklone.chance import Chance

_CAN_NOT = "needs root and the command `ip`, to make network namespaces"


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """One namespace; `gateway` is where it reaches this machine."""

    name: str
    cable: str
    gateway: str

    def command(self, *arguments: str) -> list[str]:
        """Runs a program on it."""
        return ["ip", "netns", "exec", self.name, *arguments]

    def cut(self) -> None:
        """Pull the cable: what is sent is lost, and nobody is told."""
        _ip("link", "set", self.cable, "down")

    def mend(self) -> None:
        _ip("link", "set", self.cable, "up")


@contextmanager
def hosts(count: int) -> Iterator[list[Host]]:
    """So many of them; skipped where the system lets nobody make any."""
    if shutil.which("ip") is None or os.geteuid() != 0:
        pytest.skip(_CAN_NOT)
    # Names of interfaces have at most 15 letters.
    drawn = Chance().suffix(letters=6)
    made: list[Host] = []
    try:
        for number in range(1, count + 1):
            host = Host(name=f"kk-{drawn}-{number}", cable=f"kk{drawn}{number}", gateway=f"10.213.{number}.1")
            _ip("netns", "add", host.name)
            made.append(host)
            inside = f"{host.cable}i"
            _ip("link", "add", host.cable, "type", "veth", "peer", "name", inside, "netns", host.name)
            _ip("addr", "add", f"{host.gateway}/24", "dev", host.cable)
            _ip("link", "set", host.cable, "up")
            _ip("-n", host.name, "addr", "add", f"10.213.{number}.2/24", "dev", inside)
            _ip("-n", host.name, "link", "set", inside, "up")
            _ip("-n", host.name, "link", "set", "lo", "up")
        yield made
    finally:
        for host in made:
            _ip("netns", "delete", host.name)


def _ip(*arguments: str) -> None:
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"ip {' '.join(arguments)}: {done.stderr}"
