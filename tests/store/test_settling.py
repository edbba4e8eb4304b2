"""A commit whose answer was lost is settled: it took place, or it did not, and the writer is told which."""

import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text

from kuberklone import clock
from kuberklone.errors import OutcomeUnknown, StoreUnavailable
from kuberklone.store import nodes, pods, transaction
from kuberklone.store.database import Store
from kuberklone.store.operations import CreatePods
from kuberklone.store.transaction import write
from tests import waiting
from tests.store import cutting_proxy, made
from tests.store.cutting_proxy import Cut, Proxy
from tests.store.test_writer import Desk


@pytest.fixture
def proxy(postgres_store: Store) -> Iterator[Proxy]:
    folder = str(postgres_store.url.query["host"])
    with cutting_proxy.running(Path(folder) / ".s.PGSQL.5432") as running:
        yield running


@pytest.fixture
def cut_store(postgres_store: Store, proxy: Proxy) -> Iterator[Store]:
    """The same database, reached through the proxy."""
    url = postgres_store.url.set(host="127.0.0.1", port=proxy.port, query={"sslmode": "disable"})
    with closing(Store(url.render_as_string(hide_password=False), writer="test")) as opened:
        yield opened


def _node_names(store: Store) -> list[str]:
    with store.snapshot() as connection:
        return [node.name for node in nodes.all_nodes(connection)]


def test_a_commit_that_took_place_is_a_success(postgres_store: Store, cut_store: Store, proxy: Proxy) -> None:
    proxy.cut = "after"
    (node,) = made.add_nodes(cut_store, made.node())
    with postgres_store.snapshot() as connection:
        assert nodes.all_nodes(connection) == [node]


def test_a_commit_that_never_arrived_is_a_failure_and_nothing_was_written(
    postgres_store: Store, cut_store: Store, proxy: Proxy
) -> None:
    before = made.everything(postgres_store)
    proxy.cut = "before"
    with pytest.raises(StoreUnavailable, match="nothing was written"):
        made.add_nodes(cut_store, made.node())
    assert made.everything(postgres_store) == before


def test_a_commit_that_arrives_while_it_is_being_settled_is_a_success(
    postgres_store: Store, cut_store: Store, proxy: Proxy
) -> None:
    proxy.cut = "late"

    def deliver_when_somebody_waits() -> None:
        waiting.until(lambda: _is_waiting(postgres_store), within_s=5, what="settling waits for the lost transaction")
        proxy.deliver.set()

    delivering = threading.Thread(target=deliver_when_somebody_waits)
    delivering.start()
    (node,) = made.add_nodes(cut_store, made.node())
    delivering.join()
    with postgres_store.snapshot() as connection:
        assert nodes.all_nodes(connection) == [node]


def _is_waiting(store: Store) -> bool:
    with store.snapshot() as connection:
        question = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        return bool(connection.exec_driver_sql(question).scalar_one())


@pytest.mark.parametrize("cut", ["before", "after"])
def test_the_next_write_needs_no_more_than_a_new_connection(cut_store: Store, proxy: Proxy, cut: Cut) -> None:
    proxy.cut = cut
    try:
        made.add_nodes(cut_store, made.node("node-1"))
    except StoreUnavailable:
        made.add_nodes(cut_store, made.node("node-1"))
    made.add_nodes(cut_store, made.node("node-2"))
    assert _node_names(cut_store) == ["node-1", "node-2"]


@pytest.mark.parametrize("cut", ["before", "after"])
def test_each_request_of_a_group_commit_hears_the_truth(cut_store: Store, proxy: Proxy, cut: Cut) -> None:
    desk = Desk(cut_store)
    desk.submit(*(CreatePods(pods=(made.pod(f"pod-{number}"),)) for number in range(3)))
    proxy.cut = cut
    desk.writer.start()
    outcomes = desk.collect(3)
    desk.writer.stop()
    with cut_store.snapshot() as connection:
        written = {pod.name for pod in pods.unbound(connection)}
    if cut == "after":
        assert written == {"pod-0", "pod-1", "pod-2"}
        assert [type(outcome) for outcome in outcomes.values()] == [list] * 3
    else:
        assert written == set()
        assert [type(outcome) for outcome in outcomes.values()] == [StoreUnavailable] * 3


def test_nothing_is_claimed_when_the_server_cannot_be_asked_again(
    cut_store: Store, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "sleep", lambda _seconds: None)
    made.add_nodes(cut_store, made.node("node-1"))
    proxy.cut = "after"

    def add_while_the_server_goes_away() -> None:
        with write(cut_store, reserve=1) as opened:
            nodes.create(opened, [made.node("node-2")])
            proxy.close()

    with pytest.raises(OutcomeUnknown):
        add_while_the_server_goes_away()


def test_nothing_is_claimed_and_nothing_repeated_when_the_server_refuses_the_question(
    postgres_store: Store, cut_store: Store, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "sleep", lambda _seconds: None)
    # Any error that is not of the connection; a standby that took over would say that it is read-only.
    monkeypatch.setattr(transaction, "_SETTLE", text("SELECT 1 / 0"))
    desk = Desk(cut_store)
    desk.submit(*(CreatePods(pods=(made.pod(""),)) for _ in range(3)))
    proxy.cut = "after"
    desk.writer.start()
    outcomes = desk.collect(3)
    desk.writer.stop()
    assert [type(outcome) for outcome in outcomes.values()] == [OutcomeUnknown] * 3
    assert len(made.changes(postgres_store)) == 3


def test_a_write_without_revisions_that_broke_is_a_failure(cut_store: Store, proxy: Proxy) -> None:
    made.add_nodes(cut_store, made.node())
    proxy.cut = "before"
    with pytest.raises(StoreUnavailable), write(cut_store) as opened:
        made.beat(opened.connection, "simulator")


def test_a_connection_that_breaks_within_the_write_is_a_failure(cut_store: Store, postgres_store: Store) -> None:
    def add_while_the_connection_breaks() -> None:
        with write(cut_store, reserve=1) as opened:
            pid = opened.connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
            with postgres_store.snapshot() as connection:
                connection.exec_driver_sql(f"SELECT pg_terminate_backend({pid})")
            nodes.create(opened, [made.node()])

    with pytest.raises(StoreUnavailable):
        add_while_the_connection_breaks()
    assert _node_names(postgres_store) == []
