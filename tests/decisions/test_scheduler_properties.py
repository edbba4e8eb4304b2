"""What holds for every plan of the scheduler, over generated clusters."""

from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from controllers.scheduler.cluster import ClusterTable
from controllers.scheduler.contest import Contest
from controllers.scheduler.decide import decide, in_turn
from kuberklone.kinds.taints import tolerates
from tests.decisions.scheduler_clusters import Situation, Use, first_refusals, one_by_one, situations, table


@given(situations())
def test_the_plan_is_what_placing_pods_one_by_one_gives(situation: Situation) -> None:
    expected = one_by_one(situation)
    placed = {entry.pod.uid: (entry.node_name, list(entry.best)) for entry in situation.decide().placements}
    assert [(uid, *placed.get(uid, (None, []))) for uid, _, _ in expected] == expected


@given(situations())
def test_every_pod_gets_one_outcome(situation: Situation) -> None:
    plan = situation.decide()
    outcomes = [*(entry.pod.uid for entry in plan.placements), *(entry.pod.uid for entry in plan.unplaced)]
    assert sorted(outcomes) == sorted(pod.uid for pod in situation.pods)


@given(situations())
def test_outcomes_come_by_priority_then_age_then_uid(situation: Situation) -> None:
    plan = situation.decide()
    for pods in ([entry.pod for entry in plan.placements], [entry.pod for entry in plan.unplaced]):
        turns = [(-pod.priority, pod.created_ms, pod.uid) for pod in pods]
        assert turns == sorted(turns)


@given(situations())
def test_never_over_capacity(situation: Situation) -> None:
    plan = situation.decide()
    before = situation.use
    for name, after in situation.use_after(plan).items():
        facts, was = situation.named[name], before.get(name, Use())
        # A node may have been over its capacity already; nothing that it lacks is given out on top.
        assert after.cpu_millis <= max(facts.cpu_millis, was.cpu_millis)
        assert after.memory_bytes <= max(facts.memory_bytes, was.memory_bytes)
        assert after.pods <= max(facts.pods_max, was.pods)


@given(situations())
def test_never_binds_a_pod_to_a_node_with_an_untolerated_taint(situation: Situation) -> None:
    for placement in situation.decide().placements:
        tolerations = situation.shapes[placement.pod.shape].tolerations
        for taint in situation.named[placement.node_name].taints:
            assert taint.effect == "PreferNoSchedule" or any(tolerates(each, taint) for each in tolerations)


@given(situations())
def test_never_binds_a_pod_to_a_node_that_lacks_a_label_it_selects(situation: Situation) -> None:
    for placement in situation.decide().placements:
        selector = situation.shapes[placement.pod.shape].node_selector
        assert selector.items() <= situation.named[placement.node_name].labels.items()


@given(situations())
def test_never_binds_a_pod_to_a_node_that_is_unusable(situation: Situation) -> None:
    for placement in situation.decide().placements:
        assert situation.named[placement.node_name].unusable is None


@given(situations())
def test_a_pod_left_over_fits_on_no_node_at_the_end_and_its_reasons_say_why(situation: Situation) -> None:
    plan = situation.decide()
    use = situation.use_after(plan)
    for entry in plan.unplaced:
        inputs = situation.shapes[entry.pod.shape]
        refusals = [first_refusals(inputs, facts, use[facts.name]) for facts in situation.nodes]
        assert all(refusals)
        assert entry.reasons == Counter(reason for reasons in refusals for reason in reasons)


@given(situations())
def test_a_pod_left_over_leaves_the_others_where_they_would_be_without_it(situation: Situation) -> None:
    plan = situation.decide()
    left_over = {entry.pod.uid for entry in plan.unplaced}
    placed = [pod for pod in situation.pods if pod.uid not in left_over]
    again = decide(cluster=situation.table(), pods=placed, shapes=situation.shapes, seed=situation.seed)
    assert again.placements == plan.placements


@given(situations())
def test_pods_that_come_later_do_not_change_what_those_before_them_get(situation: Situation) -> None:
    queue = in_turn(situation.pods)
    first = queue[: len(queue) // 2]
    alone = decide(cluster=situation.table(), pods=first, shapes=situation.shapes, seed=situation.seed)
    assert situation.decide().placements[: len(alone.placements)] == alone.placements


@given(situations())
def test_the_chosen_node_leads_the_best_ones_and_scores_never_rise_along_them(situation: Situation) -> None:
    for placement in situation.decide().placements:
        scores = [score for _, score in placement.best]
        assert placement.best[0][0] == placement.node_name
        assert scores == sorted(scores, reverse=True)
        assert len({name for name, _ in placement.best}) == len(placement.best) <= 3


@given(situations())
def test_deciding_leaves_its_input_unchanged(situation: Situation) -> None:
    cluster = situation.table()
    before = cluster.columns(seed=0)
    pods = list(situation.pods)
    first = decide(cluster=cluster, pods=pods, shapes=situation.shapes, seed=situation.seed)
    after = cluster.columns(seed=0)
    assert pods == situation.pods
    assert after.facts == before.facts
    assert np.array_equal(after.used, before.used)
    assert np.array_equal(after.allocatable, before.allocatable)
    assert decide(cluster=cluster, pods=pods, shapes=situation.shapes, seed=situation.seed) == first


@given(situations(), st.randoms(use_true_random=False))
def test_the_order_in_which_nodes_and_pods_came_does_not_matter(situation: Situation, chance: object) -> None:
    nodes, pods = list(situation.nodes), list(situation.pods)
    chance.shuffle(nodes)  # type: ignore[attr-defined]  # hypothesis hands out a random.Random, which we ban by name
    chance.shuffle(pods)  # type: ignore[attr-defined]
    shuffled = decide(cluster=table(nodes, situation.use), pods=pods, shapes=situation.shapes, seed=situation.seed)
    assert shuffled == situation.decide()


@given(situations(), situations())
def test_a_table_that_was_changed_node_by_node_decides_like_one_made_afresh(old: Situation, new: Situation) -> None:
    cluster = old.table()
    for name in old.named.keys() - new.named.keys():
        cluster.remove_node(name)
    for facts in new.nodes:
        cluster.set_node(facts)
        used = new.use.get(facts.name, Use())
        cluster.set_use(facts.name, cpu_millis=used.cpu_millis, memory_bytes=used.memory_bytes, pods=used.pods)
    assert decide(cluster=cluster, pods=new.pods, shapes=new.shapes, seed=new.seed) == new.decide()


@given(situations())
def test_forgetting_rows_for_lack_of_memory_changes_nothing(situation: Situation) -> None:
    def places(cells_max: int) -> list[list[tuple[int, int]]]:
        contest = Contest(situation.table().columns(seed=situation.seed), cells_max=cells_max)
        return [contest.place(pod.shape, situation.shapes[pod.shape]) for pod in in_turn(situation.pods)]

    assert places(0) == places(10_000)


@given(situations())
def test_no_pod_goes_to_a_cluster_without_nodes(situation: Situation) -> None:
    plan = decide(cluster=ClusterTable(), pods=situation.pods, shapes=situation.shapes, seed=situation.seed)
    assert not plan.placements
    assert [entry.reasons for entry in plan.unplaced] == [{}] * len(situation.pods)
