"""Which of several nodes a pod goes to, and in which order pods have their turn."""

from collections import Counter

import pytest

from controllers.scheduler.decide import decide
from kuberklone.kinds.pod import SchedulingInputs
from kuberklone.kinds.taints import Taint, Toleration
from tests.decisions.scheduler_clusters import GIB, Use, node, place_one, pod, shape, table

RATHER_NOT = Taint(key="old", effect="PreferNoSchedule")


def test_a_score_is_the_share_of_the_node_that_stays_free_in_thousandths() -> None:
    plan = place_one(shape(cpu_millis=1_000, memory_bytes=2 * GIB), [node("a", pods_max=10)])
    # A quarter of cpu (45 %), a quarter of memory (45 %) and a tenth of the pods (10 %) are gone.
    assert plan.placements[0].best == (("a", 765),)


@pytest.mark.parametrize(
    ("busy", "inputs"),
    [
        pytest.param(Use(cpu_millis=100), shape(cpu_millis=100), id="cpu"),
        pytest.param(Use(memory_bytes=1), shape(memory_bytes=1), id="a single byte"),
        pytest.param(Use(pods=1), shape(), id="pods that request nothing"),
    ],
)
@pytest.mark.parametrize("seed", [1, 2])
def test_the_emptier_node_wins_whatever_the_seed(busy: Use, inputs: SchedulingInputs, seed: int) -> None:
    cluster = table([node("busy"), node("empty")], {"busy": busy})
    plan = decide(cluster=cluster, pods=[pod("a", shape="it")], shapes={"it": inputs}, seed=seed)
    assert plan.placements[0].node_name == "empty"


def test_the_larger_of_two_empty_nodes_wins() -> None:
    plan = place_one(shape(cpu_millis=1_000), [node("small"), node("large", cpu_millis=16_000)])
    assert plan.placements[0].node_name == "large"


@pytest.mark.parametrize(
    "inputs",
    [pytest.param(shape(), id="nothing"), pytest.param(shape(cpu_millis=100, memory_bytes=GIB // 8), id="some")],
)
def test_equal_pods_spread_evenly_over_equal_nodes(inputs: SchedulingInputs) -> None:
    cluster = table(node(f"node-{number}") for number in range(10))
    pods = [pod(f"{number:03}", shape="it") for number in range(50)]
    plan = decide(cluster=cluster, pods=pods, shapes={"it": inputs}, seed=3)
    assert set(Counter(placement.node_name for placement in plan.placements).values()) == {5}


def test_among_equal_nodes_the_seed_decides() -> None:
    cluster = table(node(f"node-{number}") for number in range(10))
    chosen = {
        decide(cluster=cluster, pods=[pod("a")], shapes={"plain": shape()}, seed=seed).placements[0].node_name
        for seed in range(50)
    }
    assert len(chosen) > 5


def test_a_node_with_a_mild_taint_comes_last_even_if_it_is_the_emptiest() -> None:
    nodes = [node("tainted", taints=[RATHER_NOT]), node("nearly-full")]
    plan = place_one(
        shape(cpu_millis=500), nodes, {"nearly-full": Use(cpu_millis=3_500, memory_bytes=8 * GIB, pods=100)}
    )
    assert [name for name, _ in plan.placements[0].best] == ["nearly-full", "tainted"]


def test_a_node_with_a_mild_taint_is_taken_when_it_is_the_only_one() -> None:
    plan = place_one(shape(), [node("tainted", taints=[RATHER_NOT])])
    name, score = plan.placements[0].best[0]
    assert (name, score) == ("tainted", -1)  # 999 for a node with one pod, less the whole scale


def test_of_two_nodes_with_mild_taints_the_one_with_fewer_wins() -> None:
    twice = [RATHER_NOT, Taint(key="older", effect="PreferNoSchedule")]
    plan = place_one(shape(), [node("two", taints=twice), node("one", taints=[RATHER_NOT])])
    assert plan.placements[0].node_name == "one"


def test_a_mild_taint_that_is_tolerated_costs_nothing() -> None:
    inputs = shape(tolerations=[Toleration(key="old", operator="Exists")])
    plan = place_one(inputs, [node("tainted", taints=[RATHER_NOT]), node("busy")], {"busy": Use(pods=1)})
    assert plan.placements[0].node_name == "tainted"


def test_any_number_of_mild_taints_leaves_a_node_usable() -> None:
    taints = [Taint(key=f"old-{number}", effect="PreferNoSchedule") for number in range(1_000)]
    assert len(place_one(shape(), [node("a", taints=taints)]).placements) == 1


def test_a_pod_of_higher_priority_gets_the_last_place() -> None:
    pods = [pod("old", created_ms=1), pod("important", created_ms=2, priority=10)]
    plan = decide(cluster=table([node("a", pods_max=1)]), pods=pods, shapes={"plain": shape()}, seed=1)
    assert [placement.pod.uid for placement in plan.placements] == ["important"]
    assert [unplaced.pod.uid for unplaced in plan.unplaced] == ["old"]


def test_among_equal_priorities_the_older_pod_gets_the_last_place() -> None:
    pods = [pod("a", created_ms=2), pod("b", created_ms=1)]
    plan = decide(cluster=table([node("a", pods_max=1)]), pods=pods, shapes={"plain": shape()}, seed=1)
    assert [placement.pod.uid for placement in plan.placements] == ["b"]


def test_a_large_pod_that_fits_nowhere_does_not_hold_up_a_small_one() -> None:
    pods = [pod("large", shape="large", priority=10), pod("small", shape="small")]
    shapes = {"large": shape(cpu_millis=64_000), "small": shape(cpu_millis=100)}
    plan = decide(cluster=table([node("a")]), pods=pods, shapes=shapes, seed=1)
    assert [placement.pod.uid for placement in plan.placements] == ["small"]


def test_a_placement_names_the_revision_of_the_node_it_was_decided_on() -> None:
    assert place_one(shape(), [node("a")]).placements[0].node_revision == 7


def test_of_many_nodes_the_best_three_are_named() -> None:
    names = "abcde"
    use = {name: Use(pods=number) for number, name in enumerate(names)}
    best = place_one(shape(), [node(name) for name in names], use).placements[0].best
    assert [name for name, _ in best] == ["a", "b", "c"]
