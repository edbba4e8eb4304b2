"""Upgrading: once, whole or not at all, and never by a program that knows less."""

import re
import sqlite3
import stat
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, inspect, text

from kuberklone import clock
from kuberklone.errors import KuberkloneError, SchemaOutdated, SchemaTooNew, StoreUnavailable
from kuberklone.store import migrate, nodes, pods, schema, views
from kuberklone.store.database import Store
from kuberklone.store.transaction import write
from tests import waiting
from tests.migrations import extra_migrations
from tests.store import children, made
from tests.store.clocks import HandClock


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    """Opened, not migrated."""
    with closing(Store(store_url)) as opened:
        yield opened


def _alembic(store: Store, do: Any, *arguments: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(migrate.migrations_folder()))
    with store.turn(), store.engine.connect() as connection, connection.begin():
        views.drop(connection)
        config.attributes["connection"] = connection
        do(config, *arguments)


def _shape(connection: Connection) -> dict[str, Any]:
    """Everything there is in the database, but for the rows."""
    found = inspect(connection)
    tables = {
        name: (
            [(column["name"], str(column["type"]), column["nullable"]) for column in found.get_columns(name)],
            sorted((str(index["name"]), str(index["column_names"])) for index in found.get_indexes(name)),
            found.get_pk_constraint(name),
        )
        for name in found.get_table_names()
    }
    return {"tables": tables, "views": sorted(found.get_view_names())}


def _look(store: Store) -> dict[str, Any]:
    with store.snapshot() as connection:
        version = list(connection.execute(text("SELECT version_num FROM alembic_version")).scalars())
        return {**_shape(connection), "version": version}


def test_a_new_database_gets_all_tables_and_views(store: Store, store_url: str) -> None:
    upgraded = migrate.upgrade(store_url)
    assert (upgraded.before, upgraded.after, upgraded.backup) == (None, migrate.newest(), None)
    migrate.ensure_current(store)
    found = _look(store)
    assert set(found["tables"]) == {*schema.metadata.tables, "alembic_version"}
    assert set(found["views"]) == set(views.definitions(store.dialect))


def test_a_new_database_has_one_cluster_and_one_namespace(store: Store, store_url: str) -> None:
    migrate.upgrade(store_url)
    (cluster,) = made.rows(store, schema.cluster)
    assert (cluster["incarnation"], cluster["watch_from"]) == (1, 10**12)
    (namespace,) = made.rows(store, schema.objects)
    assert (namespace["resource"], namespace["name"], namespace["revision"]) == ("namespaces", "default", 10**12 + 1)
    assert [(row["resource"], row["type"]) for row in made.rows(store, schema.changes)] == [("namespaces", "ADDED")]


def test_upgrading_again_changes_nothing(store: Store, store_url: str) -> None:
    migrate.upgrade(store_url)
    made.add_nodes(store, made.node())
    before, rows = _look(store), made.everything(store)
    again = migrate.upgrade(store_url)
    assert (again.before, again.after, again.backup) == (migrate.newest(), migrate.newest(), None)
    assert (_look(store), made.everything(store)) == (before, rows)


def test_down_and_up_again_gives_the_same_schema(store: Store, store_url: str) -> None:
    migrate.upgrade(store_url)
    before = _look(store)
    _alembic(store, command.downgrade, "base")
    with store.snapshot() as connection:
        assert set(_shape(connection)["tables"]) <= {"alembic_version"}
    with pytest.raises(SchemaOutdated):
        migrate.ensure_current(store)
    migrate.upgrade(store_url)
    assert _look(store) == before


def test_the_migrations_make_what_the_program_declares(store: Store, store_url: str) -> None:
    migrate.upgrade(store_url)
    _alembic(store, command.check)  # raises when they differ


@pytest.mark.process
def test_of_several_starters_one_upgrades_and_all_go_on(store: Store, store_url: str) -> None:
    program = Path(__file__).with_name("upgrading_program.py")
    with ExitStack() as stack:
        starters = [stack.enter_context(children.running(store_url, program=program)) for _ in range(3)]
        for starter in starters:
            starter.tell("go")
        heard = sorted(line for starter in starters for line in starter.rest())
    newest = migrate.newest()
    assert heard == sorted([f"None {newest}", f"{newest} {newest}", f"{newest} {newest}"])
    assert len(made.rows(store, schema.objects)) == 1


def test_a_newer_schema_is_refused_and_left_alone(store: Store, store_url: str) -> None:
    migrate.upgrade(store_url)
    with store.turn(), store.engine.connect() as connection, connection.begin():
        connection.execute(text("UPDATE alembic_version SET version_num = 'of the future'"))
    before = _look(store)
    with pytest.raises(SchemaTooNew, match="of the future"):
        migrate.upgrade(store_url)
    with pytest.raises(SchemaTooNew):
        migrate.ensure_current(store)
    assert _look(store) == before


def test_an_empty_database_is_outdated(store: Store) -> None:
    with pytest.raises(SchemaOutdated):
        migrate.ensure_current(store)


def test_an_older_database_is_upgraded_with_all_it_holds(
    store: Store, store_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    migrate.upgrade(store_url)
    (node,) = made.add_nodes(store, made.node())
    old = migrate.newest()
    extra_migrations.install(monkeypatch, tmp_path, extra_migrations.ADD_TABLE)
    with pytest.raises(SchemaOutdated):
        migrate.ensure_current(store)
    upgraded = migrate.upgrade(store_url)
    assert (upgraded.before, upgraded.after) == (old, extra_migrations.REVISION)
    found = _look(store)
    assert "later" in found["tables"]
    assert set(found["views"]) == set(views.definitions(store.dialect))
    with store.snapshot() as connection:
        assert nodes.all_nodes(connection) == [node]


def test_a_migration_that_fails_half_way_leaves_nothing(
    store: Store, store_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    migrate.upgrade(store_url)
    made.add_nodes(store, made.node())
    before, rows = _look(store), made.everything(store)
    extra_migrations.install(
        monkeypatch,
        tmp_path,
        extra_migrations.ADD_TABLE,
        "op.execute('ALTER TABLE nodes ADD COLUMN more integer')",
        "op.execute('DELETE FROM nodes')",
        extra_migrations.FAIL,
    )
    with pytest.raises(RuntimeError, match="power"):
        migrate.upgrade(store_url)
    assert (_look(store), made.everything(store)) == (before, rows)
    made.add_nodes(store, made.node("node-2"))


def test_a_first_migration_that_fails_leaves_an_empty_database(
    store: Store, store_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    extra_migrations.install(monkeypatch, tmp_path, extra_migrations.FAIL)
    with pytest.raises(RuntimeError, match="power"):
        migrate.upgrade(store_url)
    with store.snapshot() as connection:
        assert _shape(connection) == {"tables": {}, "views": []}


def test_a_view_of_an_older_program_goes(
    store: Store, store_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    migrate.upgrade(store_url)
    with store.turn(), store.engine.connect() as connection, connection.begin():
        connection.execute(text("CREATE VIEW v_old AS SELECT name FROM nodes"))
    extra_migrations.install(monkeypatch, tmp_path, extra_migrations.ADD_TABLE)
    migrate.upgrade(store_url)
    assert "v_old" not in _look(store)["views"]


def test_a_migration_waits_for_writers_and_writers_for_it(
    store: Store, store_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    migrate.upgrade(store_url)
    extra_migrations.install(monkeypatch, tmp_path, extra_migrations.ADD_TABLE)
    done = threading.Event()

    def upgrade() -> None:
        migrate.upgrade(store_url)
        done.set()

    upgrading = threading.Thread(target=upgrade)
    with write(store, reserve=1) as transaction:
        nodes.create(transaction, [made.node()])
        upgrading.start()
        assert not done.wait(0.1)
    assert done.wait(children.DEADLINE_S)
    upgrading.join()
    with store.snapshot() as connection:
        assert [node.name for node in nodes.all_nodes(connection)] == ["node-1"]


def test_a_program_that_is_too_old_to_write_is_told_so(
    store: Store, store_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    migrate.upgrade(store_url)
    extra_migrations.install(
        monkeypatch, tmp_path, extra_migrations.ADD_TABLE, "op.execute('UPDATE cluster SET min_writer = 1000')"
    )
    migrate.upgrade(store_url)
    before = made.everything(store)
    with pytest.raises(KuberkloneError, match="too old"):
        made.add_nodes(store, made.node())
    assert made.everything(store) == before


def test_a_copy_is_made_before_sqlite_data_is_migrated(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    migrate.upgrade(sqlite_url)
    with closing(Store(sqlite_url)) as store:
        made.add_nodes(store, made.node())
        old = migrate.newest()
        extra_migrations.install(monkeypatch, tmp_path, "op.execute('DELETE FROM nodes')")
        copy = migrate.upgrade(sqlite_url).backup
        assert made.rows(store, schema.nodes) == []
    assert copy is not None
    assert old in copy.name
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    with closing(sqlite3.connect(copy)) as connection:
        assert connection.execute("SELECT name FROM nodes").fetchall() == [("node-1",)]
        assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [(old,)]
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_without_a_copy_nothing_is_migrated(sqlite_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    migrate.upgrade(sqlite_url)
    old = migrate.newest()
    extra_migrations.install(monkeypatch, tmp_path, extra_migrations.ADD_TABLE)
    now = HandClock()
    in_the_way = tmp_path / f"kuberklone.before-upgrade-from-{old}.{clock.file_stamp(now.wall_ms())}.db"
    in_the_way.mkdir()
    with pytest.raises(StoreUnavailable, match="nothing was migrated"):
        migrate.upgrade(sqlite_url, clock=now)
    with closing(Store(sqlite_url)) as store:
        assert _look(store)["version"] == [old]


def test_a_migration_may_take_longer_than_any_other_statement(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    limits = "current_setting('statement_timeout'), current_setting('idle_in_transaction_session_timeout')"
    extra_migrations.install(monkeypatch, tmp_path, f'op.execute("CREATE TABLE later AS SELECT ARRAY[{limits}] AS s")')
    migrate.upgrade(postgres_url)
    with closing(Store(postgres_url)) as store, store.snapshot() as connection:
        assert connection.execute(text("SELECT s FROM later")).scalar_one() == ["0", "0"]


def test_the_second_starter_on_postgres_waits_for_the_first(postgres_url: str) -> None:
    upgrading = threading.Thread(target=lambda: migrate.upgrade(postgres_url))
    with closing(Store(postgres_url)) as store:
        with store.engine.connect() as connection, connection.begin():
            connection.execute(text(f"SELECT pg_advisory_xact_lock({migrate._POSTGRES_LOCK})"))
            upgrading.start()
            waiting.until(lambda: _is_waiting(store), within_s=5, what="the starter waits")
        upgrading.join()
        migrate.ensure_current(store)


def _is_waiting(store: Store) -> bool:
    with store.snapshot() as connection:
        question = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'advisory'")
        return bool(connection.execute(question).scalar_one())


def test_a_cluster_of_the_first_release_keeps_its_pods_and_gets_an_id(store: Store, store_url: str) -> None:
    migrate.upgrade(store_url)
    (pod,) = made.add_pods(store, made.pod())
    _alembic(store, command.downgrade, "2026_11_23")
    migrate.upgrade(store_url)
    with store.snapshot() as connection:
        assert pods.with_uids(connection, [pod.uid]) == [pod]
    (cluster,) = made.rows(store, schema.cluster)
    assert re.fullmatch(r"[a-z0-9]{6}", cluster["cluster_id"])


def test_the_id_of_a_cluster_stays(store: Store, store_url: str) -> None:
    migrate.upgrade(store_url)
    (before,) = made.rows(store, schema.cluster)
    migrate.upgrade(store_url)
    (after,) = made.rows(store, schema.cluster)
    assert before["cluster_id"] == after["cluster_id"]
