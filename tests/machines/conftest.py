"""Clusters whose nodes are containers of a real engine."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from kuberklone.chance import Chance
from kuberklone.engine.connection import Engine
from tests.engine import SOCKET, engine, image, remove_all  # noqa: F401 - fixtures
from tests.machines import cluster as clusters
from tests.machines import engine_proxy
from tests.machines.cluster import Cluster
from tests.machines.engine_proxy import EngineProxy, Mode

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def node_image(engine: Engine) -> Iterator[str]:  # noqa: F811 - the fixture
    """The program's image as this checkout makes it, under a name of the test's own, which it may take away."""
    # Most of it is in the engine's cache from the last time. What the `make` was told that runs the tests, such as
    # ARGS, is not meant for this one.
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS", "ARGS"))}
    command = ["make", "--no-print-directory", "image-local"]
    made = subprocess.run(command, cwd=ROOT, env=environ, check=False, capture_output=True, text=True)
    assert made.returncode == 0, made.stdout + made.stderr
    tag = Chance().suffix(letters=8)
    engine.api.tag("kuberklone:latest", "kuberklone-test-node", tag)
    yield f"kuberklone-test-node:{tag}"
    engine.api.remove_image(f"kuberklone-test-node:{tag}", force=True, noprune=True)


@pytest.fixture(scope="module")
def proxy(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineProxy]:  # noqa: F811
    """What the cluster takes for the engine."""
    folder = tmp_path_factory.mktemp("engine")
    with engine_proxy.running(folder / "docker.sock", SOCKET.removeprefix("unix://")) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def shared_cluster(
    engine: Engine,  # noqa: F811
    proxy: EngineProxy,
    node_image: str,
    image: str,  # noqa: F811
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Cluster]:
    """One cluster for all tests of a module, behind the proxy."""
    folder = tmp_path_factory.mktemp("machines")
    environ = {"KUBERKLONE_DOCKER_SOCKET": proxy.address, "KUBERKLONE_NODE_IMAGE": node_image}
    with clusters.running(engine, folder, "--provider", "docker", environ=environ) as cluster:
        yield cluster
    left = [each["Names"] for role in ("node", "pod") for each in cluster.containers(role)]
    remove_all(engine, cluster.id)
    assert left == [], "`kuberklone down` removes everything"


@pytest.fixture
def cluster(shared_cluster: Cluster, proxy: EngineProxy) -> Iterator[Cluster]:
    """The cluster as it should be, before the test and after it."""
    shared_cluster.until_converged(said="before the test")
    yield shared_cluster
    proxy.mode = Mode.WELL
    for name in shared_cluster.pods():
        shared_cluster.http("DELETE", "/delete_pod", {"name": name})
    shared_cluster.until(lambda: not shared_cluster.pods(), "the test's pods are gone")
    shared_cluster.converge()
