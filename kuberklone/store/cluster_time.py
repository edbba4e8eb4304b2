"""Cluster time: the milliseconds on which every deadline, back-off and age in a row is counted.

It is kept in the `cluster` row and follows the machine's clock, with two differences. It never goes back, and it gains
at most `GAIN_MAX_MS` between two advances: a laptop that slept or a database that was away for ten minutes is two
seconds older afterwards, so nobody's heartbeat is ten minutes late. On SQLite the machine's clock is this process's,
on Postgres it is the server's, so several machines count on one clock.
"""

from sqlalchemy import Connection, text

# Long enough that a busy cluster loses no time (something writes far more often), short enough that a sleep is no
# outage: below the shortest grace period that makes sense.
GAIN_MAX_MS = 2_000
# The row's wall time is moved back only when the machine's clock was set back by more than a busy server may lag.
_SET_BACK_MS = 10_000

_WALL = {
    "sqlite": "CAST(:wall AS INTEGER)",
    "postgresql": "CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint)",
}
_LEAST = {"sqlite": "min", "postgresql": "least"}
_GREATEST = {"sqlite": "max", "postgresql": "greatest"}


def _gain(dialect: str) -> str:
    return f"{_GREATEST[dialect]}(0, {_LEAST[dialect]}({GAIN_MAX_MS}, {_WALL[dialect]} - wall_ms))"


def advance_assignments(dialect: str) -> str:
    """The SET part that advances cluster time to now, for an UPDATE of the `cluster` row with parameter `wall`."""
    wall = _WALL[dialect]
    return (
        f"time_ms = time_ms + {_gain(dialect)}, "
        f"wall_ms = CASE WHEN {wall} BETWEEN wall_ms - {_SET_BACK_MS} AND wall_ms THEN wall_ms ELSE {wall} END"
    )


def _now_statement(dialect: str) -> str:
    # A comparison with :wall keeps the parameter in use on Postgres, where the server's own clock counts.
    return f"SELECT time_ms + {_gain(dialect)} AS now_ms FROM cluster WHERE CAST(:wall AS bigint) IS NOT NULL"


_NOW = {dialect: text(_now_statement(dialect)) for dialect in _WALL}
_UNADVANCED = {
    dialect: text(f"SELECT {wall} - wall_ms FROM cluster WHERE CAST(:wall AS bigint) IS NOT NULL")
    for dialect, wall in _WALL.items()
}


def now_ms(connection: Connection, *, wall_ms: int) -> int:
    """Cluster time as of now, without writing it."""
    now: int = connection.execute(_NOW[connection.dialect.name], {"wall": wall_ms}).scalar_one()
    return now


def unadvanced_ms(connection: Connection, *, wall_ms: int) -> int:
    """How long ago cluster time was last written, in milliseconds of the machine's clock."""
    age: int = connection.execute(_UNADVANCED[connection.dialect.name], {"wall": wall_ms}).scalar_one()
    return age
