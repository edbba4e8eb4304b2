"""How many pods a budget wants healthy, and how many it can spare."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controllers.disruption.decide import BudgetFacts, PodFacts, Scale, Status, decide
from kuberklone.apimachinery.selectors import label_selector
from kuberklone.kinds.disruption import DISRUPTED_MS_MAX

NOW = 10_000_000
LABELS = {"app": "web"}
BUDGET = BudgetFacts(uid="budget", name="web", selector=label_selector({"matchLabels": LABELS}))
POD = PodFacts(uid="pod", name="pod", labels=LABELS, controller_uid="set", ready_since_ms=1)


def pods(count: int, **changes: Any) -> list[PodFacts]:
    return [replace(POD, uid=f"pod-{number}", name=f"pod-{number}", **changes) for number in range(count)]


def run(budget: BudgetFacts, found: list[PodFacts], *, scale: int | None = None) -> Status:
    scales = {} if scale is None else {"set": Scale("set", scale)}
    plan = decide([budget], pods={"default": found}, scales=scales, now_ms=NOW)
    return plan.statuses.get("budget", budget.status)


@pytest.mark.parametrize(
    ("wants", "scale", "expected"),
    [
        pytest.param({"min_available": 2}, 3, (3, 2, 1), id="a number that must stay"),
        pytest.param({"min_available": "50%"}, 3, (3, 2, 1), id="a share that must stay rounds up"),
        pytest.param({"max_unavailable": 1}, 3, (3, 2, 1), id="a number that may be missing"),
        pytest.param({"max_unavailable": "34%"}, 3, (3, 1, 2), id="a share that may be missing rounds up"),
        pytest.param({"max_unavailable": 5}, 3, (3, 0, 3), id="more than there are"),
        pytest.param({"max_unavailable": 1}, 5, (5, 4, 0), id="two are lost already"),
        pytest.param({}, 3, (0, 0, 0), id="nothing is said"),
        pytest.param({"max_unavailable": 1}, None, (3, 2, 1), id="a controller of an unknown kind wants what it has"),
    ],
)
def test_what_is_expected_wanted_and_spared(
    wants: dict[str, Any], scale: int | None, expected: tuple[int, int, int]
) -> None:
    status = run(replace(BUDGET, **wants), pods(3), scale=scale)
    assert (status.expected_pods, status.desired_healthy, status.disruptions_allowed) == expected


def test_only_pods_that_are_ready_and_stay_are_healthy() -> None:
    found = [*pods(2), replace(POD, uid="x", name="x", ready_since_ms=None), replace(POD, uid="y", deleting=True)]
    assert run(replace(BUDGET, min_available=1), found, scale=4).current_healthy == 2


def test_pods_of_others_do_not_count() -> None:
    found = [*pods(2), replace(POD, uid="x", labels={"app": "other"})]
    assert run(replace(BUDGET, min_available=1), found).expected_pods == 2


def test_pods_without_a_controller_count_for_numbers_and_not_for_shares() -> None:
    found = pods(3, controller_uid=None)
    assert run(replace(BUDGET, min_available=1), found).disruptions_allowed == 2
    assert run(replace(BUDGET, min_available="10%"), found).disruptions_allowed == 0


def test_two_sets_of_one_deployment_want_its_pods_once() -> None:
    """So it is in the middle of a rollout."""
    found = [*pods(2), replace(POD, uid="new", name="new", controller_uid="new-set")]
    scales = {"set": Scale("deployment", 3), "new-set": Scale("deployment", 3)}
    plan = decide([replace(BUDGET, max_unavailable=1)], pods={"default": found}, scales=scales, now_ms=NOW)
    assert (plan.statuses["budget"].expected_pods, plan.statuses["budget"].disruptions_allowed) == (3, 1)


def test_a_pod_that_was_let_go_counts_as_gone_until_it_is_or_was_not_for_long() -> None:
    budget = replace(BUDGET, min_available=1, status=Status(disrupted={"pod-0": NOW - 1_000, "gone": NOW}))
    plan = decide([budget], pods={"default": pods(3)}, scales={}, now_ms=NOW)
    status = plan.statuses["budget"]
    assert (status.current_healthy, status.disruptions_allowed, dict(status.disrupted)) == (
        2,
        1,
        {"pod-0": NOW - 1_000},
    )
    assert plan.next_wake_ms == NOW - 1_000 + DISRUPTED_MS_MAX
    stuck = replace(budget, status=Status(disrupted={"pod-0": NOW - DISRUPTED_MS_MAX}))
    assert run(stuck, pods(3)).current_healthy == 3


def test_a_status_that_is_true_is_not_written_again() -> None:
    budget = replace(BUDGET, max_unavailable=1, generation=4)
    told = replace(budget, status=run(budget, pods(3), scale=3))
    assert told.status.observed_generation == 4
    assert decide([told], pods={"default": pods(3)}, scales={"set": Scale("set", 3)}, now_ms=NOW).statuses == {}


@given(st.integers(0, 20), st.integers(0, 20), st.one_of(st.integers(0, 20), st.integers(0, 100).map("{}%".format)))
def test_what_is_spared_never_leaves_fewer_than_wanted(there: int, scale: int, amount: int | str) -> None:
    for wants in ({"min_available": amount}, {"max_unavailable": amount}):
        status = run(replace(BUDGET, **wants), pods(there), scale=scale)  # type: ignore[arg-type]
        assert status.disruptions_allowed >= 0
        assert not status.disruptions_allowed or there - status.disruptions_allowed >= status.desired_healthy
