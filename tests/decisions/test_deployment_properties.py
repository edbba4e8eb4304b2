"""What holds of every rollout, in whatever order its loops, its nodes and the person come to act."""

from hypothesis import given
from hypothesis import strategies as st

from controllers.deployment import rolling
from controllers.deployment.facts import DeploymentFacts
from kuberklone.apimachinery.selectors import label_selector
from tests.decisions.rollouts import LABELS, Rollouts

_AMOUNTS = st.one_of(st.integers(0, 5), st.integers(0, 100).map(lambda percent: f"{percent}%"))
_STEPS = st.lists(st.tuples(st.sampled_from(["deploy", "set", "start", "end"]), st.integers(0, 20)), max_size=60)


@st.composite
def rolled_out(draw: st.DrawFn, /, **changes: object) -> Rollouts:
    """A Deployment at rest, with any bounds."""
    deployment = DeploymentFacts(
        uid="deployment",
        name="web",
        replicas=draw(st.integers(0, 8)),
        selector=label_selector({"matchLabels": LABELS}),
        template="first",
        max_surge=draw(_AMOUNTS),
        max_unavailable=draw(_AMOUNTS),
        **changes,  # type: ignore[arg-type]
    )
    found = Rollouts(deployment)
    found.settle()
    return found


def _happen(found: Rollouts, what: str, which: int) -> None:
    """One thing of four; `which` of several it happens to."""
    match what:
        case "deploy":
            found.deployment_pass()
        case "set":
            found.set_pass(sorted(found.sets)[which % len(found.sets)])
        case "start" if found.waiting():
            found.start(sorted(found.waiting())[which % len(found.waiting())])
        case "end" if found.ending():
            found.end(sorted(found.ending())[which % len(found.ending())])


@given(rolled_out(), st.lists(st.tuples(st.sampled_from(["first", "second", "third"]), _STEPS), min_size=1, max_size=4))
def test_a_rollout_never_has_too_many_pods_nor_too_few_available_ones(
    found: Rollouts, wishes: list[tuple[str, list[tuple[str, int]]]]
) -> None:
    """Although people change their minds in the middle, and every status may be old when it is read."""
    surge, unavailable = rolling.bounds(found.deployment)
    for template, steps in wishes:
        found.want(template=template)
        for what, which in steps:
            _happen(found, what, which)
            assert len(found.active()) <= found.deployment.replicas + surge
            assert found.available() >= found.deployment.replicas - unavailable


@given(rolled_out(recreates=True), _STEPS)
def test_recreating_never_lets_two_templates_run(found: Rollouts, steps: list[tuple[str, int]]) -> None:
    found.want(template="second")
    for what, which in steps:
        _happen(found, what, which)
        templates = {found.sets[pod.controller_uid or ""].template for pod in found.pods.values()}
        assert len(templates) <= 1


@given(
    rolled_out(),
    st.lists(st.tuples(st.sampled_from(["first", "second", "third"]), st.integers(0, 8), _STEPS), max_size=4),
)
def test_every_rollout_ends_with_what_was_wanted_last(
    found: Rollouts, wishes: list[tuple[str, int, list[tuple[str, int]]]]
) -> None:
    for template, replicas, steps in wishes:
        found.want(template=template, replicas=replicas)
        for what, which in steps:
            _happen(found, what, which)
    found.settle()
    wanted = found.deployment.replicas
    assert len(found.active()) == wanted
    assert found.of_template(found.deployment.template) == wanted
    status = found.deployment.status
    assert (status.updated, status.replicas, status.available) == (wanted, wanted, wanted)


@given(rolled_out())
def test_at_rest_nothing_is_done_again(found: Rollouts) -> None:
    assert found.deployment_pass() is False


@given(rolled_out(), st.integers(0, 8), st.integers(0, 30))
def test_scaling_in_the_middle_adds_up_to_the_most_that_there_may_be(
    found: Rollouts, replicas: int, which: int
) -> None:
    found.want(template="second")
    for number in range(which):
        _happen(found, ("deploy", "set", "start")[number % 3], number)
    before = sum(each.replicas for each in found.sets.values())
    found.want(replicas=replicas)
    active = [each for each in found.sets.values() if each.replicas]
    found.deployment_pass()
    after = sum(each.replicas for each in found.sets.values())
    if len(active) > 1 and before:
        assert after <= max(rolling.most(found.deployment), before)
