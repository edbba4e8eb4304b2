"""How a Deployment is rolled out, step by step, and what it says meanwhile."""

from dataclasses import replace
from typing import Any

import pytest

from controllers.deployment import decide as module
from controllers.deployment import revisions, rolling
from controllers.deployment.facts import DeploymentFacts, SetFacts
from kuberklone.apimachinery.selectors import label_selector
from tests.decisions.rollouts import LABELS, Rollouts

DEPLOYMENT = DeploymentFacts(
    uid="deployment",
    name="web",
    replicas=4,
    selector=label_selector({"matchLabels": LABELS}),
    template="one",
    max_surge=1,
    max_unavailable=1,
)
NOW = 1_000_000


def rollouts(**changes: Any) -> Rollouts:
    """Rolled out and at rest."""
    found = Rollouts(replace(DEPLOYMENT, **changes))
    found.settle()
    return found


def condition(found: Rollouts, kind: str) -> tuple[str, str]:
    said = found.deployment.status.condition(kind)
    assert said is not None, f"{kind} is said"
    return said.status, said.reason


def the_set(found: Rollouts, template: str) -> SetFacts:
    (each,) = [each for each in found.sets.values() if each.template == template]
    return each


# ---------------------------------------------------------------------------------------------------------- rollouts


def test_the_first_rollout_makes_one_set_with_all_replicas() -> None:
    found = rollouts()
    (each,) = found.sets.values()
    assert (each.replicas, each.name) == (4, f"web-{each.labels[revisions.HASH_LABEL]}")
    assert found.available() == 4
    assert condition(found, "Progressing") == ("True", "NewReplicaSetAvailable")
    assert condition(found, "Available") == ("True", "MinimumReplicasAvailable")


def test_another_template_takes_the_place_of_the_first() -> None:
    found = rollouts()
    found.want(template="two")
    found.settle()
    assert (found.of_template("one"), found.of_template("two")) == (0, 4)
    status = found.deployment.status
    assert (status.updated, status.replicas, status.available, status.unavailable) == (4, 4, 4, 0)


def test_a_rollout_that_does_not_start_keeps_what_must_be_available() -> None:
    found = rollouts()
    found.want(template="two")
    for _ in range(20):
        found.deployment_pass()
        for uid in list(found.sets):
            found.set_pass(uid)
    assert found.of_template("one") == 3, "one may be unavailable"
    assert found.of_template("two") == 2, "and one may be too many"


def test_pods_that_are_not_available_are_the_first_to_go() -> None:
    found = rollouts(max_unavailable=0)
    broken = next(iter(found.pods))
    found.pods[broken] = replace(found.pods[broken], ready_since_ms=None)
    found.set_pass(next(iter(found.sets)))
    found.want(template="two")
    for _ in range(3):
        found.deployment_pass()
        for uid in list(found.sets):
            found.set_pass(uid)
    assert found.pods[broken].deleting is False, "nothing may be lost, and the new one may fail, too"
    for uid in found.waiting():
        if uid != broken:
            found.start(uid)
    for _ in range(2):
        for uid in list(found.sets):
            found.set_pass(uid)
        found.deployment_pass()
    for uid in list(found.sets):
        found.set_pass(uid)
    assert found.pods[broken].deleting


def test_recreating_waits_until_the_last_old_pod_has_ended() -> None:
    found = rollouts(recreates=True)
    found.want(template="two")
    for _ in range(5):
        found.deployment_pass()
        for uid in list(found.sets):
            found.set_pass(uid)
    assert (len(found.ending()), found.of_template("two")) == (4, 0)
    found.settle()
    assert (found.of_template("one"), found.of_template("two")) == (0, 4)


def test_going_back_uses_the_old_set_and_remembers_its_revision() -> None:
    found = rollouts()
    first = the_set(found, "one").uid
    found.want(template="two")
    found.settle()
    found.want(template="one")
    found.settle()
    assert found.of_template("one") == 4
    annotations = found.sets[first].annotations
    assert (annotations[revisions.REVISION], annotations[revisions.HISTORY]) == ("3", "1")


def test_the_deployment_is_told_the_revision_of_its_set() -> None:
    found = rollouts()
    plan = module.decide(found.deployment, list(found.sets.values()), now_ms=found.now_ms)
    assert plan.revision == 1


def test_annotations_of_the_deployment_follow_to_its_set_but_not_those_of_kubectl() -> None:
    found = rollouts(
        annotations={"kubernetes.io/change-cause": "first", "kubectl.kubernetes.io/last-applied-configuration": "{}"}
    )
    assert set(the_set(found, "one").annotations) == {
        "kubernetes.io/change-cause",
        revisions.REVISION,
        revisions.DESIRED_REPLICAS,
        revisions.MAX_REPLICAS,
    }


# ------------------------------------------------------------------------------------------------- pausing, scaling


def test_a_paused_deployment_scales_but_does_not_roll() -> None:
    found = rollouts()
    found.want(paused=True, template="two", replicas=6)
    found.settle()
    assert (found.of_template("one"), found.of_template("two")) == (6, 0)
    assert condition(found, "Progressing") == ("Unknown", "DeploymentPaused")
    found.want(paused=False)
    found.settle()
    assert found.of_template("two") == 6


def test_scaling_in_the_middle_of_a_rollout_keeps_the_shares() -> None:
    found = Rollouts(replace(DEPLOYMENT, replicas=10, max_surge=3, max_unavailable=2))
    found.settle()
    found.want(template="two")
    for _ in range(5):
        found.deployment_pass()
        for uid in list(found.sets):
            found.set_pass(uid)
    assert (the_set(found, "one").replicas, the_set(found, "two").replicas) == (8, 5)
    found.want(replicas=15)
    found.deployment_pass()
    assert (the_set(found, "one").replicas, the_set(found, "two").replicas) == (11, 7), "18 in all, by 8 to 5"


def test_scaling_down_a_finished_rollout_is_one_step() -> None:
    found = rollouts()
    found.want(replicas=1)
    found.deployment_pass()
    assert the_set(found, "one").replicas == 1
    assert (found.told[-1].before, found.told[-1].after) == (4, 1)


@pytest.mark.parametrize(
    ("surge", "unavailable", "replicas", "expected"),
    [
        pytest.param("25%", "25%", 4, (1, 1), id="a quarter of four"),
        pytest.param("25%", "25%", 10, (3, 2), id="more rounds up, fewer rounds down"),
        pytest.param("0%", "10%", 5, (0, 1), id="both round to nothing: one may be unavailable"),
        pytest.param(0, 7, 3, (0, 3), id="no more than there are"),
        pytest.param("100%", 0, 3, (3, 0), id="all at once"),
        pytest.param("25%", "25%", 0, (0, 0), id="none wanted"),
    ],
)
def test_shares_are_counted_as_in_kubernetes(
    surge: int | str, unavailable: int | str, replicas: int, expected: tuple[int, int]
) -> None:
    deployment = replace(DEPLOYMENT, max_surge=surge, max_unavailable=unavailable, replicas=replicas)
    assert rolling.bounds(deployment) == expected


# ------------------------------------------------------------------------------------------------ history and claims


def test_sets_beyond_the_history_are_forgotten_oldest_first() -> None:
    found = rollouts(history_limit=1)
    for template in ("two", "three", "four"):
        found.want(template=template)
        found.settle()
    assert {each.template for each in found.sets.values()} == {"three", "four"}


def test_a_set_that_fits_and_belongs_to_nobody_is_adopted() -> None:
    found = rollouts()
    (uid,) = found.sets
    found.sets[uid] = replace(found.sets[uid], controller_uid=None)
    found.settle()
    assert found.sets[uid].controller_uid == "deployment"
    assert len(found.sets) == 1


def test_a_set_whose_labels_fit_no_more_is_released() -> None:
    found = rollouts()
    (uid,) = found.sets
    found.sets[uid] = replace(found.sets[uid], labels={"app": "other"})
    found.deployment_pass()
    assert found.sets[uid].controller_uid is None


def test_a_name_that_is_taken_is_counted_and_another_one_found() -> None:
    name = f"web-{revisions.template_hash('one', None)}"
    foreign = SetFacts(uid="foreign", name=name, labels={"app": "x"}, controller_uid=None, template="x", replicas=0)
    found = Rollouts(DEPLOYMENT, sets={"foreign": foreign})
    found.settle()
    assert found.deployment.status.collisions == 1
    assert {each.name for each in found.sets.values()} == {name, f"web-{revisions.template_hash('one', 1)}"}


def test_a_deployment_being_deleted_only_counts() -> None:
    found = rollouts()
    found.deployment = replace(found.deployment, deleting=True, replicas=9, template="two", generation=2)
    plan = module.decide(found.deployment, list(found.sets.values()), now_ms=found.now_ms)
    assert (plan.changes, plan.new, plan.status.observed_generation) == ((), None, 2)


def test_a_selector_that_takes_everything_is_left_alone() -> None:
    every = replace(DEPLOYMENT, selector=label_selector({}))
    stranger = SetFacts(uid="x", name="x", labels={"a": "b"}, controller_uid=None, template="x", replicas=3)
    plan = module.decide(every, [stranger], now_ms=NOW)
    assert (plan.adopted, plan.new, plan.changes) == ((), None, ())


# ---------------------------------------------------------------------------------------------------------- deadlines


def test_a_rollout_without_progress_is_told_when_its_deadline_is_over() -> None:
    found = rollouts(progress_deadline_s=60)
    found.want(template="two")
    for _ in range(5):
        found.deployment_pass()
        for uid in list(found.sets):
            found.set_pass(uid)
    plan = module.decide(found.deployment, list(found.sets.values()), now_ms=found.now_ms)
    assert plan.next_wake_ms == found.now_ms + 60_000
    found.pass_s(60)
    found.deployment_pass()
    assert condition(found, "Progressing") == ("False", "ProgressDeadlineExceeded")
    found.settle()
    assert condition(found, "Progressing") == ("True", "NewReplicaSetAvailable"), "a late one counts, too"


def test_progress_begins_the_deadline_anew() -> None:
    found = rollouts(progress_deadline_s=60)
    found.want(template="two")
    for _ in range(3):
        found.pass_s(50)
        if found.waiting():
            found.start(found.waiting()[0])
        for _ in range(2):
            for uid in list(found.sets):
                found.set_pass(uid)
            found.deployment_pass()
    assert condition(found, "Progressing") == ("True", "ReplicaSetUpdated")


def test_a_pause_stops_the_deadline() -> None:
    found = rollouts(progress_deadline_s=60)
    found.want(template="two", paused=True)
    found.deployment_pass()
    plan = module.decide(found.deployment, list(found.sets.values()), now_ms=found.now_ms + 10**6)
    assert plan.next_wake_ms is None
    assert condition(found, "Progressing") == ("Unknown", "DeploymentPaused")


def test_without_a_deadline_nothing_is_said_about_progress() -> None:
    assert rollouts(progress_deadline_s=None).deployment.status.condition("Progressing") is None


def test_a_set_that_cannot_make_pods_is_told() -> None:
    found = rollouts()
    (uid,) = found.sets
    found.sets[uid] = replace(found.sets[uid], failure=("FailedCreate", "no"))
    found.deployment_pass()
    assert condition(found, "ReplicaFailure") == ("True", "FailedCreate")
    found.sets[uid] = replace(found.sets[uid], failure=None)
    found.deployment_pass()
    assert found.deployment.status.condition("ReplicaFailure") is None
