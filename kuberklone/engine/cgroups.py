"""Removes control groups that engines leave behind.

The containers of a Docker node's pods lie in the control group of the node's container. If that one ends first, as a
killed one does, its group is not empty and the engine leaves it; nobody looks at it again. An empty group is harmless,
so where this process may not remove it, or where the engine is on another machine, it stays.
"""

import os
from contextlib import suppress
from pathlib import Path

_ROOT = Path("/sys/fs/cgroup")


def sweep(group: str) -> None:
    """Remove this group of every hierarchy, and empty ones below it; one in which something runs stays as it is."""
    relative = group.strip("/")
    if not relative or ".." in relative.split("/"):
        return
    # One hierarchy for each resource (version 1), or a single one for all.
    for hierarchy in (_ROOT, *_ROOT.glob("*")):
        folder = hierarchy / relative
        if folder.is_dir() and not folder.is_symlink():
            # os.walk, because it passes over what the engine removes meanwhile; Path.rglob raises.
            for below, _, _ in os.walk(folder, topdown=False):
                _remove(Path(below))


def _remove(folder: Path) -> None:
    # The kernel refuses while a process or another group is in it.
    with suppress(OSError):
        folder.rmdir()
