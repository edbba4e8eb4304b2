"""Where each setting's value comes from, and what is said about one that cannot be used."""

from pathlib import Path
from typing import Any

import pytest

from kuberklone import settings
from kuberklone.cli import settings_table
from kuberklone.errors import SettingsError
from kuberklone.settings import NAMES, Settings, TomlFile


def resolve(
    flags: dict[str, Any] | None = None,
    environ: dict[str, str] | None = None,
    toml: dict[str, Any] | None = None,
    *,
    demo: bool = False,
) -> settings.Resolved:
    file = None if toml is None else TomlFile(path=Path("kuberklone.toml"), values=toml)
    return settings.resolve(flags or {}, environ or {}, file, demo=demo)


def test_a_flag_goes_over_the_environment_over_the_file_over_the_default() -> None:
    flags, environ, toml = {"port": 1}, {"KUBERKLONE_PORT": "2"}, {"port": 3}
    found = [
        resolve(flags, environ, toml),
        resolve({}, environ, toml),
        resolve({}, {}, toml),
        resolve({}, {}, {}),
    ]
    assert [each.settings.port for each in found] == [1, 2, 3, 8080]
    assert [each.origins["port"] for each in found] == [
        "the command line",
        "environment KUBERKLONE_PORT",
        "kuberklone.toml",
        "default",
    ]


def test_demo_goes_over_the_defaults_only() -> None:
    resolved = resolve({}, {"KUBERKLONE_TOLERATION_S": "9"}, {}, demo=True)
    assert (resolved.settings.heartbeat_interval_s, resolved.origins["heartbeat_interval_s"]) == (1.0, "demo")
    assert (resolved.settings.toleration_s, resolved.origins["toleration_s"]) == (
        9.0,
        "environment KUBERKLONE_TOLERATION_S",
    )
    assert resolved.settings.node_grace_s == 3.0
    assert resolved.settings.restart_backoff_s == 15.0


def test_each_setting_has_an_origin() -> None:
    assert set(resolve().origins) == set(NAMES)


@pytest.mark.parametrize("variable", ["HEARTBEAT_INTERVAL_S", "NODE_GRACE_S", "TOLERATION_S", "RESTART_BACKOFF_S"])
def test_times_are_seconds_in_the_environment(variable: str) -> None:
    resolved = resolve({}, {f"KUBERKLONE_{variable}": "20"} | {"KUBERKLONE_NODE_GRACE_S": "60"})
    expected = 60 if variable == "NODE_GRACE_S" else 20
    assert getattr(resolved.settings, variable.lower()) == expected


@pytest.mark.parametrize(
    ("environ", "toml", "sentence"),
    [
        pytest.param({"KUBERKLONE_PORT": "eighty"}, {}, "a whole number", id="not a number"),
        pytest.param({"KUBERKLONE_PORT": "70000"}, {}, "between 1 and 65535", id="no such port"),
        pytest.param({"KUBERKLONE_PORT": "0"}, {}, "greater than zero", id="zero"),
        pytest.param({"KUBERKLONE_NODE_GRACE_S": "-1"}, {}, "greater than zero", id="negative"),
        pytest.param({"KUBERKLONE_NODE_GRACE_S": "nan"}, {}, "a number", id="NaN"),
        pytest.param({"KUBERKLONE_NODE_GRACE_S": "inf"}, {}, "a number", id="infinite"),
        pytest.param({"KUBERKLONE_NODE_GRACE_S": "1e300"}, {}, "a number", id="absurd"),
        pytest.param({"KUBERKLONE_INSECURE": "maybe"}, {}, "true or false", id="not a truth"),
        pytest.param({"KUBERKLONE_LOG_FORMAT": "xml"}, {}, "one of text, json", id="not a choice"),
        pytest.param({"KUBERKLONE_DATABASE_URL": "mysql://x"}, {}, "sqlite:////absolute", id="another database"),
        pytest.param({"KUBERKLONE_DATABASE_URL": "sqlite://"}, {}, "sqlite:////absolute", id="a database in memory"),
        pytest.param({"KUBERKLONE_DATABASE_URL": "sqlite:///:memory:"}, {}, "names no file", id="also in memory"),
        pytest.param({}, {"port": True}, "a whole number", id="a truth for a number"),
        pytest.param({}, {"port": 80.5}, "a whole number", id="half a port"),
        pytest.param({}, {"port": [1]}, "a whole number", id="a list for a number"),
        pytest.param({}, {"host": 5}, "send text", id="a number for a text"),
        pytest.param({}, {"prot": 8081}, "did you mean `port`?", id="misspelt"),
        pytest.param({}, {"colour": "red"}, "`kuberklone settings` lists the names", id="unknown"),
        pytest.param({"KUBERKLONE_NODE_GRACE_S": "15"}, {}, "twice heartbeat_interval_s", id="grace too short"),
        pytest.param({"KUBERKLONE_RESTART_BACKOFF_S": "400"}, {}, "restart_backoff_s", id="back-off above its end"),
        pytest.param({"KUBERKLONE_LEADERSHIP_TERM_S": "2"}, {}, "leadership_renewal_s", id="term too short"),
        pytest.param({"KUBERKLONE_HISTORY_KEEP_S": "5"}, {}, "changes_keep_s", id="history shorter than watches"),
    ],
)
def test_what_cannot_be_used_is_named_with_its_origin_and_the_remedy(
    environ: dict[str, str], toml: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(SettingsError) as refusal:
        resolve({}, environ, toml)
    said = str(refusal.value)
    assert sentence in said
    name = next(iter(toml), "") or next(iter(environ)).removeprefix("KUBERKLONE_").lower()
    origin = "kuberklone.toml" if toml else next(iter(environ))
    assert name in said or "restart_backoff_max_s" in said
    assert origin in said or "default" in said


def test_an_empty_variable_counts_as_not_set() -> None:
    assert resolve({}, {"KUBERKLONE_PORT": ""}).settings.port == 8080


def test_a_plain_postgres_address_gets_the_driver_and_hides_its_password() -> None:
    made = resolve({}, {"KUBERKLONE_DATABASE_URL": "postgresql://ann:secret@host:5432/db"}).settings
    assert made.database_url == "postgresql+psycopg://ann:secret@host:5432/db"
    assert made.database_shown == "postgresql+psycopg://ann:***@host:5432/db"
    assert "secret" not in repr(made)


def test_the_database_is_a_file_in_home_where_nothing_is_said(tmp_path: Path) -> None:
    made = Settings(home=tmp_path / "k")
    assert made.database_url == f"sqlite:///{tmp_path}/k/kuberklone.db"


def test_a_relative_home_is_one_place_for_processes_in_any_directory(tmp_path: Path) -> None:
    assert Settings(home=Path("here")).home == tmp_path / "here"


def test_the_file_of_the_current_directory_goes_before_the_one_in_home(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "kuberklone.toml").write_text("port = 1001\n")
    environ = {"KUBERKLONE_HOME": str(home)}
    assert settings.load({}, environ=environ, cwd=tmp_path).settings.port == 1001
    (tmp_path / "kuberklone.toml").write_text("port = 1002\n")
    assert settings.load({}, environ=environ, cwd=tmp_path).settings.port == 1002


def test_a_file_found_through_home_cannot_move_home(tmp_path: Path) -> None:
    (tmp_path / "kuberklone.toml").write_text('home = "/elsewhere"\n')
    with pytest.raises(SettingsError, match="remove that line"):
        settings.load({"home": tmp_path}, environ={}, cwd=tmp_path / "..")


def test_a_file_that_is_no_toml_is_named(tmp_path: Path) -> None:
    (tmp_path / "kuberklone.toml").write_text("port: 8081\n")
    with pytest.raises(SettingsError, match="cannot be read as TOML"):
        settings.load({}, environ={}, cwd=tmp_path)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "localhost", "::1"])
def test_loopback_may_be_listened_on(host: str) -> None:
    settings.check_bind(Settings(host=host))


def test_an_address_others_reach_is_refused_unless_the_network_is_trusted() -> None:
    with pytest.raises(SettingsError, match="no authentication"):
        settings.check_bind(Settings(host="0.0.0.0"))
    settings.check_bind(Settings(host="0.0.0.0", insecure=True))


@pytest.mark.parametrize(
    ("host", "url"),
    [
        pytest.param("127.0.0.1", "http://127.0.0.1:8080", id="an address"),
        pytest.param("0.0.0.0", "http://127.0.0.1:8080", id="all addresses"),
        pytest.param("::1", "http://[::1]:8080", id="version 6"),
    ],
)
def test_the_url_is_where_a_program_on_this_machine_reaches_the_api(host: str, url: str) -> None:
    assert Settings(host=host).url == url


def test_variables_that_are_no_settings_are_found() -> None:
    assert settings.unknown_variables({"KUBERKLONE_PROT": "1", "KUBERKLONE_PORT": "1", "HOME": "/"}) == [
        "KUBERKLONE_PROT"
    ]


@pytest.mark.parametrize("name", NAMES)
def test_each_setting_is_documented_under_it(name: str) -> None:
    assert len(settings_table.documentation()[name]) > 20
