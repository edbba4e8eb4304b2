"""One moment of the cluster: a snapshot and the cluster time at which it is looked at."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import Connection

from kuberklone.store import cluster_time
from kuberklone.store.database import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    connection: Connection
    now_ms: int


@contextmanager
def now(store: Store) -> Iterator[Moment]:
    """Read everything as of now; ages are counted to `now_ms`."""
    with store.snapshot() as connection:
        yield Moment(connection=connection, now_ms=cluster_time.now_ms(connection, wall_ms=store.clock.wall_ms()))
