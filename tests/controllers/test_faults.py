"""What each fault of a simulated node does to it and to its pods."""

import pytest

from tests.controllers.loops import Loops


def _with_pods(loops: Loops, *, pods: int = 4) -> None:
    """Two nodes, and pods spread over both."""
    loops.add_nodes(2, cpus=8)
    loops.add_pods(pods)
    assert len(loops.pods_on("node-1")) == len(loops.pods_on("node-2")) == pods // 2


@pytest.mark.parametrize("after_s", [5.0, 5.5])
def test_a_healed_partition_resumes_the_pods_that_are_still_its_own(loops: Loops, after_s: float) -> None:
    _with_pods(loops)
    own = loops.pods_on("node-1")
    loops.fail("node-1", "partition")
    loops.pass_s(after_s)
    assert not own & loops.running().keys(), "its grant has ended"
    loops.heal("node-1")
    loops.pass_s(1.5)
    assert loops.pods_on("node-1") == own
    assert {name: loops.running()[name] for name in own} == {name: ["node-1"] for name in own}
