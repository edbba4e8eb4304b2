"""How many pods a set keeps, which ones it gives up, and what it says of them."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controllers.replicaset import ranking
from controllers.replicaset.decide import (
    BURST_MAX,
    Claim,
    Creation,
    Deletion,
    Failure,
    Plan,
    SetFacts,
    Status,
    View,
    decide,
)
from controllers.replicaset.facts import PodFacts
from kuberklone.apimachinery.selectors import label_selector

NOW = 1_000_000
LABELS = {"app": "web"}
SET = SetFacts(
    uid="set",
    namespace="default",
    name="web",
    replicas=3,
    selector=label_selector({"matchLabels": LABELS}),
    template_labels=LABELS,
    status=Status(),
)
POD = PodFacts(uid="pod", name="web-a", labels=LABELS, controller_uid="set", created_ms=NOW - 5_000)
RUNNING = replace(POD, node_name="node-1", phase="Running", ready_since_ms=NOW - 1_000)


def pods(count: int, model: PodFacts = POD, **changes: Any) -> list[PodFacts]:
    return [replace(model, uid=f"{model.uid}-{number:04}", **changes) for number in range(count)]


def run(found: Sequence[PodFacts] = (), *sets: SetFacts, orphans: Sequence[PodFacts] = ()) -> Plan:
    controlled: dict[str, list[PodFacts]] = {}
    for pod in found:
        controlled.setdefault(pod.controller_uid or "", []).append(pod)
    siblings: dict[str, list[str]] = {}
    for each in sets or (SET,):
        siblings.setdefault(each.owner_uid or each.uid, []).append(each.uid)
    view = View(controlled=controlled, orphans={"default": orphans}, siblings=siblings)
    return decide(sets or (SET,), view=view, now_ms=NOW)


# ---------------------------------------------------------------------------------------------------------- how many


@pytest.mark.parametrize(
    ("found", "missing"),
    [
        pytest.param([], 3, id="none are there"),
        pytest.param(pods(2), 1, id="one is missing"),
        pytest.param(pods(3), 0, id="all are there, though nowhere yet"),
        pytest.param([*pods(2), replace(RUNNING, deleting=True)], 1, id="one on its way out counts no more"),
        pytest.param([*pods(2), replace(RUNNING, phase="Failed", ready_since_ms=None)], 1, id="nor one that failed"),
        pytest.param([*pods(2), replace(RUNNING, phase="Succeeded")], 1, id="nor one that ended well"),
    ],
)
def test_what_is_missing_is_created(found: list[PodFacts], missing: int) -> None:
    assert run(found).creations == ((Creation("set", missing),) if missing else ())


def test_a_pass_creates_no_more_than_others_can_wait_for() -> None:
    assert run([], replace(SET, replicas=10_000)).creations == (Creation("set", BURST_MAX),)


def test_what_is_too_many_is_deleted() -> None:
    (deletion,) = run(pods(5)).deletions
    assert len(deletion.pod_uids) == 2


def test_a_set_without_replicas_deletes_all() -> None:
    found = pods(3)
    assert run(found, replace(SET, replicas=0)).deletions == (Deletion("set", tuple(pod.uid for pod in found)),)


def test_a_set_being_deleted_leaves_its_pods_alone() -> None:
    plan = run(pods(5), replace(SET, deleting=True))
    assert (plan.creations, plan.deletions, plan.releases) == ((), (), ())


def test_a_template_that_makes_no_pod_is_told_and_not_tried() -> None:
    failure = Failure(reason="FailedCreate", message="no containers")
    plan = run([], replace(SET, failure=failure))
    assert plan.creations == ()
    assert plan.statuses["set"].failure == failure


# ------------------------------------------------------------------------------------------------------------ claims


def test_a_pod_without_owner_whose_labels_fit_is_adopted() -> None:
    plan = run(pods(3), orphans=[replace(POD, uid="orphan", controller_uid=None)])
    assert plan.adoptions == (Claim("orphan", "set"),)


def test_nothing_else_is_done_in_the_pass_of_a_claim() -> None:
    plan = run([], orphans=[replace(POD, uid="orphan", controller_uid=None)])
    assert (plan.creations, plan.deletions, dict(plan.statuses)) == ((), (), {})


@pytest.mark.parametrize(
    "orphan",
    [
        pytest.param(replace(POD, labels={"app": "other"}), id="its labels do not fit"),
        pytest.param(replace(POD, deleting=True), id="it is being deleted"),
        pytest.param(replace(POD, phase="Failed"), id="it has finished"),
    ],
)
def test_a_pod_is_not_adopted_when(orphan: PodFacts) -> None:
    assert run(pods(3), orphans=[replace(orphan, controller_uid=None)]).adoptions == ()


def test_a_pod_that_fits_two_sets_is_adopted_by_one() -> None:
    other = replace(SET, uid="other", name="other")
    plan = run([], SET, other, orphans=[replace(POD, uid="orphan", controller_uid=None)])
    assert plan.adoptions == (Claim("orphan", "set"),)


def test_a_pod_whose_labels_fit_no_more_is_released_and_replaced() -> None:
    stray = replace(POD, uid="stray", labels={"app": "debug"})
    assert run([*pods(2), stray]).releases == (Claim("stray", "set"),)
    assert run(pods(2)).creations == (Creation("set", 1),), "in the next pass, when it is gone"


# ------------------------------------------------------------------------------------------------- which ones must go

_GOES_FIRST = [
    pytest.param(POD, replace(POD, node_name="node-1"), id="one that has no node yet"),
    pytest.param(replace(POD, node_name="node-1"), RUNNING, id="one that does not run yet"),
    pytest.param(replace(RUNNING, ready_since_ms=None), RUNNING, id="one that is not ready"),
    pytest.param(replace(RUNNING, deletion_cost=-1), RUNNING, id="one that is said to be cheap"),
    pytest.param(RUNNING, replace(RUNNING, ready_since_ms=1), id="one that has been ready for a short time"),
    pytest.param(replace(RUNNING, restarts=3), RUNNING, id="one that was restarted"),
    pytest.param(RUNNING, replace(RUNNING, created_ms=1), id="a young one"),
]


@pytest.mark.parametrize(("first", "last"), _GOES_FIRST)
def test_the_least_loss_goes_first(first: PodFacts, last: PodFacts) -> None:
    first, last = replace(first, uid="z-first"), replace(last, uid="a-last")
    assert run([last, first], replace(SET, replicas=1)).deletions == (Deletion("set", ("z-first",)),)


def test_one_of_several_on_a_node_goes_before_one_that_is_alone() -> None:
    alone, crowded = replace(RUNNING, uid="a", node_name="node-2"), pods(2, RUNNING)
    (deletion,) = run([alone, *crowded], replace(SET, replicas=2)).deletions
    assert deletion.pod_uids[0] in {pod.uid for pod in crowded}


def test_pods_of_the_other_sets_of_a_deployment_count_as_neighbours() -> None:
    old = replace(SET, uid="old", owner_uid="deployment", replicas=1)
    new = replace(SET, uid="new", owner_uid="deployment", replicas=1, selector=label_selector(None))
    beside = replace(RUNNING, uid="z", controller_uid="old")
    alone = replace(RUNNING, uid="a", controller_uid="old", node_name="node-2")
    neighbour = replace(RUNNING, uid="n", controller_uid="new")
    plan = run([beside, alone, neighbour], old, replace(new, selector=SET.selector))
    assert plan.deletions == (Deletion("old", ("z",)),)


@given(st.lists(st.integers(0, 2**40), min_size=2, max_size=2), st.integers(0, 2**40))
def test_age_classes_never_turn_the_order_of_ages_round(moments: list[int], now_ms: int) -> None:
    younger, older = (replace(RUNNING, created_ms=moment) for moment in sorted(moments, reverse=True))
    assert ranking.key(younger, 0, now_ms=now_ms)[:-1] <= ranking.key(older, 0, now_ms=now_ms)[:-1]


# ------------------------------------------------------------------------------------------------------------ status


def test_the_status_counts_what_stays() -> None:
    found = [
        *pods(2, RUNNING),
        replace(POD, uid="waits"),
        replace(RUNNING, uid="goes", deleting=True),
        replace(RUNNING, uid="gone", phase="Failed", deleting=True),
    ]
    assert run(found, replace(SET, generation=7)).statuses["set"] == Status(
        replicas=3, fully_labeled=3, ready=2, available=2, terminating=1, observed_generation=7
    )


def test_pods_deleted_in_this_pass_are_told_as_terminating_and_no_more_as_replicas() -> None:
    status = run(pods(4, RUNNING), replace(SET, replicas=1)).statuses["set"]
    assert (status.replicas, status.available, status.terminating) == (1, 1, 3)


def test_a_status_that_is_true_is_not_written_again() -> None:
    first = run(pods(3, RUNNING)).statuses["set"]
    assert dict(run(pods(3, RUNNING), replace(SET, status=first)).statuses) == {}


def test_a_pod_is_available_once_it_was_ready_for_long_enough_and_is_looked_at_then() -> None:
    patient = replace(SET, min_ready_ms=10_000)
    plan = run(pods(3, RUNNING), patient)
    assert (plan.statuses["set"].ready, plan.statuses["set"].available) == (3, 0)
    assert plan.wakes_ms == {"set": NOW + 9_000}
    later = run(pods(3, RUNNING, ready_since_ms=NOW - 10_000), patient)
    assert later.statuses["set"].available == 3
    assert dict(later.wakes_ms) == {}


def test_labels_that_the_template_has_and_a_pod_has_not_are_told() -> None:
    bare = replace(SET, template_labels={**LABELS, "tier": "front"})
    assert run(pods(3), bare).statuses["set"].fully_labeled == 0


# -------------------------------------------------------------------------------------------------------- properties

_PODS = st.builds(
    PodFacts,
    uid=st.uuids().map(str),
    name=st.just("p"),
    labels=st.sampled_from([LABELS, {"app": "other"}]),
    controller_uid=st.sampled_from([None, "set"]),
    node_name=st.sampled_from([None, "node-1", "node-2"]),
    phase=st.sampled_from(["Pending", "Running", "Succeeded", "Failed"]),
    deleting=st.booleans(),
    ready_since_ms=st.sampled_from([None, NOW - 1]),
)


def _after(plan: Plan, found: Sequence[PodFacts]) -> list[PodFacts]:
    """The pods once the plan is carried out."""
    adopted = {claim.pod_uid for claim in plan.adoptions}
    released = {claim.pod_uid for claim in plan.releases}
    doomed = {uid for deletion in plan.deletions for uid in deletion.pod_uids}
    after = [
        replace(
            pod,
            controller_uid="set" if pod.uid in adopted else None if pod.uid in released else pod.controller_uid,
            deleting=pod.deleting or pod.uid in doomed,
        )
        for pod in found
    ]
    created = sum(creation.count for creation in plan.creations)
    return [*after, *(replace(POD, uid=f"new-{len(found)}-{number}") for number in range(created))]


def _pass(found: Sequence[PodFacts], each: SetFacts) -> Plan:
    return run([p for p in found if p.controller_uid], each, orphans=[p for p in found if p.controller_uid is None])


@given(st.lists(_PODS, max_size=12, unique_by=lambda pod: pod.uid), st.integers(0, 8))
def test_two_passes_make_the_number_right_and_a_third_does_nothing(found: list[PodFacts], replicas: int) -> None:
    each = replace(SET, replicas=replicas)
    found = _after(_pass(found, each), found)
    found = _after(_pass(found, each), found)
    own = [pod for pod in found if pod.controller_uid == "set" and pod.is_active and pod.labels == LABELS]
    assert len(own) == replicas
    third = _pass(found, each)
    assert (third.adoptions, third.releases, third.creations, third.deletions) == ((), (), (), ())


@given(st.lists(_PODS, max_size=12, unique_by=lambda pod: pod.uid), st.integers(0, 8))
def test_only_active_pods_of_its_own_are_deleted_and_never_while_some_are_created(
    found: list[PodFacts], replicas: int
) -> None:
    plan = _pass(found, replace(SET, replicas=replicas))
    own = {pod.uid for pod in found if pod.controller_uid == "set" and pod.is_active and pod.labels == LABELS}
    assert {uid for deletion in plan.deletions for uid in deletion.pod_uids} <= own
    assert not (plan.creations and plan.deletions)
