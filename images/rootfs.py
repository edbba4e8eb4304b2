"""Puts files of this machine into the root file system of an image, with the shared libraries they load.

For machines without a registry: what is written here goes to `docker import`. Libraries keep the path they have here,
which is where the loader of this same system looks for them. Paths that go through a link, such as /bin and /lib64 on
a merged /usr, are written once at their real place, with the link beside: `docker import` refuses a path twice.
"""

import io
import os
import re
import subprocess
import tarfile
from collections.abc import Iterable
from pathlib import Path
from typing import IO

_LIBRARY = re.compile(r"(?:=> )?(/\S+) \(0x")
# More names than one command line takes are asked for in parts.
_NAMES_AT_ONCE = 200


def libraries(files: Iterable[Path]) -> set[Path]:
    """Every shared library that the dynamic loader would load for these programs and libraries."""
    asked = [str(file) for file in files]
    found: set[Path] = set()
    for start in range(0, len(asked), _NAMES_AT_ONCE):
        # It fails for a file that is not dynamic, and says so for that one only.
        told = subprocess.run(
            ["ldd", *asked[start : start + _NAMES_AT_ONCE]], capture_output=True, text=True, check=False
        )
        found |= {Path(match) for match in _LIBRARY.findall(told.stdout)}
    return found


class Rootfs:
    """A tar file in the making; every path is written once, readable by everybody and owned by root."""

    def __init__(self, out: IO[bytes]) -> None:
        self._tar = tarfile.open(fileobj=out, mode="w|", format=tarfile.PAX_FORMAT)  # noqa: SIM115 - `close` does it
        self._written: set[str] = set()
        for directory, target in _merged_directories():
            self.link(directory, target)

    def close(self) -> None:
        self._tar.close()

    def file(self, source: Path, target: Path | None = None) -> None:
        """A file of this machine, at its own path or at another; what is a link becomes the file."""
        self._add(source.resolve(), _real(target or source))

    def text(self, target: str, content: str) -> None:
        """A small file that this machine does not have."""
        data = content.encode()
        entry = self._entry(Path(target), tarfile.REGTYPE)
        if entry is not None:
            entry.size = len(data)
            self._tar.addfile(entry, io.BytesIO(data))

    def directory(self, target: str, *, mode: int = 0o755, owner: int = 0) -> None:
        entry = self._entry(Path(target), tarfile.DIRTYPE)
        if entry is not None:
            entry.mode, entry.uid, entry.gid = mode, owner, owner
            self._tar.addfile(entry)

    def link(self, path: Path, target: str) -> None:
        entry = self._entry(path, tarfile.SYMTYPE)
        if entry is not None:
            entry.linkname = target
            self._tar.addfile(entry)

    def programs(self, names: Iterable[Path]) -> None:
        """Programs, and what they load."""
        files = list(names)
        for file in (*files, *libraries(files)):
            self.file(file)

    def _add(self, source: Path, target: Path) -> None:
        entry = self._entry(target, tarfile.REGTYPE)
        if entry is None:
            return
        status = source.stat()
        # Modules compiled beforehand are believed as long as the source's time is the one they name.
        entry.size, entry.mtime = status.st_size, int(status.st_mtime)
        entry.mode = 0o755 if status.st_mode & 0o100 else 0o644
        with source.open("rb") as content:
            self._tar.addfile(entry, content)

    def _entry(self, target: Path, kind: bytes) -> tarfile.TarInfo | None:
        """The entry to fill in, with the directories above it; None for a path that is there already."""
        name = str(target).lstrip("/")
        if name in self._written:
            return None
        if str(target.parent) not in ("/", "."):
            self.directory(str(target.parent))
        self._written.add(name)
        entry = tarfile.TarInfo(name)
        entry.type = kind
        entry.mode = 0o755
        return entry


def _merged_directories() -> list[tuple[Path, str]]:
    """The links at the root of a system whose /bin, /lib, … lie in /usr."""
    candidates = [Path("/") / name for name in ("bin", "lib", "lib32", "lib64", "libx32", "sbin")]
    return [(path, str(path.readlink())) for path in candidates if path.is_symlink()]


def _real(path: Path) -> Path:
    """The path without links in the directories that lead to it; its last name stays."""
    return Path(os.path.realpath(path.parent)) / path.name
