"""Commands about the database that need no server."""

import csv
import io
import json
import sqlite3
from pathlib import Path

import pytest

from kuberklone.settings import Settings
from kuberklone.store import migrate, query
from tests.cli.processes import kuberklone


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The home of a store that was created and never used."""
    place = tmp_path / "home"
    migrate.upgrade(Settings(home=place).database_url)
    return place


def test_upgrade_creates_the_schema_and_then_has_nothing_to_do(tmp_path: Path) -> None:
    made = kuberklone("db", "upgrade")
    assert made.returncode == 0
    assert str(tmp_path / "home" / "kuberklone.db") in made.stdout
    again = kuberklone("db", "upgrade")
    assert again.returncode == 0
    assert "nothing to do" in again.stdout


def test_check_finds_a_new_database_sound(home: Path) -> None:
    checked = kuberklone("db", "check")
    assert checked.returncode == 0
    assert all(line.startswith("ok") for line in checked.stdout.splitlines())


def test_check_finds_use_that_was_kept_wrong(home: Path) -> None:
    with sqlite3.connect(home / "kuberklone.db") as connection:
        connection.execute(
            "INSERT INTO node_use (node_name, cpu_millis, memory_bytes, pods, revision) VALUES ('ghost', 5, 0, 1, 1)"
        )
    connection.close()
    checked = kuberklone("db", "check")
    assert checked.returncode == 1
    assert "ghost" in checked.stdout


def test_check_without_a_database_makes_none(tmp_path: Path) -> None:
    checked = kuberklone("db", "check")
    assert checked.returncode == 1
    assert "start one with kuberklone up" in checked.stderr
    assert not (tmp_path / "home" / "kuberklone.db").exists()


QUESTION = "SELECT 1 AS one, 'a,b' AS text, NULL AS missing"


def test_sql_answers_with_a_table(home: Path) -> None:
    answer = kuberklone("sql", QUESTION)
    assert answer.returncode == 0
    heading, row = answer.stdout.splitlines()
    assert heading.split() == ["one", "text", "missing"]
    assert row.split() == ["1", "a,b", "-"]


def test_sql_answers_with_json(home: Path) -> None:
    answer = kuberklone("sql", QUESTION, "--json")
    assert json.loads(answer.stdout) == [{"one": 1, "text": "a,b", "missing": None}]


def test_sql_answers_with_csv(home: Path) -> None:
    answer = kuberklone("sql", QUESTION, "--csv")
    assert list(csv.reader(io.StringIO(answer.stdout))) == [["one", "text", "missing"], ["1", "a,b", ""]]


@pytest.mark.parametrize(
    "question",
    [
        pytest.param("DELETE FROM cluster", id="a change"),
        pytest.param("COMMIT; DELETE FROM cluster", id="a change behind a commit"),
        pytest.param("ATTACH '/tmp/elsewhere.db' AS other", id="another database"),
        pytest.param("SELECT nonsense", id="no such column"),
    ],
)
def test_sql_that_is_refused_is_a_sentence_and_exit_code_1(home: Path, question: str) -> None:
    refused = kuberklone("sql", question)
    assert refused.returncode == 1
    assert refused.stderr.startswith("error: ")
    assert "Traceback" not in refused.stderr
    assert query.run(Settings(home=home).database_url, "SELECT COUNT(*) FROM cluster")[1] == [(1,)]


def test_reset_wants_to_be_meant(home: Path) -> None:
    refused = kuberklone("reset")
    assert refused.returncode == 2
    assert "--yes" in refused.stderr
    assert (home / "kuberklone.db").exists()


def test_reset_removes_the_data_and_nothing_else(home: Path) -> None:
    (home / "kuberklone.toml").write_text("port = 8081\n")
    (home / "kuberklone.before-upgrade-from-1.20260101-000000.db").write_text("a backup")
    assert kuberklone("reset", "--yes").returncode == 0
    assert sorted(path.name for path in home.iterdir()) == [
        "kuberklone.before-upgrade-from-1.20260101-000000.db",
        "kuberklone.toml",
        "up.lock",
    ]


def test_uninstall_lists_what_it_removes_and_keeps_what_is_not_its_own(home: Path) -> None:
    (home / "notes.txt").write_text("mine")
    (home / "kuberklone.before-upgrade-from-1.20260101-000000.db").write_text("a backup")
    asked = kuberklone("uninstall")
    assert asked.returncode == 2
    assert "--yes" in asked.stderr
    assert str(home / "kuberklone.db") in asked.stdout
    assert (home / "kuberklone.db").exists()
    assert kuberklone("uninstall", "--yes").returncode == 0
    assert [path.name for path in home.iterdir()] == ["notes.txt"]


def test_uninstall_removes_its_directory_too(home: Path) -> None:
    done = kuberklone("uninstall", "--yes")
    assert done.returncode == 0
    assert not home.exists()


def test_settings_are_listed_with_value_unit_and_origin() -> None:
    listed = kuberklone("settings", "node_grace_s", environ={"KUBERKLONE_NODE_GRACE_S": "25"})
    assert listed.stdout.splitlines()[1].split() == [
        "node_grace_s", "25", "s", "environment", "KUBERKLONE_NODE_GRACE_S",
    ]  # fmt: skip


def test_a_misspelt_variable_is_mentioned() -> None:
    listed = kuberklone("settings", "port", environ={"KUBERKLONE_PROT": "8081"})
    assert listed.returncode == 0
    assert "KUBERKLONE_PROT is set in the environment and is no setting" in listed.stderr


@pytest.mark.parametrize("command", ["nodes", "pods", "events", "status", "watch"])
def test_without_a_server_the_remedy_is_said_and_the_code_is_4(command: str) -> None:
    failed = kuberklone(command, "--server", "http://127.0.0.1:1")
    assert failed.returncode == 4
    assert "start one with kuberklone up" in failed.stderr


def test_a_server_that_is_something_else_is_no_traceback() -> None:
    failed = kuberklone("nodes", "--server", "nonsense")
    assert failed.returncode in {1, 2}
    assert failed.stderr.startswith("error: ")
