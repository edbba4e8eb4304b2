"""The commands that talk to a cluster, on one that runs."""

import json
import re
import subprocess
from collections.abc import Callable, Iterator

import psutil
import pytest

from controllers import catalogue
from tests import waiting
from tests.cli import processes

pytestmark = pytest.mark.process

Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[processes.Running, dict[str, str]]]:
    """Three nodes with quick times, shared by the tests of this module, each of which uses names of its own."""
    place = tmp_path_factory.mktemp("cluster")
    environ = {"KUBERKLONE_HOME": str(place / "home")}
    with processes.up(place, "--nodes", "3", "--demo", environ=environ) as run:

        def all_ready() -> bool:
            answer = processes.kuberklone("nodes", "-o", "json", environ=environ)
            return [node["status"] for node in json.loads(answer.stdout)["items"]] == ["Ready"] * 3

        waiting.until(all_ready, within_s=processes.DEADLINE_S, what="all nodes are Ready")
        yield run, environ


@pytest.fixture
def command(cluster: tuple[processes.Running, dict[str, str]]) -> Command:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return processes.kuberklone(*arguments, environ=cluster[1])

    return run


def test_a_pod_that_fits_is_bound_while_one_waits(command: Command) -> None:
    added = command("add-pod", "--cpus", "0.5", "--name", "fits")
    assert added.returncode == 0
    assert re.fullmatch(r"fits bound to node-\d\n", added.stdout)


def test_a_pod_that_fits_nowhere_is_told_with_the_reasons(command: Command) -> None:
    added = command("add-pod", "--cpus", "64", "--name", "large")
    assert added.returncode == 0
    assert re.fullmatch(r"large Pending: 0/\d+ nodes: \d+ Insufficient cpu\n", added.stdout)


def test_many_pods_are_counted(command: Command) -> None:
    added = command("add-pod", "--cpus", "0.01", "--count", "20")
    assert added.stdout == "added 20 pods: 20 bound, 0 Pending\n"


def test_a_pod_tells_all_that_is_known_of_it(command: Command) -> None:
    command("add-pod", "--cpus", "0.25", "--name", "known", "--label", "app=web")
    told = command("pods", "known")
    assert re.search(r"^cpus +0\.25$", told.stdout, re.MULTILINE)
    assert re.search(r"^labels +app=web$", told.stdout, re.MULTILINE)
    assert "placements" in told.stdout


def test_lists_are_tables_for_people_and_json_for_programs(command: Command) -> None:
    command("add-pod", "--cpus", "0.1", "--name", "listed")
    for what, name in (("nodes", "node-1"), ("pods", "listed")):
        listed = command(what)
        assert listed.stdout.startswith("NAME ")
        assert re.search(rf"^{name} ", listed.stdout, re.MULTILINE)
        items = json.loads(command(what, "-o", "json").stdout)["items"]
        assert name in [item["name"] for item in items]


def test_nodes_are_added_all_with_what_was_asked_for(command: Command) -> None:
    added = command(
        "add-node", "--cpus", "500m", "--memory", "1Gi", "--name", "small", "--label", "disk=ssd",
        "--taint", "dedicated=small:NoSchedule",
    )  # fmt: skip
    assert added.stdout == "added small\n"
    node = json.loads(command("nodes", "small", "-o", "json").stdout)
    assert (node["cpus"], node["memory_bytes"], node["labels"]["disk"]) == (0.5, 2**30, "ssd")
    assert node["taints"][0]["key"] == "dedicated"


def test_a_selector_and_a_toleration_reach_the_scheduler(command: Command) -> None:
    command("add-node", "--cpus", "1", "--name", "gpu", "--label", "has=gpu", "--taint", "gpu=yes:NoSchedule")
    refused = command("add-pod", "--cpus", "0.1", "--name", "no-toleration", "--selector", "has=gpu")
    assert "no-toleration Pending" in refused.stdout

    def ready() -> bool:
        return bool(json.loads(command("nodes", "gpu", "-o", "json").stdout)["status"] == "Ready")

    waiting.until(ready, within_s=processes.DEADLINE_S, what="the node is Ready")
    placed = command(
        "add-pod", "--cpus", "0.1", "--name", "tolerates", "--selector", "has=gpu", "--toleration", "gpu=yes:NoSchedule"
    )
    assert placed.stdout == "tolerates bound to gpu\n"


def test_failing_a_node_says_what_to_expect(command: Command) -> None:
    command("add-node", "--name", "victim")

    def ready() -> bool:
        return bool(json.loads(command("nodes", "victim", "-o", "json").stdout)["status"] == "Ready")

    waiting.until(ready, within_s=processes.DEADLINE_S, what="the node is Ready")
    failed = command("fail-node", "victim")
    assert failed.returncode == 0
    assert re.search(r"^not ready by +\d{4}-", failed.stdout, re.MULTILINE)
    assert re.search(r"^restart at +\d{4}-", failed.stdout, re.MULTILINE)
    assert command("heal-node", "victim").returncode == 0
    assert command("restart-node", "victim").returncode == 0
    assert command("delete-node", "victim").returncode == 0

    def gone() -> bool:
        return command("nodes", "victim").returncode == 1

    waiting.until(gone, within_s=processes.DEADLINE_S, what="the node is deleted")


def test_a_deleted_pod_goes(command: Command) -> None:
    command("add-pod", "--cpus", "0.1", "--name", "leaver")
    assert command("delete-pod", "leaver").returncode == 0

    def gone() -> bool:
        return command("pods", "leaver").returncode == 1

    waiting.until(gone, within_s=processes.DEADLINE_S, what="the pod is gone")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        pytest.param(["delete-node", "nobody"], "no node named nobody", id="an unknown node"),
        pytest.param(["pods", "a/b"], "", id="a name that is a path"),
        pytest.param(["add-pod", "--cpus", "0"], "cpus: ", id="zero"),
        pytest.param(["add-pod", "--cpus", "nan"], "cpus: ", id="NaN"),
        pytest.param(["add-node", "--memory", "lots"], "memory: ", id="not a size"),
        pytest.param(["add-node", "--name", "node-1"], "name: ", id="a taken name"),
        pytest.param(["heal-node", "node-2"], "no injected fault", id="nothing to heal"),
    ],
)
def test_what_the_api_refuses_is_its_sentence_and_exit_code_1(
    command: Command, arguments: list[str], sentence: str
) -> None:
    refused = command(*arguments)
    assert refused.returncode == 1
    assert refused.stderr.startswith(f"error: {sentence}") or sentence in refused.stderr
    assert "Traceback" not in refused.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["add-node", "--label", "ssd"], id="half a label"),
        pytest.param(["add-node", "--taint", "gpu"], id="a taint without effect"),
        pytest.param(["add-pod", "--toleration", ":NoSchedule"], id="a toleration of nothing"),
        pytest.param(["add-pod", "--count", "0"], id="no pods"),
        pytest.param(["fail-node", "node-1", "--kind", "explode"], id="no such fault"),
        pytest.param(["fail-node"], id="no name"),
    ],
)
def test_wrong_usage_is_exit_code_2_and_nothing_is_sent(command: Command, arguments: list[str]) -> None:
    refused = command(*arguments)
    assert refused.returncode == 2
    assert "Traceback" not in refused.stderr


def test_status_says_who_leads(command: Command) -> None:
    def all_lead() -> str | None:
        said = command("status").stdout
        return said if re.findall(r"^(\S+) +leads ", said, re.MULTILINE) == catalogue.names() else None

    said = waiting.until(all_lead, within_s=processes.DEADLINE_S, what="every controller leads")
    assert re.search(r"^revision \d+, cluster time ", said, re.MULTILINE)
    assert re.search(r"^nodes: .*\d Ready", said, re.MULTILINE)


def test_events_end_with_the_newest(command: Command) -> None:
    command("add-pod", "--cpus", "0.1", "--name", "newest")
    lines = command("events", "-n", "5").stdout.splitlines()
    assert len(lines) == 6
    assert lines[0].split() == ["AT", "TYPE", "REASON", "OBJECT", "TIMES", "MESSAGE"]
    moments = [line.split()[0] for line in lines[1:]]
    assert moments == sorted(moments)


def test_watch_without_a_terminal_prints_one_picture(command: Command) -> None:
    seen = command("watch")
    assert seen.returncode == 0
    assert "node-1" in seen.stdout
    assert "Ctrl-C ends the view" in seen.stdout


def test_sql_reads_what_runs(command: Command) -> None:
    rows = json.loads(command("sql", "SELECT name, status FROM v_nodes WHERE name = 'node-1'", "--json").stdout)
    assert rows == [{"name": "node-1", "status": "Ready"}]


def test_a_running_database_is_sound(command: Command) -> None:
    assert command("db", "check").returncode == 0


def test_a_command_waits_for_an_api_that_is_being_restarted(
    command: Command, cluster: tuple[processes.Running, dict[str, str]]
) -> None:
    api = next(each for each in cluster[0].children() if processes.title(each) == "kuberklone api")
    api.kill()
    psutil.wait_procs([api], timeout=processes.DEADLINE_S)
    assert command("nodes").returncode == 0
