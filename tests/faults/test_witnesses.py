"""The oracles themselves: each must see what it is there to see."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from kuberklone.store import containers, heartbeats
from kuberklone.store.containers import SimulatedContainer
from kuberklone.store.database import Store
from kuberklone.store.transaction import write
from tests.faults import oracles, witnesses
from tests.faults.oracles import Acknowledged
from tests.store import made


@pytest.fixture
def store(migrated_url: str) -> Iterator[Store]:
    with closing(Store(migrated_url, writer="test")) as opened:
        yield opened


def _start(store: Store, node_name: str, uid: str, *, boot_id: str = "boot-1") -> None:
    with write(store) as transaction:
        containers.put(
            transaction.connection,
            [
                SimulatedContainer(
                    pod_uid=uid,
                    namespace="default",
                    name="a",
                    node_name=node_name,
                    boot_id=boot_id,
                    state="Running",
                    started_ms=1,
                    ends_at_ms=None,
                )
            ],
        )


def _two_nodes(store: Store) -> None:
    found = made.add_nodes(store, made.node("node-1"), made.node("node-2"))
    with write(store) as transaction:
        heartbeats.register(
            transaction.connection,
            [(node.uid, "boot-1") for node in found],
            path="simulator",
            now_ms=transaction.now_ms,
            granted_until_ms=transaction.now_ms + 60_000,
        )


def test_a_second_copy_is_seen(store: Store) -> None:
    witnesses.watch_for_twins(store)
    _two_nodes(store)
    _start(store, "node-1", "one")
    witnesses.check_for_twins(store)
    _start(store, "node-2", "two")
    with pytest.raises(AssertionError, match="a copy was started"):
        witnesses.check_for_twins(store)


def test_a_copy_that_an_earlier_boot_left_behind_is_none(store: Store) -> None:
    witnesses.watch_for_twins(store)
    _two_nodes(store)
    _start(store, "node-1", "one", boot_id="boot-0")
    _start(store, "node-2", "two")
    witnesses.check_for_twins(store)


def test_a_lost_write_is_seen(store: Store) -> None:
    kept, gone = made.add_pods(store, made.pod("kept"), made.pod("gone"))
    with store.turn(), store.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM pods WHERE name = 'gone'")
    said = Acknowledged(
        added={kept.uid: "kept", gone.uid: "gone", "never": "never"},
        deleted=frozenset({"kept"}),
        maybe_deleted=frozenset({"kept"}),
    )
    with store.snapshot() as connection:
        found = list(oracles.lost_writes(connection, said))
    assert [line.split(",")[0] for line in found] == [
        "gone is gone and nobody asked for it",
        "never was acknowledged but never written",
        "never is gone and nobody asked for it",
        "the deletion of kept was acknowledged",
    ]


def test_a_node_over_its_capacity_is_seen_in_the_log_though_it_is_no_longer(store: Store) -> None:
    requests = '{"containers":[{"resources":{"requests":{"cpu":"3"}}}]}'
    (node,) = made.add_nodes(store, made.node(cpu_millis=4000))
    first, second = (made.bound_pod(store, node, made.pod(name, spec=requests)) for name in ("first", "second"))
    made.change_pod(store, first, phase="Succeeded")
    with store.snapshot() as connection:
        found = list(oracles.overfull_nodes(oracles.log(connection)))
    assert len(found) == 1
    assert f"at revision {second.revision}, node-1 holds (6000, 0, 2)" in found[0]


def test_a_reader_that_missed_or_doubled_or_went_back_is_seen(store: Store) -> None:
    revisions = [pod.revision for pod in made.add_pods(store, *(made.pod(f"pod-{number}") for number in range(4)))]
    first, second, third, fourth = revisions
    with store.snapshot() as connection:

        def misread(*read: int) -> list[str]:
            return list(oracles.misread_feed(read, connection, after=first - 1, upto=fourth))

        assert misread(*revisions) == []
        assert misread(first, third, fourth) == [f"a reader missed 1 of 4 revisions, the first is {second}"]
        assert misread(first, second, second, third, fourth) == ["a reader saw 1 revisions twice"]
        assert misread(second, first, third, fourth) == ["a reader went back"]


def test_what_is_not_as_it_should_be_is_seen(store: Store) -> None:
    _two_nodes(store)
    made.add_pods(store, made.pod("waiting"))
    with store.snapshot() as connection:
        found = list(oracles.unconverged(connection))
    assert [line.split(":")[0] for line in found] == ["waiting does not run"]
