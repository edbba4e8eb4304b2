"""What the machine under an agent is: its boot, its address, its size."""

import os
import platform
import socket
from pathlib import Path
from urllib.parse import urlsplit

import psutil

from kuberklone.agent.kept import Boot, Directory
from kuberklone.chance import Chance

_KERNEL_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_FIRST_PROCESS = Path("/proc/1/stat")
_START_TIME = 19  # starttime, counted from what follows the name, in which there may be blanks (proc_pid_stat(5))

_chance = Chance()


def kernel_boot() -> str:
    """The same for as long as the machine is not booted."""
    if _KERNEL_BOOT_ID.is_file():
        return _KERNEL_BOOT_ID.read_text(encoding="ascii").strip()
    return f"{platform.node()}-{psutil.boot_time():.0f}"


def boot_of_machine(node_uid: str) -> str:
    """The boot id of a machine that joined.

    Pods outlive an agent that is started again, so it is the machine's boot and not the process's. Two agents on one
    machine are two nodes, with a boot id each.
    """
    return f"{kernel_boot()}-{node_uid[-12:]}"


def boot_of_container(given: str, kept: Directory) -> str:
    """The boot id of a node that is a container: the one it was made with, for its first start.

    Started again by hand it has a new network, of which nobody told; its pods then belong to an earlier boot. What it
    kept is in its own layer, so it knows.
    """
    instance = f"{kernel_boot()}-{_first_process()}"
    last = kept.boot()
    if last is not None and last.instance == instance:
        return last.boot_id
    boot_id = given if last is None or not last.boot_id.startswith(given) else f"{given}-{_chance.suffix()}"
    kept.keep_boot(Boot(boot_id=boot_id, instance=instance))
    return boot_id


def _first_process() -> str:
    """When the container's first process started."""
    try:
        return _FIRST_PROCESS.read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()[_START_TIME]
    except OSError:
        return ""


def address(server: str) -> str:
    """Of this machine, as whoever is on the way to the server sees it; nothing is sent."""
    parts = urlsplit(server)
    family = socket.AF_INET6 if ":" in (parts.hostname or "") else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((parts.hostname, parts.port or 443))
        except OSError:
            return ""
        return str(probe.getsockname()[0])


def cores() -> int:
    """Those that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def memory_bytes() -> int:
    return int(psutil.virtual_memory().total)
