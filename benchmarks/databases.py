"""An empty database and copies of a prepared one, of either kind, for as long as a run of benchmarks lasts."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Protocol

from psycopg import sql

from benchmarks.measurement import Place
from tests import postgres_server

DIALECTS = ("sqlite", "postgres")


class Databases(Protocol):
    """Hands out places to measure in."""

    @property
    def durability(self) -> str:
        """The settings that decide when an acknowledged write is on the disk, in a few words."""
        ...

    def empty(self) -> Place:
        """A place whose database does not exist yet, or has no tables."""
        ...

    def copy(self, template: Place) -> Place:
        """A place of its own with a copy of the database, whose pages are on the disk."""
        ...

    def drop(self, place: Place) -> None: ...


class SqliteDatabases:
    durability = "journal_mode=WAL, synchronous=FULL"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = count(1)

    def empty(self) -> Place:
        home = self._folder / f"sqlite-{next(self._numbers)}"
        home.mkdir()
        return Place(url=f"sqlite:///{home / 'kuberklone.db'}", folder=home)

    def copy(self, template: Place) -> Place:
        place = self.empty()
        for file in template.folder.glob("kuberklone.db*"):
            shutil.copy(file, place.folder)
        # What the copy left to be written would be paid for by the measurement's first commits.
        os.sync()
        return place

    def drop(self, place: Place) -> None:
        shutil.rmtree(place.folder)


class PostgresDatabases:
    durability = "fsync=on, synchronous_commit=on"

    def __init__(self, folder: Path, server: postgres_server.Connection) -> None:
        self._folder = folder
        self._server = server
        self._numbers = count(1)

    def empty(self) -> Place:
        return self._create("template1")

    def copy(self, template: Place) -> Place:
        place = self._create(_name(template))
        with self._server.connect(database=_name(place)) as admin:
            admin.execute("VACUUM ANALYZE")
            admin.execute("CHECKPOINT")
        return place

    def drop(self, place: Place) -> None:
        shutil.rmtree(place.folder)
        with self._server.connect() as admin:
            admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(_name(place))))

    def _create(self, template: str) -> Place:
        name = f"benchmark_{next(self._numbers)}"
        home = self._folder / f"postgres-{name}"
        home.mkdir()
        place = Place(url=self._server.url(database=name), folder=home)
        with self._server.connect() as admin:
            admin.execute(
                sql.SQL("CREATE DATABASE {} OWNER kuberklone TEMPLATE {}").format(
                    sql.Identifier(name), sql.Identifier(template)
                )
            )
        return place


def _name(place: Place) -> str:
    return place.url.partition("@/")[2].partition("?")[0]


@contextmanager
def running(dialect: str, folder: Path) -> Iterator[Databases]:
    """Databases of one kind; for Postgres with a server that is started here and ends with the block."""
    if dialect == "sqlite":
        yield SqliteDatabases(folder)
        return
    with postgres_server.running(postgres_server.find_binaries()) as server:
        yield PostgresDatabases(folder, server)
