"""Disruption budgets: their status follows the pods, and evictions take from it."""

from typing import Any

import pytest

from kuberklone.errors import DisruptionRefused, SeveralBudgets
from kuberklone.store import deletion, disruption, pods
from kuberklone.store.records import PODS
from kuberklone.store.transaction import write
from tests import wishes
from tests.controllers.loops import Loops

LABELS = {"app": "web"}


def _deploy(loops: Loops, replicas: int = 3) -> list[str]:
    loops.add_nodes(2)
    spec = {"replicas": replicas, "selector": {"matchLabels": LABELS}, "template": wishes.pod_template(LABELS)}
    wishes.create(loops, "Deployment", "web", spec=spec)
    return [pod["metadata"]["name"] for pod in wishes.find(loops, "Pod", labels=LABELS)]


def _budget(loops: Loops, name: str = "web", **wants: Any) -> None:
    wishes.create(loops, "PodDisruptionBudget", name, spec={"selector": {"matchLabels": LABELS}, **wants})


def _counts(loops: Loops) -> tuple[int, int, int, int]:
    status = wishes.the(loops, "PodDisruptionBudget", "web")["status"]
    names = ("expectedPods", "desiredHealthy", "currentHealthy", "disruptionsAllowed")
    return tuple(status[name] for name in names)


@pytest.mark.parametrize("selector", [{"matchExpressions": [{"key": "app", "operator": "Like"}]}, {"matchLabels": 5}])
def test_a_budget_that_makes_no_sense_is_left_out_and_lets_nobody_go(loops: Loops, selector: dict[str, Any]) -> None:
    name, *_ = _deploy(loops)
    _budget(loops, "odd", minAvailable=1)
    wishes.change(loops, "PodDisruptionBudget", "odd", {"spec": {"selector": None}})
    wishes.change(loops, "PodDisruptionBudget", "odd", {"spec": {"selector": selector}})
    _budget(loops, minAvailable=1)
    assert _counts(loops) == (3, 1, 3, 2)
    with pytest.raises(DisruptionRefused) as refused:
        _evict(loops, name)
    assert "odd cannot be read" in refused.value.causes[0].message


def _evict(loops: Loops, name: str) -> None:
    """What the API does, without its HTTP."""
    with write(loops.store) as transaction:
        pod = pods.named(transaction.connection, "default", name)
        assert pod is not None
        disruption.take_budget(transaction, pod)
        deletion.delete(transaction, PODS, [pod], cause="Evicted")


def test_the_status_follows_the_pods(loops: Loops) -> None:
    _deploy(loops)
    _budget(loops, maxUnavailable=1)
    assert _counts(loops) == (3, 2, 3, 1)
    wishes.change(loops, "Deployment", "web", {"spec": {"replicas": 10}})
    assert _counts(loops) == (10, 9, 10, 1), "of what the deployment wants"


def test_an_eviction_takes_from_the_budget_and_the_next_one_is_refused(loops: Loops) -> None:
    first, second, _ = _deploy(loops)
    _budget(loops, maxUnavailable=1)
    _evict(loops, first)
    with pytest.raises(DisruptionRefused) as refused:
        _evict(loops, second)
    assert "needs 2 healthy pods" in refused.value.causes[0].message
    loops.settle()
    assert _counts(loops) == (3, 2, 3, 1), "another pod took its place"
    _evict(loops, second)


def test_pods_on_a_silent_node_are_not_healthy(loops: Loops) -> None:
    _deploy(loops, 4)
    _budget(loops, minAvailable=3)
    loops.fail("node-1", "freeze")
    loops.pass_s(5)
    assert _counts(loops)[2:] == (2, 0)


def test_a_budget_that_was_not_counted_yet_lets_nobody_go(loops: Loops) -> None:
    names = _deploy(loops)
    loops.kill("disruption")
    _budget(loops, maxUnavailable=1)
    with pytest.raises(DisruptionRefused) as refused:
        _evict(loops, names[0])
    assert "still being processed" in refused.value.causes[0].message


def test_two_budgets_for_one_pod_are_an_error(loops: Loops) -> None:
    names = _deploy(loops)
    _budget(loops, maxUnavailable=1)
    _budget(loops, "twin", maxUnavailable=1)
    with pytest.raises(SeveralBudgets):
        _evict(loops, names[0])


def test_a_pod_that_does_not_run_may_always_go(loops: Loops) -> None:
    spec = {"replicas": 1, "selector": {"matchLabels": LABELS}, "template": wishes.pod_template(LABELS)}
    wishes.create(loops, "ReplicaSet", "web", spec=spec)
    (pod,) = wishes.find(loops, "Pod", labels=LABELS)
    _budget(loops, minAvailable=1)
    _evict(loops, pod["metadata"]["name"])


@pytest.mark.parametrize(("policy", "goes"), [("AlwaysAllow", True), ("IfHealthyBudget", False)])
def test_a_pod_that_is_not_ready_goes_as_the_policy_says(loops: Loops, policy: str, goes: bool) -> None:
    name = _deploy(loops, 1)[0]
    _budget(loops, minAvailable=1, unhealthyPodEvictionPolicy=policy)
    unready = '{"conditions":[{"type":"Ready","status":"False"}]}'
    loops.damage("UPDATE pods SET status = :status WHERE name = :name", status=unready, name=name)
    loops.start_anew("disruption")
    loops.settle()
    if goes:
        _evict(loops, name)
    else:
        with pytest.raises(DisruptionRefused):
            _evict(loops, name)


def test_a_budget_that_cannot_be_read_leaves_the_others_alone(loops: Loops) -> None:
    _deploy(loops)
    _budget(loops, "broken", maxUnavailable=1)
    loops.damage("UPDATE objects SET spec = '[' WHERE name = 'broken'")
    _budget(loops, maxUnavailable=2)
    assert _counts(loops) == (3, 1, 3, 2)
    assert "budget broken" in "\n".join(loops.errors)
