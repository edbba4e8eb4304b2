"""What `up`, `down` and `reset` say about Docker nodes where there is no engine, or none that has our images."""

from pathlib import Path

import pytest

from kuberklone.engine.connection import Engine
from kuberklone.store import migrate
from kuberklone.store.database import Store
from tests.cli import processes
from tests.cli.processes import kuberklone
from tests.engine import engine  # noqa: F401 - a fixture
from tests.store import made

pytestmark = pytest.mark.process


@pytest.fixture
def no_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The address of an engine that is not there."""
    address = f"unix://{tmp_path}/none.sock"
    monkeypatch.setenv("KUBERKLONE_DOCKER_SOCKET", address)
    return address


@pytest.fixture
def database(tmp_path: Path) -> str:
    """Of a cluster with a Docker node."""
    url = f"sqlite:///{tmp_path / 'home' / 'kuberklone.db'}"
    migrate.upgrade(url)
    store = Store(url)
    made.add_nodes(store, made.node(provider="docker"))
    store.close()
    return url


def test_up_without_an_engine_names_its_socket_and_a_way_without(tmp_path: Path, no_engine: str) -> None:
    told = kuberklone("up", "--provider", "docker", "--port", str(processes.free_port()))
    assert told.returncode == 1
    assert no_engine in told.stderr
    assert "--provider simulated" in told.stderr
    assert "Traceback" not in told.stderr
    assert not (tmp_path / "home" / "kuberklone.db").exists(), "nothing is made for a cluster that cannot be"


def test_up_without_the_images_says_how_to_make_them(engine: Engine) -> None:  # noqa: F811
    told = kuberklone(
        "up", "--provider", "docker", "--port", str(processes.free_port()), "--set", "node_image=kuberklone-none:none"
    )
    assert told.returncode == 1
    assert "kuberklone-none:none" in told.stderr
    assert "make image-local" in told.stderr


def test_a_cluster_that_has_docker_nodes_runs_its_others_without_an_engine(
    tmp_path: Path, no_engine: str, database: str
) -> None:
    with processes.up(tmp_path) as run:
        assert "1 Docker nodes will not be heard" in run.text()
        assert no_engine in run.text()


def test_down_says_what_it_could_not_remove(no_engine: str, database: str) -> None:
    told = kuberklone("down")
    assert told.returncode == 1
    assert no_engine in told.stderr
    assert "io.kuberklone.cluster=" in told.stderr


def test_reset_keeps_the_data_by_which_containers_that_are_left_are_known(
    tmp_path: Path, no_engine: str, database: str
) -> None:
    told = kuberklone("reset", "--yes")
    assert told.returncode == 1
    assert no_engine in told.stderr
    assert (tmp_path / "home" / "kuberklone.db").exists()


@pytest.mark.parametrize("command", [("down",), ("reset", "--yes")], ids=["down", "reset"])
def test_nobody_without_docker_nodes_is_told_about_an_engine(
    tmp_path: Path, no_engine: str, command: tuple[str, ...]
) -> None:
    migrate.upgrade(f"sqlite:///{tmp_path / 'home' / 'kuberklone.db'}")
    told = kuberklone(*command)
    assert (told.returncode, told.stderr) == (0, "")


def test_a_docker_node_is_refused_where_its_agent_could_not_come_in(tmp_path: Path) -> None:
    with processes.up(tmp_path):
        told = kuberklone("add-node", "--cpus", "1", "--provider", "docker")
        assert told.returncode == 1
        assert "kuberklone up --provider docker" in told.stderr
