"""What the Kubernetes API asks for by name, by page and by field is looked up, never searched for."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Connection

from kuberklone.apimachinery import selectors
from kuberklone.kinds.objects.v1 import config_map, pod
from kuberklone.store import collection, feed
from kuberklone.store.database import Store
from kuberklone.store.moment import Moment
from kuberklone.store.object_operations import CreateObject, create
from kuberklone.store.records import PODS, table_of
from kuberklone.store.transaction import write
from tests.store import made
from tests.store.test_plans import Plans, populated  # noqa: F401 - the fixture

_MAPS = table_of(config_map.KIND)


def _first(**more: Any) -> Callable[[Connection], Any]:
    return lambda connection: collection.first(Moment(connection=connection, now_ms=1), pod.KIND, limit=5, **more)


def _following(connection: Connection) -> Any:
    at = Moment(connection=connection, now_ms=1)
    return collection.following(at, pod.KIND, feed.head(connection), ("default", "pod-1"), limit=5)


READS: dict[str, tuple[Callable[[Connection], Any], str, list[str]]] = {
    "one pod": (
        lambda connection: PODS.named(connection, [("default", "pod-1")]),
        "FROM pods",
        ["SEARCH pods USING INDEX sqlite_autoindex_pods_2 (namespace=? AND name=?)"],
    ),
    "one object": (
        lambda connection: _MAPS.named(connection, [("default", "a")]),
        "FROM objects",
        [
            "SEARCH objects USING INDEX sqlite_autoindex_objects_2 "
            "(api_group=? AND resource=? AND namespace=? AND name=?)"
        ],
    ),
    "taken names of objects": (
        lambda connection: _MAPS.taken(connection, [("default", "a")]),
        "JOIN objects",
        [
            "SCAN json_each VIRTUAL TABLE INDEX 1:",
            "SEARCH t USING COVERING INDEX sqlite_autoindex_objects_2 "
            "(api_group=? AND resource=? AND namespace=? AND name=?)",
        ],
    ),
    "a first page": (_first(), "FROM pods", ["SCAN pods USING INDEX sqlite_autoindex_pods_2"]),
    "a first page of a namespace": (
        _first(namespace="default"),
        "FROM pods",
        ["SEARCH pods USING INDEX sqlite_autoindex_pods_2 (namespace=?)"],
    ),
    "from a key on": (
        _first(after=("default", "pod-1")),
        "FROM pods",
        ["SEARCH pods USING INDEX sqlite_autoindex_pods_2 ((namespace,name)>(?,?))"],
    ),
    "pods on a node": (
        _first(fields=selectors.parse_fields("spec.nodeName=node-1")),
        "FROM pods",
        ["SEARCH pods USING INDEX ix_pods_node_name (node_name=?)", "USE TEMP B-TREE FOR ORDER BY"],
    ),
}


@pytest.mark.parametrize(("read", "statement", "plan"), READS.values(), ids=READS.keys())
def test_what_is_asked_for_is_looked_up(
    populated: Store,  # noqa: F811
    read: Callable[[Connection], Any],
    statement: str,
    plan: list[str],
) -> None:
    with populated.snapshot() as connection, Plans(connection) as plans:
        read(connection)
    (found,) = [way for text, way in plans.found if statement in text]
    assert found.splitlines() == plan


def test_a_page_of_what_was_reads_no_more_than_the_page(populated: Store) -> None:  # noqa: F811
    with populated.snapshot() as connection, Plans(connection) as plans:
        _following(connection)
    (found,) = [way for text, way in plans.found if "FROM changes" in text]
    assert "SEARCH changes USING INDEX ix_changes_key (resource=? AND (namespace,name)>(?,?))" in found
    assert "SEARCH changes USING INTEGER PRIMARY KEY (rowid=?)" in found
    assert "SCAN changes" not in found


def test_creating_objects_never_scans(populated: Store) -> None:  # noqa: F811
    named = [made.pod(""), made.pod("x")]
    with write(populated, reserve=2) as transaction, Plans(transaction.connection) as plans:
        outcomes = create(transaction, [CreateObject(kind=pod.KIND, record=record) for record in named])
    assert [len(outcome) for outcome in outcomes if isinstance(outcome, list)] == [1, 1]
    for table in ("pods", "objects", "t"):
        assert not [way for _, way in plans.found if f"SCAN {table}" in way], plans.found
