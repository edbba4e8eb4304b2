"""Owns one Postgres server for a test run and takes it away with the run, however the run ends.

Started as a program of its own by `tests/postgres_server.py`. It makes a new data folder, starts the server in it,
prints one line when the server answers, and stops the server and deletes the folder when its standard input closes. The
pipe closes when the test run ends, also when it is killed with -9, so no server is ever left behind.

Imports nothing but the standard library: it must start quickly and work before anything else does.
"""

import json
import os
import pwd
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import IO

# A server that is not up by then will not come up; a loaded machine with a slow disk needs about five.
_START_LIMIT_S = 60.0
# Processes forked by the run could keep the pipe open after its death; looking at the parent once a second covers them.
_PARENT_POLL_S = 1.0
# An immediate shutdown takes milliseconds; what has not ended by then is ended by force.
_STOP_LIMIT_S = 10.0


class ServerFailedError(Exception):
    """Postgres could not be started; the message carries what it said."""


def unprivileged_account() -> str | None:
    """Who runs the server: this user, or (Postgres refuses to run as root) the least of the accounts that exist."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name).pw_name
        except KeyError:
            continue
    raise ServerFailedError("running as root, and neither of the accounts postgres and nobody exists")


class Server:
    """One server in one new folder."""

    def __init__(self, binaries: Path) -> None:
        self._account = unprivileged_account()
        # The socket lies in this folder too, and a socket's path must be shorter than 104 characters (macOS).
        self._folder = Path(tempfile.mkdtemp(prefix="kk-pg-"))
        self._binaries = binaries
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> dict[str, str]:
        """Start and return how to connect."""
        if not (self._binaries / "postgres").exists():
            raise ServerFailedError(f"there is no program postgres in {self._binaries}")
        if self._account is not None:
            shutil.chown(self._folder, self._account)
        self._make_binaries_reachable()
        data = self._folder / "data"
        # --no-sync skips syncing the freshly made files only; the running server syncs every commit as usual.
        self._run(
            "initdb", "-D", str(data), "-U", "postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"
        )
        log = self._folder / "log"
        with log.open("wb") as output:
            self._process = self._spawn(
                self._binaries / "postgres",
                *("-D", str(data), "-k", str(self._folder), "-c", "listen_addresses="),
                *("-c", "max_connections=200", "-c", "fsync=on", "-c", "synchronous_commit=on"),
                output=output,
            )
        self._await_answer(log)
        version = self._run("postgres", "--version").strip()
        return {"socket_folder": str(self._folder), "version": version, "pid": str(self._process.pid)}

    def stop(self) -> None:
        """Stop at once: the data is thrown away, so nothing needs to be written out."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGQUIT)
            try:
                self._process.wait(_STOP_LIMIT_S)
            except subprocess.TimeoutExpired:
                os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _make_binaries_reachable(self) -> None:
        """Copy the server when the account cannot reach it: a checkout below /root is closed to everybody else."""
        try:
            self._run("postgres", "--version")
        except (PermissionError, ServerFailedError):
            version_folder = self._binaries.parent
            package = version_folder.parent
            copy = self._folder / "server" / package.name
            shutil.copytree(version_folder, copy / version_folder.name, symlinks=True)
            # A packaged server finds its libraries by their place relative to itself: beside the package (Linux) or
            # hidden in it (macOS).
            for libraries in (package.with_name(f"{package.name}.libs"), package / ".dylibs"):
                if libraries.exists():
                    shutil.copytree(libraries, self._folder / "server" / libraries.relative_to(package.parent))
            self._binaries = copy / version_folder.name / "bin"

    def _await_answer(self, log: Path) -> None:
        assert self._process is not None
        deadline = time.monotonic() + _START_LIMIT_S
        while True:
            if self._process.poll() is not None:
                raise ServerFailedError(f"postgres ended with {self._process.returncode}: {log.read_text()}")
            # The word "ready" is the eighth line of this file once the server accepts connections.
            status = self._folder / "data" / "postmaster.pid"
            if status.exists() and status.read_text().split("\n")[7:8] == ["ready   "]:
                return
            if time.monotonic() > deadline:
                raise ServerFailedError(f"postgres did not start within {_START_LIMIT_S:g} s: {log.read_text()}")
            time.sleep(0.02)  # noqa: TID251 - nothing can be waited for: the server signals only by this file

    def _run(self, program: str, *arguments: str) -> str:
        command = self._binaries / program
        process = self._spawn(command, *arguments, output=subprocess.PIPE)
        output, _ = process.communicate()
        if process.returncode != 0:
            raise ServerFailedError(f"{command} ended with {process.returncode}: {output.decode()}")
        return output.decode()

    def _spawn(self, command: Path, *arguments: str, output: int | IO[bytes]) -> subprocess.Popen[bytes]:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        return subprocess.Popen(
            [str(command), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=self._folder,
            env=environment | {"LC_ALL": "C", "HOME": str(self._folder)},
            user=self._account,
            group=None if self._account is None else pwd.getpwnam(self._account).pw_gid,
            extra_groups=None if self._account is None else [],
            start_new_session=True,
        )


def _wait_for_the_runs_end() -> None:
    run = os.getppid()
    while os.getppid() == run:
        readable, _, _ = select.select([sys.stdin], [], [], _PARENT_POLL_S)
        if readable and not os.read(sys.stdin.fileno(), 1):
            return


def _tell(answer: dict[str, str]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


def main() -> int:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # Ctrl-C reaches the whole group of the run; the end of the pipe is the one signal this program follows.
        signal.signal(number, signal.SIG_IGN)
    server = Server(Path(sys.argv[1]))
    try:
        answer = server.start()
        _tell(answer)
        _wait_for_the_runs_end()
    except (ServerFailedError, OSError) as error:
        _tell({"error": str(error)})
        return 1
    finally:
        server.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
