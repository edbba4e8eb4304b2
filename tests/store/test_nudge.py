"""The nudge: whoever waits is woken by a commit anywhere, and nothing depends on it."""

import os
import tempfile
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import text

from kuberklone.store import notifier
from kuberklone.store.database import Store
from kuberklone.store.nudge import Listener
from kuberklone.store.transaction import write
from tests import waiting
from tests.store import children, made
from tests.store.conftest import OpenStore

# Far longer than a nudge takes, so that waiting for it in vain is a failure and not a race.
_LONG_S = 10.0


@contextmanager
def _listening(store: Store) -> Iterator[Listener]:
    listener = Listener(store)
    try:
        if store.dialect == "postgresql":
            # It tells of itself once when it has begun to listen.
            assert listener.wait(_LONG_S)
        yield listener
    finally:
        listener.close()


def test_a_commit_wakes_whoever_waits(open_store: OpenStore) -> None:
    writer, reader = open_store(), open_store()
    with _listening(reader) as listener:
        made.add_nodes(writer, made.node())
        assert listener.wait(_LONG_S)


def test_every_listener_is_woken(open_store: OpenStore) -> None:
    writer = open_store()
    with _listening(open_store()) as first, _listening(open_store()) as second:
        made.add_nodes(writer, made.node())
        assert (first.wait(_LONG_S), second.wait(_LONG_S)) == (True, True)


@pytest.mark.process
def test_a_commit_of_another_process_wakes_too(store: Store, migrated_url: str) -> None:
    with _listening(store) as listener, children.running("write", migrated_url, "other", "1") as other:
        other.tell("go")
        assert listener.wait(_LONG_S)
        other.rest()


def test_nudges_that_piled_up_count_once(store: Store) -> None:
    with _listening(store) as listener:
        for number in range(3):
            made.add_nodes(store, made.node(f"node-{number}"))
        if store.dialect == "sqlite":  # Postgres tells when it gets to it
            assert listener.wait(_LONG_S)
            assert not listener.wait(0)


def test_what_changes_no_record_wakes_nobody(store: Store) -> None:
    with _listening(store) as listener:
        with write(store) as transaction:
            made.beat(transaction.connection, "simulator")
        assert not listener.wait(0.05)


def test_a_listener_that_was_killed_is_forgotten(sqlite_store: Store) -> None:
    with _listening(sqlite_store) as listener:
        assert listener._path is not None
        left = listener._path.with_name("1-killed")
        os.link(listener._path, left)
        listener._socket.close()  # type: ignore[union-attr]
        made.add_nodes(sqlite_store, made.node())
        assert not left.exists()


def test_a_folder_that_cannot_be_used_does_not_undo_a_commit(
    sqlite_store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "no-folder").write_text("")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "no-folder"))
    (node,) = made.add_nodes(sqlite_store, made.node())
    assert made.head(sqlite_store) == node.revision


def test_a_listener_whose_connection_broke_listens_again(
    postgres_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notifier, "RECONNECT_S", 0.01)
    with _listening(postgres_store) as listener:
        with write(postgres_store) as transaction:
            ended = transaction.connection.execute(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND query LIKE 'LISTEN%'"
                )
            ).scalars()
            assert list(ended) == [True]
        assert listener.wait(_LONG_S)  # it says so when it listens again, since it may have missed something
        made.add_nodes(postgres_store, made.node())
        assert listener.wait(_LONG_S)


def test_a_closed_store_leaves_no_thread_behind(migrated_url: str) -> None:
    # Stores that other tests keep open for the whole session have theirs.
    before = set(threading.enumerate())
    with closing(Store(migrated_url)) as store:
        made.add_nodes(store, made.node())
    waiting.until(
        lambda: set(threading.enumerate()) <= before,
        within_s=5,
        what="the sender's thread has ended",
    )
