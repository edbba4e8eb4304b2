"""The API as a process: when it refuses to start, and how it stops."""

import contextlib
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from kuberklone.api import server
from kuberklone.errors import SchemaOutdated, SettingsError
from kuberklone.settings import Settings
from tests.waiting import until

pytestmark = pytest.mark.process

_PROGRAM = """
import signal, sys
from pathlib import Path
from kuberklone import logs
from kuberklone.api import server
from kuberklone.settings import Settings
if sys.argv[4] == "supervised":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
settings = Settings(home=Path(sys.argv[1]), database_url=sys.argv[2], port=int(sys.argv[3]), log_level="info")
logs.configure(settings, process="api")
server.run(settings)
"""


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def _served(url: str, home: Path, *, how: str = "alone") -> Iterator[tuple[subprocess.Popen[bytes], httpx.Client]]:
    port = _free_port()
    arguments = [sys.executable, "-c", _PROGRAM, str(home), url, str(port), how]
    with subprocess.Popen(arguments, cwd=Path(server.__file__).parents[2]) as process:
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as http:
                until(lambda: _answers(http), within_s=30, what="the API answers")
                yield process, http
        finally:
            process.kill()


def _answers(http: httpx.Client) -> bool:
    try:
        return http.get("/livez").status_code == 200
    except httpx.TransportError:
        return False


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_in_good_order(migrated_url: str, tmp_path: Path, number: signal.Signals) -> None:
    with _served(migrated_url, tmp_path) as (process, http):
        assert http.post("/add_pod", json={"cpus": 1}).status_code == 201
        process.send_signal(number)
        assert process.wait(timeout=20) == 0


def test_under_a_supervisor_ctrl_c_is_not_its_business(migrated_url: str, tmp_path: Path) -> None:
    with _served(migrated_url, tmp_path, how="supervised") as (process, http):
        process.send_signal(signal.SIGINT)
        assert http.post("/add_pod", json={"cpus": 1}).status_code == 201
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 0


def test_what_was_answered_is_there_after_a_kill(migrated_url: str, tmp_path: Path) -> None:
    with _served(migrated_url, tmp_path) as (process, http):
        made = [http.post("/add_pod", json={"cpus": 1}).json()["name"] for _ in range(20)]
        process.kill()
        process.wait(timeout=20)
    with _served(migrated_url, tmp_path) as (_, http):
        assert [pod["name"] for pod in http.get("/pods").json()["items"]] == made
        assert http.post("/add_pod", json={"cpus": 1}).json()["name"] == "pod-21"


def test_a_database_without_the_schema_is_refused(sqlite_url: str, tmp_path: Path) -> None:
    with pytest.raises(SchemaOutdated, match="kuberklone db upgrade"):
        server.run(Settings(home=tmp_path, database_url=sqlite_url, port=_free_port()))


def test_a_taken_port_is_named_with_the_remedy(migrated_url: str, tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(SettingsError, match=rf"port {port}: .*--port {port + 1}"):
            server.run(Settings(home=tmp_path, database_url=migrated_url, port=port))


def test_an_address_that_strangers_reach_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="no authentication"):
        server.run(Settings(home=tmp_path, host="0.0.0.0"))
