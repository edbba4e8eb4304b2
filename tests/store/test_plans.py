"""How the databases find rows: one wrong plan turns milliseconds into minutes, and no result shows it."""

import re
from typing import Any

import pytest
from sqlalchemy import Connection, event

from kuberklone.store import binding, events, evictions, feed, history, nodes, pods, records, removal, simulation
from kuberklone.store.binding import Binding
from kuberklone.store.database import Store
from kuberklone.store.evictions import Eviction
from kuberklone.store.operations import Applier, CreatePods
from kuberklone.store.records import PODS, Update
from kuberklone.store.transaction import write
from tests.store import made

PODS_THERE = 300


class Plans:
    """The plan of every statement that runs on a connection, as the database would do it at that moment."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.found: list[tuple[str, str]] = []

    def __enter__(self) -> "Plans":
        event.listen(self._connection, "before_cursor_execute", self._explain)
        return self

    def __exit__(self, *_: object) -> None:
        event.remove(self._connection, "before_cursor_execute", self._explain)

    def _explain(self, connection: Connection, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        # Of many rows that the driver writes by one statement, the first shows the plan of all.
        if isinstance(parameters, list):
            parameters = parameters[0]
        cursor = connection.connection.cursor()
        if connection.dialect.name == "sqlite":
            cursor.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
            plan = "\n".join(row[3] for row in cursor.fetchall())
        else:
            cursor.execute(f"EXPLAIN {statement}", parameters)
            plan = "\n".join(row[0] for row in cursor.fetchall())
        cursor.close()
        self.found.append((statement, plan))

    def of(self, beginning: str) -> str:
        """The plan of the only statement that begins so."""
        (plan,) = [plan for statement, plan in self.found if statement.startswith(beginning)]
        return plan


@pytest.fixture
def populated(sqlite_store: Store) -> Store:
    """Enough rows that a scan would be wrong, most of them bound and running, as in a cluster."""
    store = sqlite_store
    there = made.add_nodes(store, *(made.node(f"node-{number}", cpu_millis=10**6) for number in range(10)))
    waiting = made.add_pods(store, *(made.pod(f"pod-{number}") for number in range(PODS_THERE)))
    for number, node in enumerate(there):
        made.bind(store, node, waiting[number * 25 : (number + 1) * 25])
    return store


def _unbound(store: Store) -> list[Any]:
    with store.snapshot() as connection:
        return pods.unbound(connection)[:20]


def _scans(plan: str, *tables: str) -> list[str]:
    """Lines of the plan that read a whole table, or a whole index of it."""
    return [line for line in plan.splitlines() if re.match(rf"SCAN ({'|'.join(tables)})\b", line)]


def _assert_only_searched(plans: Plans, *tables: str) -> None:
    assert plans.found, "something was asked"
    assert [(statement, line) for statement, plan in plans.found for line in _scans(plan, *tables)] == []


def test_binding_never_scans(populated: Store) -> None:
    waiting = _unbound(populated)
    with write(populated, reserve=30) as transaction, Plans(transaction.connection) as plans:
        (node,) = nodes.named(transaction.connection, ["node-1"])
        chosen = [Binding(pod=pod, node_name=node.name, node_revision=node.revision) for pod in waiting]
        assert len(binding.bind(transaction, chosen)) == 20
    _assert_only_searched(plans, "pods", "nodes", "node_use", "t", "n", "changes", "placements")
    assert "SEARCH pods USING INDEX sqlite_autoindex_pods_1 (uid=?)" in plans.of("UPDATE pods")
    assert "SEARCH node_use USING PRIMARY KEY (node_name=?)" in plans.of("UPDATE node_use")


COLUMNS = {
    "bind": ("node_name", "bound_ms"),
    "start": ("phase", "started_ms", "pod_ip"),
    "mark": ("deleting_ms", "deletion_cause", "deletion_grace_s"),
    "finish": ("phase", "finished_ms", "exit_code"),
    "labels": ("labels",),
}


@pytest.mark.parametrize("columns", COLUMNS.values(), ids=COLUMNS.keys())
def test_every_update_by_uid_starts_from_the_rows_it_was_given(populated: Store, columns: tuple[str, ...]) -> None:
    waiting = _unbound(populated)
    with write(populated, reserve=30) as transaction, Plans(transaction.connection) as plans:
        records.update(transaction, PODS, [Update(pod, pod) for pod in waiting], columns)
    assert plans.of("UPDATE pods") == "SEARCH pods USING INDEX sqlite_autoindex_pods_1 (uid=?)"


def test_finding_out_who_won_starts_from_the_rows_it_was_given(populated: Store) -> None:
    waiting = _unbound(populated)
    made.change_pod(populated, waiting[0], priority=1)
    with write(populated, reserve=30) as transaction, Plans(transaction.connection) as plans:
        assert len(records.update(transaction, PODS, [Update(pod, pod) for pod in waiting], ("labels",))) == 19
    assert plans.of("SELECT t.uid").splitlines() == [
        "SCAN json_each VIRTUAL TABLE INDEX 1:",
        "SEARCH t USING INDEX sqlite_autoindex_pods_1 (uid=?)",
    ]


def test_removing_never_scans(populated: Store) -> None:
    waiting = _unbound(populated)
    with write(populated, reserve=30) as transaction, Plans(transaction.connection) as plans:
        removal.remove_pods(transaction, waiting)
    _assert_only_searched(plans, "pods", "t", "changes", "placements", "evictions", "node_use")


def test_adding_pods_never_scans(populated: Store) -> None:
    applier = Applier()
    with write(populated, reserve=1) as transaction:
        applier.apply(transaction, [CreatePods(pods=(made.pod(""),))])  # the first one looks for the highest number
    with write(populated, reserve=3) as transaction, Plans(transaction.connection) as plans:
        applier.apply(transaction, [CreatePods(pods=(made.pod(""), made.pod("x"))), CreatePods(pods=(made.pod("y"),))])
    _assert_only_searched(plans, "pods", "t", "p")


def test_what_is_told_again_and_counted_down_never_scans(populated: Store) -> None:
    waiting = _unbound(populated)
    with write(populated, reserve=30) as transaction, Plans(transaction.connection) as plans:
        for _ in range(2):
            events.record(transaction, [events.about_pod(pod, "R", "m") for pod in waiting], source="test")
        evictions.put(
            transaction.connection,
            [Eviction(pod_uid=pod.uid, node_name="node-1", due_ms=1, cause="Taint") for pod in waiting],
        )
        evictions.cancel(transaction.connection, [pod.uid for pod in waiting])
    _assert_only_searched(plans, "events", "evictions", "t")


READS: dict[str, tuple[Any, str]] = {
    "unbound": (pods.unbound, "USING INDEX ix_pods_unbound"),
    "to start": (
        lambda connection: simulation.pods_with_work(connection, now_ms=1, unreachable=[], limit=10),
        "USING INDEX ix_pods_to_start",
    ),
    "to start but not on some nodes": (
        lambda connection: simulation.pods_with_work(connection, now_ms=1, unreachable=["node-1"], limit=10),
        "USING INDEX ix_pods_to_start",
    ),
    "next start": (
        lambda connection: simulation.next_start_ms(connection, after_ms=1),
        "USING INDEX ix_pods_to_start",
    ),
    "whether there is news": (
        lambda connection: feed.any_after(connection, feed.head(connection) - 5, upto=2**62, resources=["pods"]),
        "SEARCH changes USING INTEGER PRIMARY KEY (rowid>?)",
    ),
    "deleting": (pods.deleting, "USING INDEX ix_pods_deleting"),
    "finished": (lambda connection: pods.oldest_finished(connection, limit=10), "USING INDEX ix_pods_finished"),
    "by uid": (lambda connection: pods.with_uids(connection, ["a"]), "USING INDEX sqlite_autoindex_pods_1 (uid=?)"),
    "by name": (
        lambda connection: pods.named(connection, "default", "pod-1"),
        "USING INDEX sqlite_autoindex_pods_2 (namespace=? AND name=?)",
    ),
    "on nodes": (lambda connection: pods.on_nodes(connection, ["node-1"]), "USING INDEX ix_pods_node_name"),
    "nodes by name": (lambda connection: nodes.named(connection, ["node-1"]), "sqlite_autoindex_nodes_2 (name=?)"),
    "taken names": (
        lambda connection: pods.taken_names(connection, [("default", "pod-1")]),
        "sqlite_autoindex_pods_2 (namespace=? AND name=?)",
    ),
    "the feed": (
        lambda connection: feed.after(connection, feed.head(connection) - 5, resources=["pods"]),
        "SEARCH changes USING INTEGER PRIMARY KEY (rowid>?)",
    ),
    "the past of one object": (
        lambda connection: history.of_object(connection, "pods", "default", "pod-1", limit=5),
        "USING INDEX ix_changes_key (resource=? AND namespace=? AND name=?)",
    ),
    "what was said about one": (
        lambda connection: events.of(connection, "a", limit=5),
        "USING INDEX ix_events_involved_uid (involved_uid=?)",
    ),
}


@pytest.mark.parametrize(("read", "way"), READS.values(), ids=READS.keys())
def test_each_reading_uses_the_index_that_was_made_for_it(populated: Store, read: Any, way: str) -> None:
    with populated.snapshot() as connection, Plans(connection) as plans:
        read(connection)
    assert way in plans.found[-1][1]


def test_postgres_finds_rows_by_their_keys_too(postgres_store: Store) -> None:
    store = postgres_store
    (node,) = made.add_nodes(store, made.node(cpu_millis=10**9, pods_max=10**6))
    waiting = made.add_pods(store, *(made.pod(f"pod-{number}") for number in range(5)))
    with store.engine.connect() as connection, connection.begin():
        # As many as a scan would hurt, written in the shortest way.
        connection.exec_driver_sql(
            "INSERT INTO pods (uid, name, namespace, revision, created_ms, node_name, phase, cpu_millis, memory_bytes, "
            "shape) SELECT 'u' || i, 'n' || i, 'other', 1, 1, 'elsewhere', 'Running', 0, 0, 's' "
            "FROM generate_series(1, 20000) AS i"
        )
        connection.exec_driver_sql("ANALYZE pods")
    chosen = [Binding(pod=pod, node_name=node.name, node_revision=node.revision) for pod in waiting]
    with write(store, reserve=5) as transaction, Plans(transaction.connection) as plans:
        assert len(binding.bind(transaction, chosen)) == 5
    assert "using pk_pods on pods" in plans.of("UPDATE pods")
    with store.snapshot() as connection, Plans(connection) as plans:
        pods.unbound(connection)
        pods.deleting(connection)
        simulation.pods_with_work(connection, now_ms=1, unreachable=[], limit=10)
    found = [index for _, plan in plans.found for index in re.findall(r"using (\w+) on pods|on (ix_pods\w+)", plan)]
    assert ["".join(index) for index in found] == [
        "ix_pods_unbound",
        "ix_pods_deleting",
        "ix_pods_deleting",
        "ix_pods_to_start",
    ]
