"""Two terminals as the README's reader has them: one that `make up` occupies, and a shell that stays open beside it."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from tests import waiting
from tests.docs.reading import ROOT

# Generous: two cores are shared with everything else that is being tested.
DEADLINE_S = 60.0
_READY = "Ctrl-C stops it"
# What an image is made of; an engine that builds one follows no link out of the folder.
_OF_IMAGES = (
    ".dockerignore", "Dockerfile", "LICENSE", "Makefile", "README.md", "controllers", "images", "kuberklone",
    "migrations", "pyproject.toml", "requirements.lock",
)  # fmt: skip
# Where a build writes; another may be going on in this checkout.
_OWN = (".venv", "build")


def checkout(folder: Path, *, with_images: bool = False) -> Path:
    """This checkout as if `make install` had just been done in it: everything by a link, but with stamps of its own.

    With what images are made of as copies, they can be made in it, too.
    """
    folder.mkdir()
    copied = _OF_IMAGES if with_images else ()
    for entry in ROOT.iterdir():
        if entry.name in copied and entry.is_dir():
            shutil.copytree(entry, folder / entry.name, ignore=shutil.ignore_patterns("__pycache__"))
        elif entry.name in copied:
            shutil.copy(entry, folder)
        elif entry.name not in _OWN:
            (folder / entry.name).symlink_to(entry)
    (folder / ".venv").mkdir()
    (folder / ".venv" / "bin").symlink_to(Path(sys.executable).parent)
    (folder / ".venv" / ".installed").touch()
    return folder


def environment(folder: Path, *, port: int, demo: bool, database_url: str | None) -> dict[str, str]:
    """A person's environment with a home of its own; the port is the one thing that must differ from the README."""
    ours = ("KUBERKLONE_", "MAKE", "MFLAGS", "VIRTUAL_ENV")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    home = folder / "person"
    home.mkdir()
    # As at a terminal, where curl shows no progress beside an answer.
    (home / ".curlrc").write_text("silent\nshow-error\n")
    changed = {"HOME": str(home), "KUBERKLONE_PORT": str(port), "ARGS": "--demo" if demo else "", "COLUMNS": "200"}
    return kept | changed | ({"KUBERKLONE_DATABASE_URL": database_url} if database_url else {})


class FirstTerminal:
    """Runs one program in the foreground."""

    def __init__(self, folder: Path, environ: Mapping[str, str], kept: ExitStack) -> None:
        self._folder = folder
        self._environ = environ
        self._kept = kept
        self._process: subprocess.Popen[bytes] | None = None
        self._runs = 0

    def run(self, command: str) -> str:
        """Start it, wait until it is up, and say what it printed."""
        assert self._process is None or self._process.poll() is not None, "the terminal is occupied"
        self._runs += 1
        output = self._folder.parent / f"first-terminal-{self._runs}"
        with output.open("w") as stream:
            process = subprocess.Popen(
                ["bash", "-c", command],
                cwd=self._folder,
                env=self._environ,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._process = process
        self._kept.callback(_end, process)
        waiting.until(
            lambda: process.poll() is not None or _READY in output.read_text(), within_s=DEADLINE_S, what=command
        )
        assert process.poll() is None, f"it ended with {process.poll()}:\n{output.read_text()}"
        return output.read_text()

    def interrupt(self) -> None:
        """Ctrl-C, which reaches the whole foreground group."""
        assert self._process is not None
        os.killpg(self._process.pid, signal.SIGINT)

    def ended(self) -> int:
        """Wait for the end of the program; its exit code."""
        assert self._process is not None
        return self._process.wait(DEADLINE_S)


class SecondTerminal:
    """One bash for all blocks, as a person keeps one open."""

    def __init__(self, folder: Path, environ: Mapping[str, str], kept: ExitStack) -> None:
        self._output = folder.parent / "second-terminal"
        self._runs = 0
        with self._output.open("w") as stream:
            self._shell = subprocess.Popen(
                ["bash", "-o", "errexit", "-o", "pipefail", "-s"],
                cwd=folder,
                env=environ,
                stdin=subprocess.PIPE,
                stdout=stream,
                stderr=subprocess.STDOUT,
                text=True,
                start_new_session=True,
            )
        kept.callback(_end, self._shell)

    def run(self, block: str, *, within_s: float = DEADLINE_S) -> str:
        """Type the block and wait for its end; what it printed. A command that fails ends the shell and the test."""
        assert self._shell.stdin is not None
        self._runs += 1
        mark = f"end of block {self._runs}\n"
        before = len(self._output.read_text())
        self._shell.stdin.write(f"{block}\necho; echo {mark}")
        self._shell.stdin.flush()

        def done() -> bool:
            return self._shell.poll() is not None or self._output.read_text().endswith(f"\n{mark}")

        waiting.until(done, within_s=within_s, what=block)
        said = self._output.read_text()[before:]
        assert self._shell.poll() is None, f"a command failed:\n{block}\n{said}"
        return said.removesuffix(f"\n{mark}")


def _end(process: subprocess.Popen) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(DEADLINE_S)
    if process.stdin is not None:
        process.stdin.close()


@contextmanager
def two(folder: Path, environ: Mapping[str, str]) -> Iterator[tuple[FirstTerminal, SecondTerminal]]:
    """Both, with nothing left running afterwards."""
    with ExitStack() as kept:
        yield FirstTerminal(folder, environ, kept), SecondTerminal(folder, environ, kept)
