"""A Docker Engine for tests: finds the one that runs, makes a tiny image without a registry, and leaves nothing behind.

    from tests.engine import cluster_id, engine, image  # noqa: F401 - fixtures

Without an engine such a test is skipped, and says so; `.ci/run` starts one and fails when any was skipped.
"""

import io
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from images.rootfs import Rootfs
from kuberklone.chance import Chance
from kuberklone.engine import connection, labels
from kuberklone.engine.connection import Engine
from kuberklone.errors import ContainerMissing, EngineError
from tests.waiting import until

SOCKET = "unix:///var/run/docker.sock"
IMAGE = "kuberklone-test:small"
# Two busy cores make an engine slow; only a hang takes longer.
TIMEOUT_S = 60
# What a test's containers may want to do. All of them are on any Linux machine.
_PROGRAMS = (
    "sh", "cat", "date", "dd", "env", "false", "head", "hostname", "id", "ls", "mkdir", "rm", "seq", "sleep", "sort",
    "tail", "touch", "tr", "true", "wc",
)  # fmt: skip


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    """The engine that runs on this machine; without one the test is skipped."""
    try:
        found = connection.connect(os.environ.get("DOCKER_HOST") or SOCKET, timeout_s=TIMEOUT_S)
    except EngineError as error:
        pytest.skip(f"needs a Docker Engine: {error}")
    yield found
    found.close()


@pytest.fixture(scope="session")
def image(engine: Engine) -> str:
    """An image of a shell and a few programs of this machine; made once, kept for the next run."""
    if not sys.platform.startswith("linux"):
        pytest.skip("needs Linux: the image for tests is made of this machine's own programs")
    # Two workers may do it at the same time; both end with the same name, and one image without any.
    if not engine.api.images(name=IMAGE):
        tar = io.BytesIO()
        rootfs = Rootfs(tar)
        rootfs.programs(Path(path) for path in map(shutil.which, _PROGRAMS) if path is not None)
        rootfs.text("/etc/passwd", "root:x:0:0:root:/:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n")
        # What a node's container runs is an agent in Python; this one says nothing for ever.
        rootfs.text("/usr/bin/python", "#!/bin/sh\nexec sleep 1000000\n")
        rootfs.directory("/tmp", mode=0o1777)
        rootfs.close()
        engine.api.import_image_from_data(
            tar.getvalue(), *IMAGE.split(":"), changes=["ENV PATH=/usr/bin:/bin", 'CMD ["sleep", "1000000"]']
        )
    return IMAGE


@pytest.fixture
def cluster_id(engine: Engine) -> Iterator[str]:
    """The id of a cluster of the test's own; whatever carries it is removed, and the test fails if something stays."""
    drawn = Chance().suffix(letters=8)
    yield drawn
    remove_all(engine, drawn)
    left = containers(engine, drawn), networks(engine, drawn), cgroups(drawn)
    assert left == ([], [], []), f"left behind: {left}"


def remove_all(engine: Engine, cluster: str) -> None:
    """Remove everything of a cluster from the engine, frozen or not."""

    def removed() -> bool:
        for found in containers(engine, cluster):
            # A frozen container can be removed by force; one that another hand is removing is a conflict for a moment.
            with suppress(EngineError), engine.asked("remove a test's container"):
                engine.api.remove_container(found["Id"], force=True, v=True)
        for network in networks(engine, cluster):
            with suppress(EngineError), engine.asked("remove a test's network"):
                engine.api.remove_network(network["Id"])
        return not containers(engine, cluster) and not networks(engine, cluster)

    until(removed, within_s=TIMEOUT_S, what=f"everything of {cluster} is removed")


def containers(engine: Engine, cluster: str) -> list[dict]:
    """All containers of a cluster, whatever their state."""
    # One that ends while the engine puts the list together makes it answer 404.
    with suppress(ContainerMissing), engine.asked("list containers"):
        return list(engine.api.containers(all=True, filters={"label": labels.query(cluster)}))
    return containers(engine, cluster)


def networks(engine: Engine, cluster: str) -> list[dict]:
    with engine.asked("list networks"):
        return list(engine.api.networks(filters={"label": labels.query(cluster)}))


def cgroups(cluster: str) -> list[str]:
    """Control groups that name the cluster; the kernel's own list of what still has a limit."""
    root = Path("/sys/fs/cgroup")
    return sorted(str(path) for path in root.glob(f"**/*{cluster}*") if path.is_dir())
