"""The scheduler's table of nodes: what it keeps of a record, and how it is brought up to date."""

import pytest

from controllers.scheduler.facts import NodeFacts, Unusable, facts_of
from kuberklone.kinds import taints
from kuberklone.kinds.node import Node
from kuberklone.kinds.taints import Taint
from tests.decisions.scheduler_clusters import Use, node, table


def record(**changes: object) -> Node:
    return Node(**{"uid": "u", "name": "a", "ready": "True", "machine": "Running", **changes})  # type: ignore[arg-type]


def test_facts_of_a_healthy_node() -> None:
    healthy = record(
        revision=5,
        cpu_millis=2_000,
        memory_bytes=10,
        pods_max=3,
        labels='{"zone":"a"}',
        taints='[{"key":"k","effect":"NoSchedule"}]',
    )
    assert facts_of(healthy) == NodeFacts(
        name="a",
        revision=5,
        cpu_millis=2_000,
        memory_bytes=10,
        pods_max=3,
        labels={"zone": "a"},
        taints=(Taint(key="k", effect="NoSchedule"),),
    )


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({}, None, id="healthy"),
        pytest.param({"ready": "Unknown"}, None, id="silent: a taint says so"),
        pytest.param({"machine": "Absent"}, None, id="no machine yet: never heard of, so tainted"),
        pytest.param({"machine": "Restarting"}, Unusable.RESTARTING, id="restarting"),
        pytest.param({"machine": "Failed"}, Unusable.FAILED, id="failed"),
        pytest.param({"machine": "Failed", "deleting_ms": 1}, Unusable.DELETING, id="leaving, whatever else"),
    ],
)
def test_which_nodes_cannot_be_used(changes: dict[str, object], expected: Unusable | None) -> None:
    assert facts_of(record(**changes)).unusable == expected


def test_health_and_cordon_come_as_taints() -> None:
    facts = facts_of(record(ready="False", ready_reason="KubeletNotReady", unschedulable=True))
    assert facts.unschedulable
    assert [taint.key for taint in facts.taints] == [taints.UNSCHEDULABLE, taints.NOT_READY, taints.NOT_READY]


def test_nodes_come_and_go() -> None:
    cluster = table([node("a"), node("b")])
    cluster.remove_node("a")
    assert len(cluster) == 1
    assert "a" not in cluster
    assert "b" in cluster
    cluster.set_node(node("c"))
    assert {facts.name for facts in cluster.columns(seed=0).facts} == {"b", "c"}


def test_changed_facts_keep_what_is_used() -> None:
    cluster = table([node("a")], {"a": Use(cpu_millis=1, memory_bytes=2, pods=3)})
    cluster.set_node(node("a", cpu_millis=9))
    columns = cluster.columns(seed=0)
    assert columns.used.tolist() == [[1], [2], [3]]
    assert columns.allocatable[0].tolist() == [9]


def test_nothing_is_used_of_a_node_that_left_and_came_back() -> None:
    cluster = table([node("a")], {"a": Use(cpu_millis=1, memory_bytes=2, pods=3)})
    cluster.remove_node("a")
    cluster.set_node(node("a"))
    assert cluster.columns(seed=0).used.tolist() == [[0], [0], [0]]


def test_the_table_grows() -> None:
    nodes = [node(f"node-{number}", cpu_millis=number) for number in range(1_000)]
    columns = table(nodes, {"node-999": Use(pods=5)}).columns(seed=0)
    assert {facts.name: cpu for facts, cpu in zip(columns.facts, columns.allocatable[0].tolist(), strict=True)} == {
        facts.name: facts.cpu_millis for facts in nodes
    }
    assert columns.used[2].sum() == 5


def test_labels_and_taints_that_no_node_has_any_more_are_forgotten() -> None:
    cluster = table([node("a", labels={"zone": "x"}, taints=[Taint(key="k", effect="NoExecute")])])
    cluster.set_node(node("a", labels={"zone": "y"}))
    columns = cluster.columns(seed=0)
    assert columns.tainted == []
    assert columns.labelled("zone", "x").tolist() == [False]
    assert columns.labelled("zone", "y").tolist() == [True]


def test_an_unknown_node_cannot_be_removed() -> None:
    with pytest.raises(KeyError):
        table([node("a")]).remove_node("b")


def test_nothing_can_be_used_of_an_unknown_node() -> None:
    with pytest.raises(KeyError):
        table([node("a")]).set_use("b", cpu_millis=0, memory_bytes=0, pods=0)
