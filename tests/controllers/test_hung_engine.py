"""An engine that accepts every connection and never answers keeps nobody else waiting."""

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from controllers.node import docker_lists
from kuberklone.kinds.node import Node
from kuberklone.store.operations import CreateNodes
from tests.controllers.conftest import StartLoops
from tests.store import made
from tests.waiting import until


@pytest.fixture
def hung(tmp_path: Path) -> Iterator[tuple[str, socket.socket]]:
    """Its address, and the socket at which calls pile up."""
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "hung.sock"))
        # The system accepts so many by itself.
        listening.listen(100)
        yield f"unix://{tmp_path}/hung.sock", listening


def test_simulated_nodes_do_not_notice_an_engine_that_hangs(
    start_loops: StartLoops, hung: tuple[str, socket.socket]
) -> None:
    address, listening = hung
    loops = start_loops(docker_socket=address, tls_host="127.0.0.1")
    loops.apply(CreateNodes(nodes=(Node(uid=made.uid(), name="docker-1", provider="docker"),)))
    loops.settle()
    # The call that will not be answered has come.
    listening.settimeout(30)
    held, _ = listening.accept()
    with held:
        began = time.monotonic()
        loops.add_nodes(2)
        loops.pass_s(2)
        assert time.monotonic() - began < docker_lists._TIMEOUT_S, "no pass waited for the engine"
        assert loops.ready() == {"node-1", "node-2"}
        assert loops.node("docker-1").boot_id is None, "what is not known is left alone"

        def named() -> bool:
            loops.pass_s(1)
            return any(address in error for error in loops.errors)

        until(named, within_s=30, what="the engine that does not answer is named")
