"""What was measured on: a figure without its machine says nothing."""

import os
import platform
import sqlite3
import subprocess
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import psutil

from tests import postgres_server


def description() -> dict[str, str]:
    """Names and values, in the order in which they are shown."""
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "machine": f"{os.cpu_count()} processors ({_processor()}), {round(psutil.virtual_memory().total / 2**30)} GiB",
        "system": f"{platform.system()} {platform.release()}",
        "disk": f"{_filesystem(Path(tempfile.gettempdir()))} below {tempfile.gettempdir()}",
        "Python": platform.python_version(),
        "SQLite": sqlite3.sqlite_version,
        "Postgres": _postgres_version(),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    return next((line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.machine())


def _filesystem(folder: Path) -> str:
    """The kind of file system: on one in memory a sync costs nothing and the figures mean nothing."""
    mounts = [
        (mount.mountpoint, mount.fstype)
        for mount in psutil.disk_partitions(all=True)
        if folder.is_relative_to(mount.mountpoint)
    ]
    return max(mounts, key=lambda mount: len(mount[0]))[1] if mounts else "unknown file system"


def _postgres_version() -> str:
    program = postgres_server.find_binaries() / "postgres"
    answer = subprocess.run([str(program), "--version"], capture_output=True, text=True, check=True).stdout
    return answer.split(")")[1].split("(")[0].strip()
