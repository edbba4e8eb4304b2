"""Watch a cluster all the time: a reader of the feed, and a trigger that looks at every start of a container."""

import threading

from sqlalchemy import text

from kuberklone.errors import CursorExpired
from kuberklone.kinds.catalogue import catalogue
from kuberklone.store import feed
from kuberklone.store.database import Store
from kuberklone.store.feed import Reader
from tests.faults import oracles
from tests.faults.nursery import DEADLINE_S
from tests.waiting import until

RESOURCES = tuple({kind.resource for kind in catalogue().kinds})
# Much shorter than a transaction of the API: the reader shall be there while others commit.
_POLL_S = 0.002


class FeedReader:
    """Follows the feed in a thread of its own, as a watcher would, and keeps what it saw."""

    def __init__(self, url: str) -> None:
        self._store = Store(url)
        self._reader = Reader(RESOURCES)
        self._stop = threading.Event()
        self.read: list[int] = []
        self.started_after = 0
        self._read_upto: int | None = None
        self._failure: BaseException | None = None
        self._look()
        self._thread = threading.Thread(target=self._follow, name="feed-reader", daemon=True)
        self._thread.start()

    def _follow(self) -> None:
        try:
            while not self._stop.wait(_POLL_S):
                self._look()
        except BaseException as error:  # noqa: BLE001 - a thread's failure is told by `check`
            self._failure = error

    def _look(self) -> None:
        with self._store.snapshot() as connection:
            changes = self._reader.read(connection)
        if changes is not None:
            self.read += [change.revision for change in changes]
        elif self.read or self.started_after:
            raise CursorExpired
        else:
            assert self._reader.cursor is not None
            self.started_after = self._reader.cursor
        # Only now: `check` may look between the reader's own step and ours.
        self._read_upto = self._reader.cursor

    def check(self) -> None:
        """Compare what was read up to now with the log; others may go on writing."""
        with self._store.snapshot() as connection:
            upto = feed.head(connection)
        until(lambda: self._is_past(upto), within_s=DEADLINE_S, what=f"{upto} is read")
        seen = [revision for revision in self.read if revision <= upto]
        with self._store.snapshot() as connection:
            found = oracles.misread_feed(seen, connection, after=self.started_after, upto=upto)
            oracles.check(found, "the feed was not read as it was written")

    def _is_past(self, revision: int) -> bool:
        if self._failure is not None:
            raise self._failure
        return self._read_upto is not None and self._read_upto >= revision

    def close(self) -> None:
        self._stop.set()
        self._thread.join(DEADLINE_S)
        self._store.close()


# Whether another container of the same name truly runs at the moment when one is started. Neither a frozen machine nor
# one that is off runs anything, one that booted anew only what this boot started, and an agent, cut off or just thawed,
# runs no pod beyond the end of its grant, by its own clock, whenever the simulator comes to write that down.
_OTHERS = (
    "SELECT c.namespace, c.name, c.pod_uid, c.node_name, NEW.pod_uid, NEW.node_name, t.time_ms "
    "FROM simulated_containers c JOIN nodes n ON n.name = c.node_name AND n.boot_id = c.boot_id "
    "JOIN heartbeats h ON h.node_uid = n.uid LEFT JOIN faults f ON f.node_uid = n.uid CROSS JOIN cluster t "
    "WHERE c.namespace = NEW.namespace AND c.name = NEW.name AND c.pod_uid <> NEW.pod_uid AND c.state = 'Running' "
    "AND NEW.state = 'Running' AND (c.ends_at_ms IS NULL OR c.ends_at_ms > t.time_ms) "
    "AND (f.kind IS NULL OR f.kind IN ('slow', 'partition')) AND h.granted_until_ms > t.time_ms"
)
_TABLE = (
    "CREATE TABLE test_twins (namespace TEXT, name TEXT, earlier_uid TEXT, earlier_node TEXT, later_uid TEXT, "
    "later_node TEXT, time_ms BIGINT)"
)
_TRIGGERS = {
    "sqlite": [
        _TABLE,
        f"CREATE TRIGGER test_started AFTER INSERT ON simulated_containers BEGIN INSERT INTO test_twins {_OTHERS}; END",
        "CREATE TRIGGER test_started_anew AFTER UPDATE OF boot_id, node_name, state ON simulated_containers "
        f"BEGIN INSERT INTO test_twins {_OTHERS}; END",
    ],
    "postgresql": [
        "DROP TABLE IF EXISTS test_twins",
        _TABLE,
        "CREATE OR REPLACE FUNCTION test_look() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN INSERT INTO test_twins {_OTHERS}; RETURN NULL; END $$",
        "CREATE OR REPLACE TRIGGER test_started AFTER INSERT OR UPDATE OF boot_id, node_name, state "
        "ON simulated_containers FOR EACH ROW EXECUTE FUNCTION test_look()",
    ],
}
_TWINS = text("SELECT * FROM test_twins")


def watch_for_twins(store: Store) -> None:
    """From now on the database notes every start of a container whose name runs already."""
    with store.turn(), store.engine.begin() as connection:
        for statement in _TRIGGERS[store.dialect]:
            connection.exec_driver_sql(statement)


def check_for_twins(store: Store) -> None:
    with store.snapshot() as connection:
        found = [dict(row._mapping) for row in connection.execute(_TWINS)]
    assert found == [], "a copy was started while another one of the same name ran"
