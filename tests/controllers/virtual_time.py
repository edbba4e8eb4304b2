"""A clock that only the test moves, on both databases.

On SQLite cluster time follows the clock of the process anyway. On Postgres it follows the server's, which no test can
move; there the statements are made anew with the clock of the process in its stead.
"""

import pytest
from sqlalchemy import text

from kuberklone.store import cluster_time, transaction


class VirtualClock:
    """Both kinds of time, standing still until they are moved."""

    def __init__(self) -> None:
        self._wall_ms = 1_800_000_000_000
        self._monotonic = 1000.0

    def wall_ms(self) -> int:
        return self._wall_ms

    def monotonic(self) -> float:
        return self._monotonic

    def pass_ms(self, milliseconds: int) -> None:
        self._wall_ms += milliseconds
        self._monotonic += milliseconds / 1000


def follow_process_clocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make cluster time on Postgres follow the clock that a Store is given."""
    server = cluster_time._WALL["postgresql"]
    process = "CAST(:wall AS bigint)"
    for statements in (cluster_time._NOW, cluster_time._UNADVANCED, transaction._TAKE):
        monkeypatch.setitem(statements, "postgresql", text(str(statements["postgresql"]).replace(server, process)))
