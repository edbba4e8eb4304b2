"""Which pods of silent Docker nodes are stopped, and which deletions are finished without their agent."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controllers.node.stops import DoomedPod, Plan, SilentNode, Stop, decide

NOW = 1_000_000
KILLED = SilentNode(uid="n", name="node-1", state="Gone", granted_until_ms=NOW + 5_000, running=frozenset({"a"}))
CUT_OFF = replace(KILLED, state="Running", granted_until_ms=NOW)
FROZEN = replace(CUT_OFF, state="Frozen")
MOVING = DoomedPod(uid="a", node_uid="n", on_node_failure="Reschedule")
STOP = Stop(node_uid="n", node_name="node-1", pods=frozenset({"a"}))
STOPPED = frozenset[str]()


@pytest.mark.parametrize(
    ("node", "pod", "expected"),
    [
        pytest.param(KILLED, MOVING, Plan(stops=(STOP,)), id="killed: what it left running is stopped at once"),
        pytest.param(
            replace(KILLED, running=STOPPED), MOVING, Plan(finishes=("a",)), id="killed, nothing runs: nobody is asked"
        ),
        pytest.param(
            replace(KILLED, running=STOPPED),
            replace(MOVING, on_node_failure="Delete"),
            Plan(finishes=("a",)),
            id="of a killed node every deletion can be finished",
        ),
        pytest.param(
            replace(KILLED, running=STOPPED), replace(MOVING, held=True), Plan(), id="not while a finalizer holds it"
        ),
        pytest.param(KILLED, replace(MOVING, held=True), Plan(stops=(STOP,)), id="held, but it shall not run"),
        pytest.param(
            replace(CUT_OFF, granted_until_ms=NOW + 1, running=STOPPED),
            MOVING,
            Plan(next_wake_ms=NOW + 1),
            id="cut off: until its grant ends its agent may start it again",
        ),
        pytest.param(replace(CUT_OFF, running=STOPPED), MOVING, Plan(finishes=("a",)), id="then its agent stopped it"),
        pytest.param(CUT_OFF, MOVING, Plan(stops=(STOP,)), id="or did not, and it is stopped here"),
        pytest.param(
            CUT_OFF,
            replace(MOVING, on_node_failure="Delete"),
            Plan(),
            id="an agent that lives goes on running what is not moved away",
        ),
        pytest.param(
            replace(FROZEN, granted_until_ms=NOW + 1), MOVING, Plan(next_wake_ms=NOW + 1), id="frozen: its grant holds"
        ),
        pytest.param(
            FROZEN, MOVING, Plan(stops=(replace(STOP, end_machine=True),)), id="a frozen agent stops nothing: it ends"
        ),
        pytest.param(
            replace(FROZEN, running=STOPPED),
            MOVING,
            Plan(stops=(replace(STOP, pods=STOPPED, end_machine=True),)),
            id="a frozen agent may start it when it thaws",
        ),
        pytest.param(KILLED, replace(MOVING, node_uid="m"), Plan(), id="of another node nothing is known"),
    ],
)
def test_what_a_silent_node_left_is_stopped_before_it_is_given_up(
    node: SilentNode, pod: DoomedPod, expected: Plan
) -> None:
    assert decide({"n": node}, [pod], now_ms=NOW) == expected


@given(
    nodes=st.lists(
        st.builds(
            SilentNode,
            uid=st.sampled_from("nm"),
            name=st.just("node"),
            state=st.sampled_from(["Running", "Frozen", "Gone"]),
            granted_until_ms=st.integers(NOW - 2, NOW + 2),
            running=st.frozensets(st.sampled_from("abcd")),
        )
    ),
    pods=st.lists(
        st.builds(
            DoomedPod,
            uid=st.sampled_from("abcd"),
            node_uid=st.sampled_from("nm"),
            held=st.booleans(),
            on_node_failure=st.sampled_from(["Delete", "Reschedule"]),
        ),
        unique_by=lambda pod: pod.uid,
    ),
)
def test_no_deletion_is_finished_while_the_pod_runs_or_could_be_started(
    nodes: list[SilentNode], pods: list[DoomedPod]
) -> None:
    by_uid = {node.uid: node for node in nodes}
    finished = set(decide(by_uid, pods, now_ms=NOW).finishes)

    for pod in (pod for pod in pods if pod.uid in finished):
        node = by_uid[pod.node_uid]
        assert pod.uid not in node.running
        assert node.state == "Gone" or (node.state == "Running" and node.granted_until_ms <= NOW)
