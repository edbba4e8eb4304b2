"""A wake-up without contents: "something was committed, look at the feed".

Losing one costs a poll's interval, never a change: readers poll as well. On SQLite it is an empty datagram to every
socket in a directory that belongs to the database file; on Postgres a NOTIFY, sent by a thread of its own after the
commit, since a NOTIFY inside the transaction would take a lock that all committers share.
"""

import hashlib
import os
import select
import socket
import tempfile
import threading
from contextlib import suppress
from pathlib import Path

import psycopg
from sqlalchemy import URL

from kuberklone.chance import Chance
from kuberklone.clock import sleep
from kuberklone.store import notifier
from kuberklone.store.database import Store, database_file

# How often a listener's thread looks whether it was closed.
_LISTEN_S = 0.5


class Listener:
    """Wakes one reader of one process. `wait` returns early when something was committed anywhere."""

    def __init__(self, store: Store) -> None:
        self._event = threading.Event()
        self._closed = False
        self._socket: socket.socket | None = None
        self._path: Path | None = None
        if store.dialect == "sqlite":
            self._path = _existing_directory(store) / f"{os.getpid()}-{Chance().suffix(letters=8)}"
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            self._socket.bind(str(self._path))
            self._socket.setblocking(False)
        else:
            self._url = store.url.set(drivername="postgresql").render_as_string(hide_password=False)
            threading.Thread(target=self._listen, name="nudge-listener", daemon=True).start()

    def wait(self, seconds: float) -> bool:
        """Block until a nudge or for `seconds`; says whether it was a nudge. Nudges that piled up count once."""
        if self._socket is None:
            nudged = self._event.wait(seconds)
            self._event.clear()
            return nudged
        ready, _, _ = select.select([self._socket], [], [], max(0.0, seconds))
        with suppress(BlockingIOError):
            while self._socket.recv(1):
                pass
        return bool(ready)

    def close(self) -> None:
        self._closed = True
        if self._socket is not None and self._path is not None:
            self._socket.close()
            self._path.unlink(missing_ok=True)

    def _listen(self) -> None:
        while not self._closed:
            try:
                with psycopg.connect(self._url, autocommit=True, connect_timeout=5) as connection:
                    connection.execute(f"LISTEN {notifier.CHANNEL}")
                    self._event.set()  # whatever was committed while nobody listened
                    while not self._closed:
                        for _ in connection.notifies(timeout=_LISTEN_S, stop_after=1):
                            self._event.set()
            except psycopg.Error:
                sleep(notifier.RECONNECT_S)


def send(store: Store) -> None:
    """Tell all listeners that something was committed. Never blocks and never fails."""
    if store.notifier is not None:
        store.notifier.send()
        return
    # The commit is done: a temporary directory that is full or gone must not make it look as if it were not.
    with suppress(OSError):
        _send_datagrams(_existing_directory(store))


def _send_datagrams(sockets: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.setblocking(False)
        for entry in os.scandir(sockets):
            try:
                sender.sendto(b"!", entry.path)
            except BlockingIOError:
                continue  # its buffer is full of nudges already
            except ConnectionRefusedError:
                Path(entry.path).unlink(missing_ok=True)  # its process was killed
            except OSError:
                continue


def directory(url: URL) -> Path:
    """Where the listeners of a SQLite database have their sockets, whether or not it exists."""
    # Not beside the database: a socket's path may have 104 bytes on macOS, and a home directory may be deep.
    key = hashlib.sha256(os.fsencode(database_file(url).absolute())).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"kuberklone-{os.getuid()}-{key}"


def _existing_directory(store: Store) -> Path:
    found = directory(store.url)
    found.mkdir(mode=0o700, exist_ok=True)
    return found
