"""What an agent may go by: how long its grant lasts, and which list of pods counts."""

import msgspec
import pytest

from kuberklone.agent.standing import Standing
from kuberklone.clock import SystemClock
from kuberklone.kinds.reporting import Assigned, AssignedPod

GRANT_S = 40.0
SPEC = msgspec.Raw(b'{"containers":[{"name":"main","image":"app"}]}')


class Clock(SystemClock):
    def __init__(self) -> None:
        self.now_ms = 1_000_000

    def steady_ms(self) -> int:
        return self.now_ms


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def standing(clock: Clock) -> Standing:
    return Standing(node_name="node-1", boot_id="boot-1", shares_network=True, clock=clock)


def listed(revision: int, *uids: str, **changes: object) -> Assigned:
    fields = {"namespace": "default", "name": "web", "spec": SPEC, "on_node_failure": "Reschedule"} | changes
    return Assigned(revision=revision, pods=[AssignedPod(uid=uid, **fields) for uid in uids])  # type: ignore[arg-type]


def beat(standing: Standing, clock: Clock, *, takes_ms: int = 0) -> None:
    sent_ms = clock.now_ms
    clock.now_ms += takes_ms
    standing.granted(GRANT_S, sent_ms=sent_ms, answered_ms=clock.now_ms)


def ask(standing: Standing, clock: Clock, assigned: Assigned) -> bool:
    return standing.told(assigned, asked_ms=clock.now_ms)


def test_nothing_is_permitted_before_the_cluster_said_so(standing: Standing, clock: Clock) -> None:
    assert not standing.permits("pod-1")
    beat(standing, clock)
    assert not standing.permits("pod-1")
    ask(standing, clock, listed(1, "pod-1"))
    assert standing.permits("pod-1")


def test_the_grant_counts_from_the_sending(standing: Standing, clock: Clock) -> None:
    began_ms = clock.now_ms
    beat(standing, clock, takes_ms=4_000)
    assert standing.view().node.grant.until_ms == began_ms + 40_000


def test_an_answer_that_is_overtaken_shortens_nothing(standing: Standing, clock: Clock) -> None:
    beat(standing, clock)
    until_ms = standing.view().node.grant.until_ms
    standing.granted(GRANT_S, sent_ms=clock.now_ms - 5_000, answered_ms=clock.now_ms)
    assert standing.view().node.grant.until_ms == until_ms


def test_after_a_time_without_a_grant_the_old_list_permits_nothing(standing: Standing, clock: Clock) -> None:
    beat(standing, clock)
    ask(standing, clock, listed(1, "pod-1"))
    clock.now_ms += 40_000
    assert not standing.permits("pod-1")
    beat(standing, clock)
    assert standing.list_is_stale()
    assert not standing.permits("pod-1")
    clock.now_ms += 1
    ask(standing, clock, listed(1, "pod-1"))
    assert standing.permits("pod-1")


def test_a_list_asked_for_before_the_agent_was_heard_again_does_not_count(standing: Standing, clock: Clock) -> None:
    beat(standing, clock)
    ask(standing, clock, listed(1, "pod-1"))
    asked_ms = clock.now_ms
    clock.now_ms += 50_000
    beat(standing, clock)
    standing.told(listed(2, "pod-1"), asked_ms=asked_ms)
    assert not standing.permits("pod-1")


def test_an_answer_that_was_under_way_when_the_grant_ended_leaves_it_open_when_it_was_heard(
    standing: Standing, clock: Clock
) -> None:
    # A machine that is frozen between sending a beat and reading its answer.
    beat(standing, clock)
    ask(standing, clock, listed(1, "pod-1"))
    clock.now_ms += 39_000
    beat(standing, clock, takes_ms=5_000)
    assert standing.view().node.grant.until_ms > clock.now_ms
    assert not standing.permits("pod-1")


def test_beats_in_time_keep_everything_permitted(standing: Standing, clock: Clock) -> None:
    beat(standing, clock)
    ask(standing, clock, listed(1, "pod-1"))
    for _ in range(10):
        clock.now_ms += 10_000
        beat(standing, clock, takes_ms=1_000)
        assert standing.permits("pod-1")
        assert not standing.list_is_stale()


def test_a_list_that_was_overtaken_is_not_gone_by(standing: Standing, clock: Clock) -> None:
    beat(standing, clock)
    assert ask(standing, clock, listed(2, "pod-1", "pod-2"))
    assert not ask(standing, clock, listed(1, "pod-1"))
    assert standing.permits("pod-2")


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"deleting": True}, id="deleted"),
        pytest.param({"phase": "Succeeded"}, id="over"),
    ],
)
def test_what_is_to_end_may_not_be_started(standing: Standing, clock: Clock, changes: dict[str, object]) -> None:
    beat(standing, clock)
    ask(standing, clock, listed(1, "pod-1", **changes))
    assert not standing.permits("pod-1")


def test_what_belongs_elsewhere_may_not_be_started(standing: Standing, clock: Clock) -> None:
    beat(standing, clock)
    ask(standing, clock, listed(1, "pod-1", "pod-2"))
    standing.gone(["pod-1"])
    assert not standing.permits("pod-1")
    assert standing.permits("pod-2")


def test_a_node_that_was_cast_out_has_no_pods(standing: Standing, clock: Clock) -> None:
    beat(standing, clock)
    ask(standing, clock, listed(1, "pod-1"))
    standing.cast_out()
    assert standing.view().assignments == {}


def test_a_pod_that_is_told_of_again_keeps_what_was_read_of_it(standing: Standing, clock: Clock) -> None:
    beat(standing, clock)
    ask(standing, clock, listed(1, "pod-1", start_delay_ms=500))
    first = (standing.view().assignments or {})["pod-1"]
    clock.now_ms += 10_000
    ask(standing, clock, listed(2, "pod-1", start_delay_ms=500, phase="Running"))
    second = (standing.view().assignments or {})["pod-1"]
    assert second.spec is first.spec
    assert second.pod.starts_at_ms == first.pod.starts_at_ms
    assert second.pod.phase == "Running"
