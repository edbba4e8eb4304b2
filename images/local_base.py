"""Writes a base image of this machine's own interpreter with the locked packages to stdout, for `docker import`.

It stands in for the public Python image that the Dockerfile names where no registry can be reached. Run it with the
interpreter of the virtual environment that `make install` made.
"""

import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from images.rootfs import Rootfs, libraries

_ROOT = Path(__file__).parents[1]
# Of the standard library and of packages, what only their developers or desktops use.
_NEEDLESS = frozenset(
    {"ensurepip", "idlelib", "lib2to3", "pydoc_data", "site-packages", "test", "tests", "tkinter", "turtledemo"}
)
# The Dockerfile runs a shell; the others are for people who look into a container.
_PROGRAMS = ("sh", "cat", "chown", "env", "id", "ls", "mkdir", "sleep")
_COMPILED = f".{sys.implementation.cache_tag}.pyc"


def main() -> int:
    if not sys.platform.startswith("linux"):
        sys.stderr.write("an image of this machine's interpreter needs Linux; elsewhere use `make image`\n")
        return 2
    rootfs = Rootfs(sys.stdout.buffer)
    _write(rootfs)
    rootfs.close()
    return 0


def _write(rootfs: Rootfs) -> None:
    interpreter = Path(sys.executable).resolve()
    rootfs.programs(Path(path) for path in map(shutil.which, _PROGRAMS) if path is not None)
    rootfs.programs([interpreter])
    for name in ("python", "python3"):
        rootfs.link(Path("/usr/local/bin") / name, str(interpreter))
    packages, scripts = _folders(interpreter)
    if scripts != Path("/usr/local/bin"):
        rootfs.link(Path("/usr/local/bin/kuberklone"), str(scripts / "kuberklone"))  # once it is installed
    stdlib = Path(sysconfig.get_path("stdlib"))
    installed = Path(sysconfig.get_path("purelib"))
    loaded: list[Path] = []
    for file in _standard_library(stdlib):
        rootfs.file(file)
        loaded += [file] if file.suffix == ".so" else []
    for file in _locked_packages():
        # Nor a package's programs, such as alembic's: ours is the only one that is wanted.
        if not file.is_relative_to(installed) or "tests" in file.parts:
            continue
        rootfs.file(file, packages / file.relative_to(installed))
        loaded += [file] if ".so" in file.suffixes else []
    for library in sorted(libraries(loaded)):
        # What a wheel brings is found by the wheel itself, beside it.
        if not library.is_relative_to(installed):
            rootfs.file(library)
    rootfs.text("/etc/passwd", "root:x:0:0:root:/root:/bin/sh\n")
    rootfs.directory("/tmp", mode=0o1777)


def _folders(interpreter: Path) -> tuple[Path, Path]:
    """Where the interpreter puts packages and their programs when it is in no virtual environment."""
    ask = "import sysconfig; print(sysconfig.get_path('purelib'), sysconfig.get_path('scripts'), sep='\\n')"
    told = subprocess.run([str(interpreter), "-I", "-c", ask], capture_output=True, text=True, check=True)
    packages, scripts = told.stdout.splitlines()
    return Path(packages), Path(scripts)


def _standard_library(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder).parts
        # Debian forbids pip to install beside its own packages; in an image there are none to protect.
        if _NEEDLESS & set(inside) or inside[0].startswith("config-") or path.name == "EXTERNALLY-MANAGED":
            continue
        if path.is_file() and (path.suffix != ".pyc" or path.name.endswith(_COMPILED)):
            yield path


def _locked_packages() -> Iterator[Path]:
    """The files of what `requirements.lock` names, as far as this machine needs it, and of pip."""
    lock = (_ROOT / "requirements.lock").read_text()
    for name in ("pip", *re.findall(r"^([a-z0-9-]+)==", lock, re.MULTILINE)):
        try:
            files = metadata.files(name)
        except metadata.PackageNotFoundError:
            continue  # for another system
        for file in files or ():
            path = Path(str(file.locate())).resolve()
            if path.is_file():
                yield path


if __name__ == "__main__":
    sys.exit(main())
