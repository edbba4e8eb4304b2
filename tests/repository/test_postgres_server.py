"""The server that the tests start for themselves: from either source, syncing, and never left behind."""

import signal
import subprocess
import sys
from pathlib import Path

import psutil
import psycopg
import pytest
from sqlalchemy.engine import make_url

from tests import postgres_server
from tests.waiting import until

pytestmark = pytest.mark.process

_ROOT = Path(__file__).parents[2]
_START_ONE_AND_WAIT = """
import sys
from tests import postgres_server
with postgres_server.running(postgres_server.find_binaries()) as server:
    print(server.pid, server.socket_folder, flush=True)
    sys.stdin.read()
"""


def test_the_server_syncs_every_commit(postgres: postgres_server.Connection) -> None:
    with postgres.connect() as connection:
        settings = {
            name: connection.execute(f"SHOW {name}").fetchone()
            for name in ("fsync", "synchronous_commit", "full_page_writes")
        }
    assert settings == {"fsync": ("on",), "synchronous_commit": ("on",), "full_page_writes": ("on",)}


def test_a_test_gets_an_empty_database_owned_by_an_ordinary_role(postgres_url: str) -> None:
    url = make_url(postgres_url)
    with psycopg.connect(host=str(url.query["host"]), dbname=url.database, user=url.username) as connection:
        tables = connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone()
        superuser = connection.execute("SHOW is_superuser").fetchone()
        connection.execute("CREATE TABLE t (x int)")
    assert (tables, superuser) == ((0,), ("off",))


def test_the_packaged_server_starts_where_none_is_installed() -> None:
    binaries = postgres_server.packaged_binaries()
    assert binaries is not None
    with postgres_server.running(binaries) as server, server.connect() as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    assert not psutil.pid_exists(server.pid)


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM], ids=lambda number: number.name)
def test_the_server_goes_when_the_test_run_is_killed(end: signal.Signals) -> None:
    run = subprocess.Popen(
        [sys.executable, "-c", _START_ONE_AND_WAIT], cwd=_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with run:
        assert run.stdout is not None
        pid, folder = run.stdout.readline().split()
        server = psutil.Process(int(pid))
        run.send_signal(end)
    until(lambda: not server.is_running(), within_s=20, what="the server ended")
    until(lambda: not Path(folder).exists(), within_s=20, what="its folder was removed")


def test_a_server_that_cannot_start_says_why(tmp_path: Path) -> None:
    with pytest.raises(postgres_server.NoPostgresError, match="no program postgres"), postgres_server.running(tmp_path):
        pass
