"""`kuberklone up` and what stops it, with real processes on a real store."""

import re
import signal
import socket
import time
from pathlib import Path

import httpx
import psutil
import pytest

from controllers import catalogue
from tests import waiting
from tests.cli import processes
from tests.cli.processes import Running, kuberklone

pytestmark = pytest.mark.process


def names_of_nodes(port: int) -> list[str]:
    answer = httpx.get(f"http://127.0.0.1:{port}/nodes", trust_env=False, timeout=processes.DEADLINE_S)
    return sorted(item["name"] for item in answer.json()["items"])


def titles(run: Running) -> set[str]:
    return {processes.title(child) for child in run.children()}


def child(run: Running, title: str) -> psutil.Process:
    return next(each for each in run.children() if processes.title(each) == title)


def test_each_program_is_a_process_that_ps_can_name(tmp_path: Path) -> None:
    with processes.up(tmp_path) as run:
        small = "kuberklone controller deployment disruption namespace ownership replicaset"
        expected = {"kuberklone api", "kuberklone controller scheduler", small}
        assert expected <= waiting.until(
            lambda: found if expected <= (found := titles(run)) else None, within_s=5, what="titles"
        )


def test_the_supervisor_has_no_threads_since_it_forks(tmp_path: Path) -> None:
    with processes.up(tmp_path) as run:
        assert psutil.Process(run.pid).num_threads() == 1


def test_it_says_where_it_is_what_runs_and_three_commands_to_try(tmp_path: Path) -> None:
    port = processes.free_port()
    with processes.up(tmp_path, port=port) as run:
        text = run.text()
        pids = [run.pid, child(run, "kuberklone api").pid]
    assert f"http://127.0.0.1:{port}" in text
    assert f"api {pids[1]}" in text
    assert re.search(r"^  kuberklone watch\b", text, re.MULTILINE)
    assert re.search(r"^  kuberklone add-pod --cpus 2\b", text, re.MULTILINE)
    assert re.search(r"^  kuberklone fail-node node-1\b", text, re.MULTILINE)


def test_an_empty_store_gets_its_first_nodes_once(
    tmp_path: Path, store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBERKLONE_DATABASE_URL", store_url)
    port = processes.free_port()
    with processes.up(tmp_path, "--nodes", "3", port=port):
        assert names_of_nodes(port) == ["node-1", "node-2", "node-3"]
    # Killed with -9, and started again with another number.
    with processes.up(tmp_path, "--nodes", "5", port=port):
        assert names_of_nodes(port) == ["node-1", "node-2", "node-3"]


def test_a_second_up_names_the_first_and_exits_3(tmp_path: Path) -> None:
    port = processes.free_port()
    with processes.up(tmp_path, port=port) as run:
        second = kuberklone("up", str(processes.free_port()))
    assert second.returncode == 3
    assert f"http://127.0.0.1:{port}" in second.stderr
    assert str(run.pid) in second.stderr


def test_a_taken_port_is_named_with_the_remedy_before_anything_is_made(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        refused = kuberklone("up", str(port))
    assert refused.returncode == 2
    assert f"port {port}" in refused.stderr
    assert re.search(r"try kuberklone up \d+", refused.stderr)
    assert not (tmp_path / "home" / "kuberklone.db").exists()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        pytest.param(["--host", "0.0.0.0"], "no authentication", id="an address that strangers reach"),
        pytest.param(["--host", "192.0.2.1", "--set", "insecure=true"], "not an address of this machine", id="foreign"),
        pytest.param(["8081", "--port", "8082"], "two ports", id="two ports"),
        pytest.param(["--without", "schedular"], "choose from api, ", id="no such controller"),
        pytest.param(["--set", "port"], "NAME=VALUE", id="half a setting"),
        pytest.param(["--set", "node_grace_s=1"], "one lost heartbeat", id="settings that contradict"),
        pytest.param(["--nodes", "-1"], "--nodes", id="a negative number of nodes"),
    ],
)
def test_what_cannot_be_run_is_a_sentence_and_exit_code_2(arguments: list[str], sentence: str, tmp_path: Path) -> None:
    refused = kuberklone("up", *arguments)
    assert refused.returncode == 2
    assert sentence in refused.stderr
    assert "Traceback" not in refused.stderr
    assert not (tmp_path / "home" / "kuberklone.db").exists()


def test_a_controller_can_be_kept_off(tmp_path: Path) -> None:
    with processes.up(tmp_path, "--without", "scheduler") as run:
        assert "kuberklone controller scheduler" not in titles(run)
        assert run.lines("kept off")[0].split() == ["kept", "off", "scheduler"]


def test_one_of_the_small_controllers_can_be_kept_off_alone(tmp_path: Path) -> None:
    with processes.up(tmp_path, "--without", "namespace") as run:
        assert "kuberklone controller deployment disruption ownership replicaset" in titles(run)


def test_a_killed_api_is_back_with_one_line(tmp_path: Path) -> None:
    port = processes.free_port()
    with processes.up(tmp_path, "--nodes", "2", port=port) as run:
        victim = child(run, "kuberklone api")
        victim.kill()
        run.line(f"api (pid {victim.pid}) was killed by SIGKILL; started again as pid")

        def answers() -> list[str] | None:
            try:
                return names_of_nodes(port)
            except httpx.TransportError:
                return None

        assert waiting.until(answers, within_s=5, what="the API answers again") == ["node-1", "node-2"]
        assert len(run.lines("started again")) == 1


def test_after_a_killed_supervisor_a_new_one_continues_at_once(tmp_path: Path) -> None:
    port = processes.free_port()
    with processes.up(tmp_path, "--nodes", "2", port=port) as run:
        children = run.children()
        run.send(signal.SIGKILL)
        # Not waited for: the port may still be held by what is about to end.
        with processes.up(tmp_path, "--nodes", "2", port=port) as again:
            assert names_of_nodes(port) == ["node-1", "node-2"]
            assert processes.alive(children) == []
            assert again.lines("error") == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
def test_a_signal_stops_everything_with_one_line(tmp_path: Path, number: signal.Signals) -> None:
    with processes.up(tmp_path) as run:
        children = run.children()
        before = len(run.text().splitlines())
        run.send(number)
        assert run.exit_code() == 0
        assert processes.alive(children) == []
        (line,) = run.text().splitlines()[before:]
    assert line.startswith("stopped; everything is kept in ")


def test_down_stops_what_runs_and_waits_for_it(tmp_path: Path) -> None:
    with processes.up(tmp_path) as run:
        stopped = kuberklone("down")
        assert (stopped.returncode, run.exit_code()) == (0, 0)
        assert f"stopped pid {run.pid}" in stopped.stdout
    again = kuberklone("down")
    assert again.returncode == 0
    assert "nothing runs" in again.stdout


def test_the_port_is_found_by_the_other_commands(tmp_path: Path) -> None:
    with processes.up(tmp_path, "--nodes", "1"):
        found = kuberklone("nodes")
    assert found.returncode == 0
    assert "node-1" in found.stdout


def test_a_running_cluster_is_not_reset(tmp_path: Path) -> None:
    with processes.up(tmp_path, "--nodes", "1") as run:
        refused = kuberklone("reset", "--yes")
        assert refused.returncode == 3
        assert f"pid {run.pid}" in refused.stderr
        assert kuberklone("uninstall", "--yes").returncode == 3
        assert (tmp_path / "home" / "kuberklone.db").exists()


def all_lead(port: int) -> bool:
    try:
        status = httpx.get(f"http://127.0.0.1:{port}/status", trust_env=False, timeout=processes.DEADLINE_S).json()
    except httpx.TransportError:
        return False
    return len(status["controllers"]) == len(catalogue.names()) and all(
        each["leading"] for each in status["controllers"]
    )


def slowdown() -> float:
    """How many seconds a second of work takes now, because others use the same cores."""
    began_s, worked_s = time.perf_counter(), time.process_time()
    while time.process_time() - worked_s < 0.2:
        sum(range(10_000))
    return (time.perf_counter() - began_s) / (time.process_time() - worked_s)


def seconds_until_all_lead(tmp_path: Path, port: int, ending: signal.Signals) -> float:
    """How long `up` takes on an existing store until all nodes are listed and every controller leads."""
    command = ["-m", "kuberklone", "up", str(port)]
    before = slowdown()
    began_s = time.perf_counter()
    with processes.running(command, tmp_path) as run:
        waiting.until(lambda: all_lead(port), within_s=processes.DEADLINE_S, what="all controllers lead")
        took_s = time.perf_counter() - began_s
        assert names_of_nodes(port) == ["node-1", "node-2", "node-3"]
        run.send(ending)
        run.process.wait(processes.DEADLINE_S)
    return took_s / max(1.0, before, slowdown())


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGKILL], ids=lambda number: f"after {number.name}")
def test_an_existing_store_is_served_and_led_within_two_seconds(tmp_path: Path, ending: signal.Signals) -> None:
    port = processes.free_port()
    with processes.up(tmp_path, "--nodes", "3", port=port):
        waiting.until(lambda: all_lead(port), within_s=processes.DEADLINE_S, what="all controllers lead")
    # The first quick one of five counts: the load of a shared machine changes while it is measured.
    took_s: list[float] = []
    while len(took_s) < 5 and (not took_s or took_s[-1] >= 2.0):
        took_s.append(seconds_until_all_lead(tmp_path, port, ending))
    assert took_s[-1] < 2.0, took_s
