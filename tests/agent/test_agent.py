"""A machine joins, runs what is bound to it, and survives its engine and itself; all its threads, a real API."""

import shutil
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import func, select

from kuberklone.agent.options import Options
from kuberklone.engine.connection import Engine
from kuberklone.errors import NotFound, Superseded, Unauthenticated
from kuberklone.store import nodes, schema
from kuberklone.store.transaction import write
from tests import engine as engines
from tests.agent import joined
from tests.agent.conftest import GRACE_S, HEARTBEAT_S
from tests.agent.joined import Joined
from tests.api.running import Api
from tests.machines.engine_proxy import EngineProxy, Mode
from tests.store import made

pytestmark = pytest.mark.process

# Shorter than any test, longer than what a busy engine takes for one call.
ENGINE_S = 8.0


@pytest.fixture
def machine(api: Api, wanted: Options) -> Iterator[Joined]:
    with joined.running(api, wanted) as machine:
        yield machine
    assert machine.failures == []


@pytest.fixture
def proxy(tmp_path: Path) -> Iterator[EngineProxy]:
    with closing(EngineProxy(tmp_path / "docker.sock", engines.SOCKET.removeprefix("unix://"))) as proxy:
        yield proxy


def beats(api: Api) -> int:
    with api.store.snapshot() as connection:
        return int(connection.execute(select(func.coalesce(func.max(schema.heartbeats.c.seq), 0))).scalar_one())


def names(engine: Engine, machine: Joined) -> list[str]:
    return sorted(each["Names"][0] for each in engines.containers(engine, machine.cluster))


def test_a_machine_joins_with_a_token_and_runs_what_is_bound_to_it(machine: Joined) -> None:
    node = machine.node()
    assert (node.provider, node.cpu_millis) == ("external", 4_000)
    pod = machine.add("sh", "-c", "echo hello; sleep 1000000")
    assert machine.until_it_is(pod.name, phase="Running").pod_ip is not None
    # What node_health says of a node that is heard.
    made.change_node(machine.api.store, machine.node(), ready="True")
    machine.until(lambda: machine.api.http.get(f"/pods/{pod.name}/logs").text == "hello\n", "its log can be read")


def test_how_a_pod_ends_is_in_the_store(machine: Joined) -> None:
    pod = machine.add("sh", "-c", "exit 3", restart_policy="Never")
    ended = machine.until_it_is(pod.name, phase="Failed")
    assert (ended.exit_code, ended.reason) == (3, "Error")
    assert ended.started_ms is not None
    assert ended.finished_ms is not None
    assert ended.started_ms <= ended.finished_ms


def test_a_deleted_pod_leaves_nothing(machine: Joined, engine: Engine) -> None:
    pod = machine.add("sleep", "1000000")
    machine.until_it_is(pod.name, phase="Running")
    assert machine.api.http.request("DELETE", "/delete_pod", json={"name": pod.name}).is_success
    machine.until(lambda: machine.find(pod.name) is None, "it is gone from the store")
    assert names(engine, machine) == []


def test_a_machine_that_comes_back_is_the_same_node_with_the_same_containers(
    api: Api, wanted: Options, engine: Engine
) -> None:
    with joined.running(api, wanted) as machine:
        pod = machine.add("sleep", "1000000")
        machine.until_it_is(pod.name, phase="Running")
        before = machine.node().uid, names(engine, machine)
        heard = beats(api)
    # It has no need of a token any more.
    with joined.running(api, replace(wanted, token=None)) as machine:
        machine.until(lambda: beats(api) > heard, "it is heard again")
        assert (machine.node().uid, names(engine, machine)) == before
        second = machine.add("sleep", "1000000")
        machine.until_it_is(second.name, phase="Running")
    assert machine.failures == []


def test_an_agent_that_is_superseded_ends_and_touches_nothing(
    api: Api, wanted: Options, tmp_path: Path, engine: Engine
) -> None:
    with joined.running(api, wanted) as first:
        pod = first.add("sleep", "1000000")
        first.until_it_is(pod.name, phase="Running")
        before = names(engine, first)
        # As if the machine's disk had been copied.
        shutil.copytree(wanted.state_dir, tmp_path / "copy")
        with joined.running(api, replace(wanted, state_dir=tmp_path / "copy")) as second:
            first.until(lambda: first.failures, "the first one ends")
            assert isinstance(first.failures[0], Superseded)
            assert names(engine, second) == before
        assert second.failures == []


def test_a_machine_whose_node_is_no_more_stops_everything_and_ends(api: Api, wanted: Options, engine: Engine) -> None:
    with joined.running(api, wanted) as machine:
        pod = machine.add("sleep", "1000000")
        machine.until_it_is(pod.name, phase="Running")
        with write(api.store, reserve=1) as transaction:
            nodes.delete(transaction, [machine.node()])
        machine.until(lambda: machine.failures, "it ends")
    assert isinstance(machine.failures[0], (NotFound, Unauthenticated))
    assert names(engine, machine) == []


@pytest.mark.parametrize("mode", [Mode.HUNG, Mode.BROKEN], ids=["hung", "broken"])
def test_an_engine_that_does_not_answer_does_not_silence_the_node(
    api: Api, wanted: Options, proxy: EngineProxy, mode: Mode
) -> None:
    with joined.running(api, replace(wanted, docker_socket=proxy.address), engine_s=ENGINE_S) as machine:
        machine.until(lambda: beats(api) > 1, "it is heard")
        proxy.mode = mode
        pod = machine.add("sleep", "1000000")
        heard, enough = beats(api), 2 * GRACE_S / HEARTBEAT_S
        machine.until(lambda: beats(api) > heard + enough, "it is heard for longer than the grace")
        assert machine.pod(pod.name).phase == "Pending"
        proxy.mode = Mode.WELL
        machine.until_it_is(pod.name, phase="Running")
    assert machine.failures == []


def test_a_create_whose_answer_was_lost_is_found_and_not_repeated(
    api: Api, wanted: Options, proxy: EngineProxy, engine: Engine
) -> None:
    with joined.running(api, replace(wanted, docker_socket=proxy.address), engine_s=ENGINE_S) as machine:
        proxy.lose_next("POST /v1.41/containers/create")
        pod = machine.add("sleep", "1000000")
        machine.until_it_is(pod.name, phase="Running")
        assert proxy.lost.is_set()
        assert names(engine, machine) == [f"/kuberklone-{machine.cluster}-{pod.uid}-main-0"]
    assert machine.failures == []
