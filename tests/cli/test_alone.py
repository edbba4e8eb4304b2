"""The API and controllers started alone, each beside the other and without a supervisor."""

import json
import signal
import sqlite3
from pathlib import Path

import httpx
import pytest

from kuberklone.settings import Settings
from kuberklone.store import migrate
from tests import waiting
from tests.cli import processes
from tests.cli.processes import kuberklone

pytestmark = pytest.mark.process


@pytest.fixture
def home(tmp_path: Path) -> Path:
    place = tmp_path / "home"
    migrate.upgrade(Settings(home=place).database_url)
    return place


def answers(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/livez", trust_env=False).is_success
    except httpx.TransportError:
        return False


@pytest.mark.usefixtures("home")
def test_an_api_and_controllers_started_one_by_one_are_a_cluster(tmp_path: Path) -> None:
    port = processes.free_port()
    server = ["--server", f"http://127.0.0.1:{port}"]
    with (
        processes.running(["-m", "kuberklone", "api", "--port", str(port)], tmp_path) as api,
        processes.running(["-m", "kuberklone", "controller", "--demo"], tmp_path) as controllers,
    ):
        waiting.until(lambda: answers(port), within_s=processes.DEADLINE_S, what="the API answers")
        assert kuberklone("add-node", "--name", "only", *server).returncode == 0

        def bound() -> bool:
            pods = json.loads(kuberklone("pods", "-o", "json", *server).stdout)["items"]
            return [pod["node"] for pod in pods] == ["only"]

        assert kuberklone("add-pod", "--no-wait", *server).returncode == 0
        waiting.until(bound, within_s=processes.DEADLINE_S, what="the pod is bound")
        for run in (api, controllers):
            run.send(signal.SIGTERM)
            assert run.exit_code() == 0
            assert "Traceback" not in run.text()


@pytest.mark.parametrize("command", ["api", "controller"])
def test_without_a_prepared_database_the_remedy_is_said(command: str) -> None:
    failed = kuberklone(command, "--set", f"port={processes.free_port()}")
    assert failed.returncode == 1
    assert "kuberklone db upgrade" in failed.stderr
    assert "Traceback" not in failed.stderr


@pytest.mark.usefixtures("home")
def test_a_controller_that_does_not_exist_is_wrong_usage() -> None:
    failed = kuberklone("controller", "schedular")
    assert failed.returncode == 2
    assert "scheduler" in failed.stderr


@pytest.mark.parametrize("command", [["up"], ["db", "upgrade"], ["db", "check"], ["api"], ["controller", "node"]])
def test_a_database_of_a_newer_program_is_refused(home: Path, command: list[str]) -> None:
    connection = sqlite3.connect(home / "kuberklone.db")
    connection.execute("UPDATE alembic_version SET version_num = '9999_from_the_future'")
    connection.commit()
    connection.close()
    refused = kuberklone(*command, environ={"KUBERKLONE_PORT": str(processes.free_port())})
    assert refused.returncode == 1
    assert "newer KuberKlone" in refused.stderr
    assert "Traceback" not in refused.stderr
