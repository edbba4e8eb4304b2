"""Which deletions are finished without a node's agent, and what is old."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controllers.garbage.decide import CutOffs, Finish, NodeFacts, Plan, PodFacts, Retention, cut_offs, decide

NOW = 1_000_000
SILENT = NodeFacts(name="node-1", ready="Unknown", granted_until_ms=NOW - 1)
READY = replace(SILENT, ready="True", granted_until_ms=NOW + 40_000)
MOVABLE = PodFacts(uid="pod-1", node_name="node-1", on_node_failure="Reschedule")
PLAIN = replace(MOVABLE, on_node_failure="Delete")


def run(pod: PodFacts, node: NodeFacts | None) -> Plan:
    return decide([pod], nodes={} if node is None else {node.name: node}, now_ms=NOW)


@pytest.mark.parametrize(
    ("pod", "node", "expected"),
    [
        pytest.param(replace(PLAIN, node_name=None), None, "NeverBound", id="never bound"),
        pytest.param(PLAIN, None, "NodeGone", id="its node is gone"),
        pytest.param(MOVABLE, READY, None, id="its node is Ready: for the agent to do"),
        pytest.param(PLAIN, READY, None, id="its node is Ready, whatever the pod"),
        pytest.param(MOVABLE, SILENT, "GrantEnded", id="silent, and the grant is over: the agent has stopped it"),
        pytest.param(MOVABLE, replace(SILENT, granted_until_ms=NOW), "GrantEnded", id="over this very moment"),
        pytest.param(MOVABLE, replace(SILENT, granted_until_ms=NOW + 1), None, id="silent, and the grant is not over"),
        pytest.param(
            MOVABLE, replace(SILENT, granted_until_ms=None), "GrantEnded", id="never heard: nothing was granted"
        ),
        pytest.param(
            MOVABLE, replace(SILENT, provider="docker"), None, id="of a Docker node only its engine knows what runs"
        ),
        pytest.param(
            MOVABLE,
            replace(SILENT, provider="docker", deleting=True, machine="Absent"),
            "NodeGone",
            id="a Docker node whose machine was removed took all with it",
        ),
        pytest.param(PLAIN, SILENT, None, id="a pod that runs on without a grant waits, as in Kubernetes"),
        pytest.param(replace(PLAIN, finished=True), SILENT, "Finished", id="nothing of a finished pod runs on"),
        pytest.param(PLAIN, replace(SILENT, deleting=True), None, id="node being deleted: its machine goes first"),
        pytest.param(PLAIN, replace(SILENT, deleting=True, machine="Absent"), "NodeGone", id="then nothing runs there"),
        pytest.param(
            PLAIN,
            replace(SILENT, deleting=True, machine="Absent", provider="external"),
            "GrantEnded",
            id="an external node being deleted is said to be gone",
        ),
        pytest.param(PLAIN, replace(SILENT, machine="Absent", provider="external"), None, id="one that is not may run"),
        pytest.param(replace(MOVABLE, held=True), SILENT, None, id="a finalizer holds it"),
        pytest.param(replace(MOVABLE, deleting=False), SILENT, None, id="nobody deleted it"),
    ],
)
def test_a_deletion_is_finished_where_nothing_can_run(
    pod: PodFacts, node: NodeFacts | None, expected: str | None
) -> None:
    finishes = run(pod, node).finishes

    assert finishes == (() if expected is None else (Finish(pod_uid="pod-1", reason=expected),))  # type: ignore[arg-type]


def test_it_wakes_up_when_the_next_grant_ends() -> None:
    pods = [MOVABLE, replace(MOVABLE, uid="pod-2", node_name="node-2")]
    nodes = {
        "node-1": replace(SILENT, granted_until_ms=NOW + 9_000),
        "node-2": replace(SILENT, name="node-2", granted_until_ms=NOW + 3_000),
    }

    assert decide(pods, nodes=nodes, now_ms=NOW).next_wake_ms == NOW + 3_000


@pytest.mark.parametrize(
    ("pod", "node", "expected"),
    [
        pytest.param(replace(PLAIN, deleting=False), None, ("pod-1",), id="bound to a node that does not exist"),
        pytest.param(replace(PLAIN, deleting=False, finished=True), None, (), id="finished there: kept for reading"),
        pytest.param(replace(PLAIN, deleting=False, node_name=None), None, (), id="pending"),
        pytest.param(replace(PLAIN, deleting=False), READY, (), id="its node exists"),
        pytest.param(PLAIN, None, (), id="already being deleted"),
    ],
)
def test_pods_of_nodes_that_do_not_exist_are_orphans(
    pod: PodFacts, node: NodeFacts | None, expected: tuple[str, ...]
) -> None:
    assert run(pod, node).orphans == expected


@given(
    plain=st.builds(PodFacts, uid=st.just("pod-1"), node_name=st.just("node-1"), held=st.booleans()),
    node=st.builds(
        NodeFacts,
        name=st.just("node-1"),
        machine=st.sampled_from(["Running", "Restarting", "Failed"]),
        deleting=st.booleans(),
        ready=st.sampled_from(["True", "Unknown", "False"]),
        granted_until_ms=st.none() | st.integers(0, 2 * NOW),
    ),
)
def test_never_finishes_what_may_still_run(plain: PodFacts, node: NodeFacts) -> None:
    assert run(plain, node).finishes == ()


RETENTION = Retention(
    changes_ms=3_600_000,
    history_ms=604_800_000,
    history_rows_max=1_000,
    decisions_ms=86_400_000,
    placements_ms=2_592_000_000,
    events_ms=86_400_000,
    finished_pods_max=10,
)


def test_cut_offs_lie_one_retention_back() -> None:
    later = 10**10

    assert cut_offs(RETENTION, history_rows=1_200, finished_pods=13, now_ms=later) == CutOffs(
        watch_from_ms=later - 3_600_000,
        history_from_ms=later - 604_800_000,
        decisions_from_ms=later - 86_400_000,
        placements_from_ms=later - 2_592_000_000,
        events_from_ms=later - 86_400_000,
        history_rows_excess=200,
        finished_pods_excess=3,
    )


def test_a_young_cluster_forgets_nothing() -> None:
    young = cut_offs(RETENTION, history_rows=5, finished_pods=3, now_ms=NOW)

    assert young == CutOffs(
        watch_from_ms=0,
        history_from_ms=0,
        decisions_from_ms=0,
        placements_from_ms=0,
        events_from_ms=0,
        history_rows_excess=0,
        finished_pods_excess=0,
    )
