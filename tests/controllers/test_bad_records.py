"""One record that nobody can read: the others are served all the same, and it is counted where people look."""

import pytest

from tests.controllers.loops import Loops


def _errors(loops: Loops) -> str:
    return "\n".join(loops.errors)


def test_a_pod_whose_spec_is_broken_waits_and_the_others_are_placed(loops: Loops) -> None:
    loops.add_pod("broken", labels={"a": "b"}, cpus=0.125)
    loops.damage("UPDATE pods SET spec = '{\"containers\":' WHERE name = 'broken'")
    loops.start_anew("scheduler")
    loops.add_nodes(1)
    loops.add_pods(2)
    assert set(loops.running()) == {"pod-1", "pod-2"}
    assert "pod default/broken" in _errors(loops)


def test_a_pod_whose_spec_is_broken_stays_and_the_others_move(loops: Loops) -> None:
    loops.add_nodes(2)
    loops.add_pods(3)
    loops.add_pod("broken", cpus=0.125)
    at = loops.pod("broken").node_name
    assert at is not None
    loops.damage("UPDATE pods SET spec = '{\"tolerations\": 7}' WHERE name = 'broken'")
    loops.start_anew("rescheduler")
    others = loops.pods_on(at) - {"broken"}
    assert others
    loops.fail(at, "freeze")
    loops.pass_s(12)
    assert not others & loops.pods_on(at)
    assert "pod default/broken" in _errors(loops)


@pytest.mark.parametrize("column", ["phase", "on_node_failure"])
def test_a_pod_with_a_word_that_nobody_writes_leaves_the_others_alone(loops: Loops, column: str) -> None:
    loops.add_nodes(1)
    loops.add_pods(2)
    loops.damage(f"UPDATE pods SET {column} = 'Nonsense' WHERE name = 'pod-1'")
    loops.restart_node("node-1")
    loops.delete_pod("pod-1")
    loops.delete_pod("pod-2")
    loops.add_pod("next")
    loops.pass_s(2)
    assert loops.running().get("next") == ["node-1"]
    assert loops.pod_or_none("pod-2") is None
    assert "pod default/pod-1" in _errors(loops)


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param("taints = '[{'", id="taints that are no JSON"),
        pytest.param("labels = '[1]'", id="labels that are no object"),
        pytest.param("machine = 'Nonsense'", id="a machine in no known state"),
        pytest.param("ready = 'Nonsense'", id="a readiness that nobody writes"),
    ],
)
def test_a_node_that_cannot_be_read_leaves_the_others_alone(loops: Loops, damage: str) -> None:
    loops.add_nodes(3)
    loops.add_pods(3)
    loops.damage(f"UPDATE nodes SET {damage}, restarts_wanted = 1 WHERE name = 'node-1'")
    loops.kill_all()
    loops.start_all()
    loops.fail("node-2", "crash")
    loops.add_pod("next")
    loops.pass_s(35)
    assert loops.pod("next").node_name in ("node-2", "node-3")
    assert loops.node("node-2").restarts == 1
    assert loops.node("node-2").ready == "True"
    assert "node node-1" in _errors(loops)
