"""What every test may ask for: a store on each database, a home of its own, a limit of time by its folder."""

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from xdist.scheduler import LoadScopeScheduling

from kuberklone.store import migrate
from tests import emptied, postgres_server

_TESTS = Path(__file__).parent

# Seconds a test of the folder may take before it counts as hung. The aim for anything without a process is two; but
# databases sync every commit, Hypothesis tries a hundred clusters, and two cores are shared with other processes.
_LIMITS_S = {
    "decisions": 20,
    "apimachinery": 60,
    "kinds": 20,
    "store": 20,
    "api": 20,
    "agent": 60,
    "controllers": 60,
    "cli": 20,
    "docs": 20,
    "migrations": 60,
    "repository": 180,
    "faults": 180,
    "clients": 300,
    "system": 300,
}
_PROCESS_LIMIT_S = 120

# A loaded machine may take any time for one example; a hang is caught by the limits above.
hypothesis.settings.register_profile("project", deadline=None, print_blob=True)
hypothesis.settings.load_profile("project")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--no-skips", action="store_true", help="a skipped test fails the run")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        folder = item.path.relative_to(_TESTS).parts[0]
        limit_s = _LIMITS_S.get(folder, 2)
        if item.get_closest_marker("process") is not None:
            limit_s = max(limit_s, _PROCESS_LIMIT_S)
        if item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(limit_s))


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    """Long tests share workers, one group each, which run them one after another; all others go where there is room."""
    return _LongTestsApart(config, log)


class _LongTestsApart(LoadScopeScheduling):
    """Tests with processes run one after another, because their oracles have deadlines and a machine may have two
    cores. Those of clients, which wait longer than any client does, share one cluster on another worker.

    By the text of the file, since only names reach the scheduler; xdist's own groups are lost in names that pytest
    does not let anybody change any more.
    """

    def _split_scope(self, nodeid: str) -> str:
        file = Path(nodeid.partition("::")[0])
        if file.parent.name == "clients":
            return "clients"
        return "processes" if _starts_processes(file) else nodeid


@cache
def _starts_processes(file: Path) -> bool:
    return "pytest.mark.process" in (_TESTS.parent / file).read_text()


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if session.config.getoption("--no-skips") and reporter is not None and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture(scope="session", autouse=True)
def _temporary_folder_of_its_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What programs under test leave in the temporary folder (sockets of killed processes) goes with the run.

    Short, because sockets lie in it, whose paths may have 104 bytes on macOS; pytest's own folder is too deep for that.
    """
    tmp_path_factory.getbasetemp()  # pytest keeps the last runs' folders for a look at failures: not in ours
    with (
        tempfile.TemporaryDirectory(prefix="kk-", ignore_cleanup_errors=True) as folder,
        pytest.MonkeyPatch.context() as patch,
    ):
        # Postgres runs as another account when the tests run as root, and has its folder below this one.
        Path(folder).chmod(0o711)
        patch.setenv("TMPDIR", folder)
        patch.setattr(tempfile, "tempdir", folder)
        yield


@pytest.fixture(scope="session", autouse=True)
def _hang_ups_are_heard() -> None:
    """Programs under test get what a terminal's get, also where the tests themselves run under nohup."""
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.fixture(autouse=True)
def _home_of_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No test may read a person's settings or touch the cluster they run."""
    for name in [name for name in os.environ if name.startswith("KUBERKLONE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("KUBERKLONE_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="session")
def postgres() -> Iterator[postgres_server.Connection]:
    """One server for this run (under xdist: for this worker), started by the first test that needs it."""
    with postgres_server.running(postgres_server.find_binaries()) as connection:
        yield connection


@pytest.fixture(scope="session")
def _databases(postgres: postgres_server.Connection) -> postgres_server.Databases:
    return postgres_server.Databases(postgres)


@pytest.fixture
def postgres_url(_databases: postgres_server.Databases) -> Iterator[str]:
    """A new, empty Postgres database."""
    with _databases.new() as url:
        yield url


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """A place for a new SQLite database; the file does not exist yet."""
    return f"sqlite:///{tmp_path / 'kuberklone.db'}"


@pytest.fixture(params=["sqlite", "postgres"])
def store_url(request: pytest.FixtureRequest) -> str:
    """An empty database of each kind: a test that takes it runs twice."""
    return str(request.getfixturevalue(f"{request.param}_url"))


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite database, migrated once; every test gets a copy."""
    file = tmp_path_factory.mktemp("migrated") / "kuberklone.db"
    migrate.upgrade(f"sqlite:///{file}")
    return file


@pytest.fixture(scope="session")
def _emptied(_databases: postgres_server.Databases) -> Iterator[emptied.Database]:
    """One Postgres database for all tests, which is emptied for each: making one costs ten times as much."""
    with _databases.new() as url:
        migrate.upgrade(url)
        yield emptied.Database(url)


@pytest.fixture
def migrated_sqlite_url(migrated_file: Path, sqlite_url: str) -> str:
    shutil.copy(migrated_file, sqlite_url.removeprefix("sqlite:///"))
    return sqlite_url


@pytest.fixture
def migrated_postgres_url(_emptied: emptied.Database) -> Iterator[str]:
    _emptied.empty()
    yield _emptied.url
    _emptied.assert_nobody_is_left()


@pytest.fixture(params=["sqlite", "postgres"])
def migrated_url(request: pytest.FixtureRequest) -> str:
    """An empty database with the program's schema, of each kind; nobody is connected to it when the test ends."""
    return str(request.getfixturevalue(f"migrated_{request.param}_url"))
