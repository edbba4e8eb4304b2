"""The agent as a process: how it starts, what it says when it cannot, and what becomes of pods when it ends."""

import json
import os
import shutil
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from kuberklone.agent.options import Options
from kuberklone.engine.connection import Engine
from kuberklone.store import identity
from tests import engine as engines
from tests.agent.joined import Joined
from tests.agent.node_on_engine import WITHIN_S
from tests.api.running import Api
from tests.cli import processes
from tests.cli.processes import Running
from tests.waiting import until

pytestmark = pytest.mark.process

RSS_MAX_MB = 60


def variables(wanted: Options, **more: str) -> dict[str, str]:
    """The options as a container is given them."""
    given = {
        "SERVER": wanted.server,
        "TOKEN": "" if wanted.token is None else str(wanted.token),
        "STATE_DIR": str(wanted.state_dir),
        "DOCKER_SOCKET": wanted.docker_socket,
        "PAUSE_IMAGE": wanted.pause_image,
        "CPUS": "4",
        "MEMORY": "4Gi",
        "NAME": "there",
    }
    return {f"KUBERKLONE_AGENT_{name}": value for name, value in {**given, **more}.items()}


@contextmanager
def agent(api: Api, wanted: Options, folder: Path) -> Iterator[tuple[Running, Joined]]:
    """A process that was heard by the cluster."""
    environ = {**variables(wanted), "KUBERKLONE_LOG_LEVEL": "info"}
    with processes.running(["-m", "kuberklone.agent"], folder, environ=environ) as process:
        process.line("registered")
        yield process, joined_as(api, "there")


def joined_as(api: Api, name: str) -> Joined:
    with api.store.snapshot() as connection:
        return Joined(api=api, node_name=name, cluster=identity.cluster_id(connection))


def running(engine: Engine, machine: Joined) -> list[str]:
    found = engines.containers(engine, machine.cluster)
    return sorted(each["Names"][0] for each in found if each["State"] == "running")


def keepers(folder: Path) -> list[psutil.Process]:
    """Second processes of agents whose output lies in the folder, or whose environment names it."""
    found = []
    for process in psutil.process_iter():
        try:
            if str(folder) in process.environ().get("KUBERKLONE_AGENT_STATE_DIR", ""):
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return processes.alive(found)


@pytest.fixture(autouse=True)
def _nobody_is_left(tmp_path: Path) -> Iterator[None]:
    yield
    until(lambda: not keepers(tmp_path), within_s=WITHIN_S, what="all processes of the test's agents ended")


def test_told_to_end_it_leaves_its_pods_to_the_next_one(
    api: Api, wanted: Options, engine: Engine, tmp_path: Path
) -> None:
    with agent(api, wanted, tmp_path) as (process, machine):
        pod = machine.add("sleep", "1000000")
        machine.until_it_is(pod.name, phase="Running")
        before = running(engine, machine)
        assert len(before) == 1
        process.send(signal.SIGTERM)
        assert process.exit_code() == 0
        assert running(engine, machine) == before
    with agent(api, replace(wanted, token=None), tmp_path) as (process, machine):
        until(lambda: len(keepers(tmp_path)) == 2, within_s=WITHIN_S, what="the keeper of the first one has gone")
        assert running(engine, machine) == before
        assert machine.pod(pod.name).restarts == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=["told to end", "killed"])
def test_when_nobody_comes_what_the_cluster_moves_is_stopped_and_all_else_runs_on(
    api: Api, wanted: Options, engine: Engine, tmp_path: Path, number: signal.Signals
) -> None:
    with agent(api, wanted, tmp_path) as (process, machine):
        moves, stays = machine.add("sleep", "1000000"), machine.add("sleep", "1000000", moves=False)
        for pod in (moves, stays):
            machine.until_it_is(pod.name, phase="Running")
        machine.until(lambda: len(running(engine, machine)) == 2, "both run")
        process.send(number)
        process.exit_code()
        machine.until(lambda: len(running(engine, machine)) == 1, "what the cluster moves is stopped")
        assert stays.uid in running(engine, machine)[0]


def test_the_first_process_of_a_container_leaves_nothing_that_the_cluster_moves(
    api: Api, wanted: Options, engine: Engine, tmp_path: Path
) -> None:
    """Its keeper ends with it, whatever signals that one ignores."""
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        pytest.skip("needs root and the command unshare, to make a first process")
    first = ("unshare", "--pid", "--fork", "--kill-child", "--mount-proc", sys.executable)
    environ = {**variables(wanted), "KUBERKLONE_LOG_LEVEL": "info"}
    with processes.running(["-m", "kuberklone.agent"], tmp_path, environ=environ, interpreter=first) as process:
        process.line("registered")
        machine = joined_as(api, "there")
        moves, stays = machine.add("sleep", "1000000"), machine.add("sleep", "1000000", moves=False)
        for pod in (moves, stays):
            machine.until_it_is(pod.name, phase="Running")
        psutil.Process(process.pid).children()[0].send_signal(signal.SIGTERM)
        assert process.exit_code() == 0
        (left,) = running(engine, machine)
        assert stays.uid in left


def test_an_agent_of_another_node_takes_no_pods_over(api: Api, wanted: Options, engine: Engine, tmp_path: Path) -> None:
    """The same folder, joined anew under another name: nobody else would stop what the cluster moves."""
    with agent(api, wanted, tmp_path) as (process, machine):
        pod = machine.add("sleep", "1000000")
        machine.until_it_is(pod.name, phase="Running")
        process.send(signal.SIGTERM)
        assert process.exit_code() == 0
    (wanted.state_dir / "membership.json").unlink()
    environ = {**variables(wanted, NAME="elsewhere"), "KUBERKLONE_LOG_LEVEL": "info"}
    with processes.running(["-m", "kuberklone.agent"], tmp_path, environ=environ) as process:
        process.line("registered")
        machine.until(lambda: not running(engine, machine), "what the cluster moves is stopped")


def test_it_is_small_and_knows_nothing_of_the_store(api: Api, wanted: Options, tmp_path: Path) -> None:
    with agent(api, wanted, tmp_path) as (process, _):
        assert psutil.Process(process.pid).memory_info().rss < RSS_MAX_MB * 2**20
        mapped = {each.path for each in psutil.Process(process.pid).memory_maps()}
        # Compiled parts of what the API and the store are made of, and an agent must not import.
        assert not {path for path in mapped for part in ("sqlalchemy", "numpy", "uvloop") if f"/{part}/" in path}


@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        pytest.param({"SERVER": ""}, 2, "--server (KUBERKLONE_AGENT_SERVER) is missing", id="no server"),
        pytest.param({"SERVER": "ftp://somewhere"}, 2, "--server ftp://somewhere", id="no server of ours"),
        pytest.param({"TOKEN": ""}, 2, "--token is missing", id="no token"),
        pytest.param({"TOKEN": "secret"}, 2, "--token (KUBERKLONE_AGENT_TOKEN)", id="no such token"),
        pytest.param({"CPUS": "-1"}, 2, "--cpus (KUBERKLONE_AGENT_CPUS)", id="less than nothing"),
        pytest.param({"MEMORY": "much"}, 2, "--memory (KUBERKLONE_AGENT_MEMORY)", id="no amount"),
        pytest.param({"NAME": "No Name"}, 2, "--name (KUBERKLONE_AGENT_NAME)", id="no name"),
        pytest.param({"LABELS": "disk"}, 2, "--label disk", id="half a label"),
        pytest.param({"LABELS": "a b=c"}, 2, "--label (KUBERKLONE_AGENT_LABELS)", id="no label"),
        pytest.param({"CONTAINER": "me"}, 2, "KUBERKLONE_AGENT_BOOT_ID", id="half a container"),
        pytest.param({"CONTAINER": "nobody", "BOOT_ID": "b"}, 1, "nobody", id="a container that does not exist"),
        pytest.param({"STATE_DIR": "/proc/nowhere"}, 2, "--state-dir /proc/nowhere", id="no place for its state"),
        pytest.param({"DOCKER_SOCKET": "unix:///no/engine"}, 1, "unix:///no/engine", id="no engine"),
        pytest.param({"TOKEN": "kk.a." + "0" * 64}, 2, "does not name the CA", id="a token that names no CA"),
        pytest.param(
            {"TOKEN": "kk.a." + "0" * 64 + "." + "1" * 64}, 1, "another CA than the token names", id="another cluster"
        ),
    ],
)
def test_what_it_cannot_use_it_names(
    wanted: Options, tmp_path: Path, *, changes: Mapping[str, str], code: int, words: str
) -> None:
    with processes.running(["-m", "kuberklone.agent"], tmp_path, environ=variables(wanted, **changes)) as process:
        assert process.exit_code() == code
    (line,) = process.text().splitlines()
    assert line.startswith("error: ")
    assert words in line


def test_a_token_that_was_revoked_joins_nobody(api: Api, wanted: Options, tmp_path: Path) -> None:
    assert wanted.token is not None
    assert api.http.request("DELETE", "/delete_token", json={"id": wanted.token.id}).is_success
    with processes.running(["-m", "kuberklone.agent"], tmp_path, environ=variables(wanted)) as process:
        assert process.exit_code() == 1
    assert "not valid" in process.text()


def test_two_on_one_machine_need_a_folder_each(api: Api, wanted: Options, tmp_path: Path) -> None:
    with agent(api, wanted, tmp_path):
        with processes.running(["-m", "kuberklone.agent"], tmp_path, environ=variables(wanted)) as second:
            assert second.exit_code() == 2
        assert f"another agent runs with --state-dir {wanted.state_dir}" in second.text()


def test_the_command_becomes_the_agent_s_own_program(api: Api, wanted: Options, tmp_path: Path) -> None:
    command = [
        "-m", "kuberklone", "agent", "--server", wanted.server, "--token", str(wanted.token), "--cpus", "2",
        "--memory", "1Gi", "--name", "there", "--label", "disk=ssd", "--label", "zone=a",
        "--docker-socket", wanted.docker_socket, "--state-dir", str(wanted.state_dir),
    ]  # fmt: skip
    with processes.running(command, tmp_path, environ={"KUBERKLONE_LOG_LEVEL": "info"}) as process:
        process.line("registered")
        assert "kuberklone agent" in processes.title(psutil.Process(process.pid))
        # The token is no argument any more, which everybody on the machine could read.
        assert str(wanted.token) not in processes.title(psutil.Process(process.pid))
    node = Joined(api=api, node_name="there", cluster="").node()
    assert (node.cpu_millis, node.memory_bytes) == (2_000, 2**30)
    assert {"disk": "ssd", "zone": "a"}.items() <= json.loads(node.labels).items()
