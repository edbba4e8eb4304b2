"""Questions in SQL: answered, and unable to change anything, because the database itself refuses."""

import threading
from pathlib import Path

import pytest

from kuberklone.errors import QueryError, StoreUnavailable
from kuberklone.store import query
from kuberklone.store.database import Store
from kuberklone.store.transaction import write
from tests.store import made


@pytest.fixture
def populated(store: Store) -> Store:
    (node,) = made.add_nodes(store, made.node())
    made.bound_pod(store, node, made.pod())
    return store


def _url(store: Store) -> str:
    return store.url.render_as_string(hide_password=False)


def test_an_answer_has_names_and_rows(populated: Store) -> None:
    columns, rows = query.run(_url(populated), "SELECT name, node AS place FROM v_pods ORDER BY name")
    assert (columns, [tuple(row) for row in rows]) == (["name", "place"], [("pod-1", "node-1")])


def test_an_answer_without_rows_still_has_names(populated: Store) -> None:
    assert query.run(_url(populated), "SELECT uid FROM pods WHERE name = 'nobody'") == (["uid"], [])


HARMLESS = {
    "percent and colon": ("SELECT '100 %' AS a, 'a:b' AS b", ("100 %", "a:b")),
    "a comment": ("-- why\nSELECT 1 /* one */ AS a", (1,)),
    "a last semicolon": ("SELECT 1 AS a;", (1,)),
    "letters of the world": ("SELECT 'größe 東京 🦊' AS a", ("größe 東京 🦊",)),
    "an expression": ("WITH t(a) AS (VALUES (1), (2)) SELECT sum(a) AS a FROM t", (3,)),
}


@pytest.mark.parametrize(("question", "answer"), HARMLESS.values(), ids=HARMLESS.keys())
def test_a_question_is_taken_as_it_is_written(populated: Store, question: str, answer: tuple[object, ...]) -> None:
    _, rows = query.run(_url(populated), question)
    assert [tuple(row) for row in rows] == [answer]


EVERYWHERE = {
    "delete": "DELETE FROM pods",
    "update": "UPDATE nodes SET name = 'x'",
    "insert": "INSERT INTO evictions VALUES ('a', 'b', 1, 'c')",
    "returning": "DELETE FROM pods RETURNING uid",
    "drop": "DROP TABLE pods",
    "drop a view": "DROP VIEW v_pods",
    "alter": "ALTER TABLE pods ADD COLUMN x text",
    "create": "CREATE TABLE x (a integer)",
    "create a view": "CREATE VIEW x AS SELECT 1",
    "create an index": "CREATE INDEX x ON pods (name)",
    "temporary table": "CREATE TEMP TABLE x AS SELECT 1",
    "two statements": "SELECT 1; DELETE FROM pods",
    "commit first": "COMMIT; DELETE FROM pods",
    "rollback first": "ROLLBACK; DELETE FROM pods",
    "end and begin": "END; BEGIN; DELETE FROM pods; COMMIT",
    "hidden behind a comment": "SELECT 1 /* */; /* */ DELETE FROM pods --",
}
SQLITE = {
    "attach a file": "ATTACH 'stolen.db' AS x",
    "attach memory": "ATTACH ':memory:' AS x",
    "copy the file": "VACUUM INTO 'stolen.db'",
    "vacuum": "VACUUM",
    "write the version": "PRAGMA user_version = 7",
    "rebuild": "REINDEX",
    "a CTE that writes": "WITH t AS (SELECT uid FROM pods) DELETE FROM pods WHERE uid IN (SELECT uid FROM t)",
    "replace": "REPLACE INTO evictions VALUES ('a', 'b', 1, 'c')",
    "load a library": "SELECT load_extension('x')",
}
POSTGRES = {
    "a CTE that writes": "WITH gone AS (DELETE FROM pods RETURNING uid) SELECT * FROM gone",
    "do": "DO $$ BEGIN DELETE FROM pods; END $$",
    "do with another role": "DO $$ BEGIN RESET ROLE; DELETE FROM pods; END $$",
    "do with the owner's role": "DO $$ BEGIN SET ROLE kuberklone; DELETE FROM pods; END $$",
    "do with a commit": "DO $$ BEGIN COMMIT; DELETE FROM pods; END $$",
    "do with a writing transaction": "DO $$ BEGIN SET TRANSACTION READ WRITE; RESET ROLE; DELETE FROM pods; END $$",
    "do with both": "DO $$ BEGIN COMMIT; SET TRANSACTION READ WRITE; RESET ROLE; DELETE FROM pods; END $$",
    "reset role first": "RESET ROLE; DELETE FROM pods",
    "a setting inside": (
        "SELECT set_config('role', 'kuberklone', false), set_config('transaction_read_only', 'off', false), "
        "query_to_xml('DELETE FROM pods RETURNING uid', true, true, '')"
    ),
    "select into": "SELECT * INTO x FROM pods",
    "lock": "LOCK TABLE pods",
    "for update": "SELECT * FROM pods FOR UPDATE",
    "truncate": "TRUNCATE pods",
    "copy in": "COPY pods FROM STDIN",
    "copy to a program": "COPY pods TO PROGRAM 'cat'",
    "explain that runs": "EXPLAIN ANALYZE DELETE FROM pods",
    "a function": "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'DELETE FROM pods; SELECT 1'",
    "grant": "GRANT ALL ON pods TO PUBLIC",
    "another's schema": "SELECT rolpassword FROM pg_authid",
}


def _assert_refused(store: Store, question: str) -> None:
    before, revision = made.everything(store), made.head(store)
    with pytest.raises(QueryError):
        query.run(_url(store), question)
    assert made.everything(store) == before
    assert made.head(store) == revision


@pytest.mark.parametrize("question", EVERYWHERE.values(), ids=EVERYWHERE.keys())
def test_the_database_refuses_to_write(populated: Store, question: str) -> None:
    _assert_refused(populated, question)


@pytest.mark.parametrize("question", SQLITE.values(), ids=SQLITE.keys())
def test_sqlite_refuses_what_only_it_knows(sqlite_store: Store, question: str, tmp_path: Path) -> None:
    made.add_pods(sqlite_store, made.pod())
    _assert_refused(sqlite_store, question)
    assert not (tmp_path / "stolen.db").exists()


@pytest.mark.parametrize("question", POSTGRES.values(), ids=POSTGRES.keys())
def test_postgres_refuses_what_only_it_knows(postgres_store: Store, question: str) -> None:
    made.add_pods(postgres_store, made.pod())
    _assert_refused(postgres_store, question)


# Allowed by the databases, since the question's transaction is always rolled back; the next question starts anew.
WITHOUT_EFFECT = {
    "sqlite": [
        "PRAGMA journal_mode = DELETE",
        "PRAGMA wal_checkpoint(TRUNCATE)",
        "PRAGMA writable_schema = ON",
        "PRAGMA query_only = OFF",
        "BEGIN IMMEDIATE",
        "COMMIT",
    ],
    "postgresql": [
        "RESET ROLE",
        "SET ROLE kuberklone",
        "SET default_transaction_read_only = off",
        "SELECT pg_advisory_lock(1)",
        "NOTIFY kuberklone",
        "SELECT lo_create(0)",
        "COMMIT",
    ],
}


def test_what_is_allowed_leaves_nothing_behind(populated: Store) -> None:
    before = made.everything(populated)
    for question in WITHOUT_EFFECT[populated.dialect]:
        try:
            query.run(_url(populated), question)
        except QueryError:
            continue
        _assert_refused(populated, "DELETE FROM pods")
    assert made.everything(populated) == before
    with write(populated):
        pass


NO_QUESTIONS = {
    "nothing": "",
    "a typing error": "SELEKT 1",
    "no such table": "SELECT * FROM bananas",
    "a parameter": "SELECT * FROM pods WHERE name = ?",
    "a zero": "SELECT 1\0; DELETE FROM pods",
    "half a letter": "SELECT '\udc80'",
}


@pytest.mark.parametrize("question", NO_QUESTIONS.values(), ids=NO_QUESTIONS.keys())
def test_what_is_no_question_is_refused_or_empty(populated: Store, question: str) -> None:
    try:
        columns, rows = query.run(_url(populated), question)
    except QueryError:
        return
    assert (columns, rows) == ([], [])


ENDLESS = {
    "sqlite": "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n",
    "postgresql": "SELECT pg_sleep(100)",
}


def test_a_question_that_takes_too_long_is_ended(store: Store) -> None:
    with pytest.raises(QueryError, match=r"took longer|statement timeout"):
        query.run(_url(store), ENDLESS[store.dialect], timeout_s=0.2)


def test_a_question_waits_for_no_writer(populated: Store) -> None:
    with write(populated, reserve=1):
        _, rows = query.run(_url(populated), "SELECT count(*) FROM pods")
    assert [tuple(row) for row in rows] == [(1,)]


def test_a_question_does_not_make_writers_wait(populated: Store) -> None:
    asking = threading.Thread(target=lambda: _end_by_time(populated))
    asking.start()
    made.add_pods(populated, made.pod("meanwhile"))
    assert asking.is_alive()
    asking.join()


def _end_by_time(store: Store) -> None:
    with pytest.raises(QueryError):
        query.run(_url(store), ENDLESS[store.dialect], timeout_s=1)


def test_a_database_that_no_program_has_open_can_be_asked(migrated_sqlite_url: str) -> None:
    columns, rows = query.run(migrated_sqlite_url, "SELECT count(*) AS pods FROM pods")
    assert (columns, [tuple(row) for row in rows]) == (["pods"], [(0,)])


def test_asking_creates_no_database(sqlite_url: str, tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match="kuberklone up"):
        query.run(sqlite_url, "SELECT 1")
    assert list(tmp_path.glob("kuberklone.db*")) == []


def test_a_server_that_is_away_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match="cannot open"):
        query.run(f"postgresql+psycopg://nobody@/nothing?host={tmp_path}", "SELECT 1")
