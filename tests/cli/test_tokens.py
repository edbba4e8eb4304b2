"""Tokens on the command line, the TLS listener, and logs: on a cluster that runs."""

import json
import re
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import waiting
from tests.cli import processes

pytestmark = pytest.mark.process


@pytest.fixture(scope="module")
def environ(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Of a cluster with a TLS listener and one simulated node."""
    place = tmp_path_factory.mktemp("secure")
    environ = {"KUBERKLONE_HOME": str(place / "home")}
    tls_port = processes.free_port()
    options = ("--nodes", "1", "--demo", "--set", "tls_host=127.0.0.1", "--set", f"tls_port={tls_port}")
    with processes.up(place, *options, environ=environ):
        waiting.until(
            lambda: processes.kuberklone("status", environ=environ).returncode == 0,
            within_s=processes.DEADLINE_S,
            what="the API answers",
        )
        yield {**environ, "TLS": f"https://127.0.0.1:{tls_port}"}


def command(environ: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return processes.kuberklone(*arguments, environ={"KUBERKLONE_HOME": environ["KUBERKLONE_HOME"]})


def test_a_token_comes_with_the_line_that_joins_a_machine(environ: dict[str, str]) -> None:
    made = command(environ, "token", "create", "--hours", "1")
    assert made.returncode == 0, made.stderr
    line = re.search(r"kuberklone agent --server (\S+) --token (kk\.\w+\.\w{64}\.\w{64})$", made.stdout, re.MULTILINE)
    assert line is not None, made.stdout
    assert line[1] == environ["TLS"]


def test_tokens_are_listed_without_their_secrets_and_revoked(environ: dict[str, str]) -> None:
    made = json.loads(command(environ, "token", "create", "-o", "json").stdout)
    listed = command(environ, "token", "list")
    assert re.search(rf"^{made['id']} +join ", listed.stdout, re.MULTILINE)
    assert made["token"] not in listed.stdout
    assert command(environ, "token", "revoke", made["id"]).stdout == f"revoked {made['id']}\n"
    assert made["id"] not in command(environ, "token", "list").stdout
    again = command(environ, "token", "revoke", made["id"])
    assert (again.returncode, "there is no token" in again.stderr) == (1, True)


def test_the_commands_of_this_machine_come_in_by_tls(environ: dict[str, str]) -> None:
    shown = command(environ, "nodes", "--server", environ["TLS"])
    assert shown.returncode == 0, shown.stderr
    assert re.search(r"^node-1 ", shown.stdout, re.MULTILINE)


def test_nobody_else_does(environ: dict[str, str], tmp_path: Path) -> None:
    home = Path(environ["KUBERKLONE_HOME"])
    assert stat.S_IMODE((home / "admin.token").stat().st_mode) == 0o600
    stranger = processes.kuberklone("nodes", "--server", environ["TLS"], environ={"KUBERKLONE_HOME": str(tmp_path)})
    assert stranger.returncode != 0
    assert "CERTIFICATE" in stranger.stderr.upper()


def test_the_log_of_a_simulated_pod_is_refused_with_a_reason(environ: dict[str, str]) -> None:
    command(environ, "add-pod", "--cpus", "0.1", "--name", "web")
    shown = command(environ, "logs", "web")
    assert (shown.returncode, shown.stdout) == (1, "")
    assert "simulated node" in shown.stderr


def test_a_program_is_asked_for_after_two_dashes(environ: dict[str, str]) -> None:
    added = command(
        environ, "add-pod", "--cpus", "0.1", "--name", "job", "--image", "busybox", "--env", "MODE=fast",
        "--restart", "Never", "--", "sh", "-c", "echo hello",
    )  # fmt: skip
    assert added.returncode == 0, added.stderr
    question = "SELECT spec FROM pods WHERE name = 'job'"
    (row,) = json.loads(command(environ, "sql", question, "--json").stdout)
    (container,) = json.loads(row["spec"])["containers"]
    assert (container["image"], container["command"]) == ("busybox", ["sh", "-c", "echo hello"])
