"""What an agent keeps on its machine between two starts: who it is, and how the cluster knows it."""

import fcntl
import os
from pathlib import Path
from typing import IO, TypeVar

import msgspec

from kuberklone.agent.keeper import SESSION_FILE
from kuberklone.chance import Chance
from kuberklone.errors import SettingsError

Kept = TypeVar("Kept", bound=msgspec.Struct)

_chance = Chance()


class Membership(msgspec.Struct, frozen=True, kw_only=True):
    """What the cluster said when the machine joined."""

    server: str
    node_name: str
    node_uid: str
    cluster_id: str
    token: str


class Boot(msgspec.Struct, frozen=True, kw_only=True):
    """The boot that the agent spoke for last."""

    boot_id: str
    instance: str
    """What differs whenever the machine really booted."""


class Directory:
    """One folder, used by one agent at a time."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._session = ""
        try:
            path.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._lock: IO[bytes] = (path / "lock").open("wb")
        except OSError as error:
            raise SettingsError(f"--state-dir {path} cannot be used: {error.strerror}; name another.") from error
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self._lock.close()
            raise SettingsError(
                f"another agent runs with --state-dir {path}; two on one machine need one each."
            ) from error

    def close(self) -> None:
        """Let another agent use it; the end of the process does the same."""
        self._lock.close()

    @property
    def certificate(self) -> Path:
        return self.path / "ca.crt"

    def machine_id(self) -> str:
        """Drawn once: by it the cluster finds the machine's node again when it joins a second time."""
        file = self.path / "machine-id"
        if not file.is_file():
            self._write(file, _chance.uid().encode())
        return file.read_text(encoding="ascii").strip()

    def membership(self, server: str) -> Membership | None:
        """Of the cluster at that address, if the machine is part of it."""
        kept = self._read(self.path / "membership.json", Membership)
        return kept if kept is not None and kept.server == server else None

    def keep(self, membership: Membership) -> None:
        self._write(self.path / "membership.json", msgspec.json.encode(membership))

    def forget(self) -> None:
        (self.path / "membership.json").unlink(missing_ok=True)

    def boot(self) -> Boot | None:
        return self._read(self.path / "boot.json", Boot)

    def keep_boot(self, boot: Boot) -> None:
        self._write(self.path / "boot.json", msgspec.json.encode(boot))

    def keep_session(self, node_uid: str, session: str) -> None:
        """Which process speaks for the node now; the keeper of one before it then has nothing left to do."""
        if session != self._session:
            self._write(self.path / SESSION_FILE, f"{node_uid} {session}".encode())
            self._session = session

    def _read(self, file: Path, kind: type[Kept]) -> Kept | None:
        try:
            return msgspec.json.decode(file.read_bytes(), type=kind)
        except FileNotFoundError:
            return None
        except msgspec.DecodeError:
            return None  # Not written by us; what it should say can be found out again.

    def _write(self, file: Path, content: bytes) -> None:
        """All of it or nothing, readable by nobody else: it may be a token."""
        draft = file.with_suffix(".new")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        draft.replace(file)
