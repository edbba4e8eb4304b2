"""What a real agent never does, whatever exists and whatever fails."""

from collections import Counter
from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from kuberklone.agent.decide import BACKOFF_MAX_MS, Action, Kill, Plan, Remove, Run, Signal, decide, may_run, restarts
from kuberklone.agent.facts import NETWORK, Container, Failure, Grant, Key, Memory, Node, Pod
from tests.decisions.agent_facts import BOOT, GRANT_MS, NOW

BOOTS = st.sampled_from([BOOT, BOOT, BOOT, "boot-0"])
UIDS = [f"pod-{number}" for number in range(4)]

pods = st.builds(
    Pod,
    uid=st.sampled_from(UIDS),
    name=st.just("web"),
    phase=st.sampled_from(["Pending", "Running", "Running", "Succeeded", "Failed"]),
    on_node_failure=st.sampled_from(["Delete", "Reschedule"]),
    policy=st.sampled_from(["Always", "OnFailure", "Never"]),
    init=st.sampled_from([(), ("first",)]),
    mains=st.sampled_from([("main",), ("main", "side")]),
    has_network=st.booleans(),
    starts_at_ms=st.sampled_from([0, 0, NOW + 50]),
    deleting=st.booleans(),
    grace_ms=st.sampled_from([0, 5_000, 30_000]),
    held=st.booleans(),
)
nodes = st.builds(
    Node,
    name=st.just("node-1"),
    boot_id=st.just(BOOT),
    grant=st.builds(
        Grant,
        until_ms=st.sampled_from([0, NOW - 1, NOW + 1_000, NOW + GRANT_MS]),
        lasts_ms=st.sampled_from([3_000, GRANT_MS]),
        renewed_ms=st.sampled_from([0, NOW - 500]),
    ),
    listed_ms=st.sampled_from([NOW - 1_000, NOW]),
)


@st.composite
def containers(draw: st.DrawFn) -> Container:
    uid = draw(st.sampled_from([*UIDS, "pod-elsewhere"]))
    name = draw(st.sampled_from(["main", "side", "first", NETWORK]))
    attempt = draw(st.integers(0, 3))
    return Container(
        id=f"{uid}/{name}/{attempt}",
        pod_uid=uid,
        name=name,
        attempt=attempt,
        boot_id=draw(BOOTS),
        state=draw(st.sampled_from(["Created", "Running", "Running", "Exited"])),
        started_ms=NOW - draw(st.integers(0, 700_000)),
        ended_ms=NOW - draw(st.integers(0, 20_000)),
        exit_code=draw(st.sampled_from([0, 1, 137])),
        restart_delay_ms=draw(st.sampled_from([0, 10_000, BACKOFF_MAX_MS])),
    )


@st.composite
def worlds(draw: st.DrawFn) -> dict[str, Any]:
    """Everything that `decide` is told."""
    existing = draw(st.lists(containers(), max_size=8, unique_by=lambda each: each.id))
    keys = [each.key for each in existing] or [Key("pod-0", "main")]
    return {
        "pods": {each.uid: each for each in draw(st.lists(pods, max_size=4))},
        "containers": existing,
        "node": draw(nodes),
        "memory": Memory(
            signalled={each.id: NOW - draw(st.integers(0, 40_000)) for each in existing if draw(st.booleans())},
            failures={
                key: Failure(
                    reason="RunContainerError", message="", retry_at_ms=NOW + draw(st.sampled_from([-1, 1])),
                    delay_ms=1, at_start=draw(st.booleans()),
                )
                for key in keys
                if draw(st.booleans())
            },
            busy=frozenset(key for key in keys if draw(st.booleans())),
        ),
        "now_ms": NOW,
    }  # fmt: skip


def runs(plan: Plan) -> list[Run]:
    return [action for action in plan.actions if isinstance(action, Run)]


@given(worlds())
def test_it_never_starts_anything_while_something_that_must_stop_still_runs(world: dict[str, Any]) -> None:
    must_stop = [
        each
        for each in world["containers"]
        if each.state == "Running" and (each.boot_id != BOOT or each.pod_uid not in world["pods"])
    ]
    plan = decide(**world)
    assert not (must_stop and runs(plan))
    being_stopped = {each.container_id for each in plan.actions if isinstance(each, Remove)}
    assert {each.id for each in must_stop if each.key not in world["memory"].busy} <= being_stopped


@given(worlds())
def test_it_never_starts_what_may_run_elsewhere(world: dict[str, Any]) -> None:
    for run in runs(decide(**world)):
        assert may_run(world["pods"][run.key.pod_uid], world["node"], NOW)


@given(worlds())
def test_without_a_grant_everything_that_may_run_elsewhere_is_being_stopped(world: dict[str, Any]) -> None:
    touched = {each.container_id for each in decide(**world).actions if not isinstance(each, Run)}
    for each in world["containers"]:
        pod = world["pods"].get(each.pod_uid)
        if pod is None or each.state != "Running" or may_run(pod, world["node"], NOW) or each.boot_id != BOOT:
            continue
        others_run = any(
            other.pod_uid == each.pod_uid
            and other.state == "Running"
            and other.name != NETWORK
            and other.boot_id == BOOT
            for other in world["containers"]
        )
        waits_for_others = each.name == NETWORK and others_run
        is_busy = each.key in world["memory"].busy
        assert each.id in touched or each.id in world["memory"].signalled or waits_for_others or is_busy


@given(worlds())
def test_it_never_starts_a_pod_that_is_deleted_or_over(world: dict[str, Any]) -> None:
    for run in runs(decide(**world)):
        pod = world["pods"][run.key.pod_uid]
        assert not pod.deleting
        assert pod.phase not in ("Succeeded", "Failed")


@given(worlds())
def test_it_never_starts_a_second_run_while_one_is_there(world: dict[str, Any]) -> None:
    plan = decide(**world)
    newest = {
        key: max(each.attempt for each in world["containers"] if each.key == key and each.boot_id == BOOT)
        for key in {each.key for each in world["containers"] if each.boot_id == BOOT}
    }
    for run in runs(plan):
        last = next(
            (each for each in world["containers"] if (each.key, each.attempt) == (run.key, newest.get(run.key))), None
        )
        assert last is None or last.state != "Running"
        assert run.attempt >= newest.get(run.key, 0)
    assert max(Counter(run.key for run in runs(plan)).values(), default=0) <= 1


@given(worlds())
def test_it_never_touches_what_is_being_worked_on(world: dict[str, Any]) -> None:
    assert not {action.key for action in decide(**world).actions} & world["memory"].busy


@given(worlds())
def test_it_never_confirms_the_stop_of_a_pod_of_which_something_exists(world: dict[str, Any]) -> None:
    present = {each.pod_uid for each in world["containers"]}
    for uid in decide(**world).removed:
        assert uid not in present
        assert world["pods"][uid].deleting
        assert not world["pods"][uid].held


@given(worlds())
def test_it_never_wakes_up_for_a_moment_that_has_passed(world: dict[str, Any]) -> None:
    wake_ms = decide(**world).wake_ms
    assert wake_ms is None or wake_ms > NOW


@given(worlds())
def test_it_leaves_alone_what_is_as_it_should_be(world: dict[str, Any]) -> None:
    healthy = replace(
        world["node"], grant=Grant(until_ms=NOW + GRANT_MS, lasts_ms=GRANT_MS, renewed_ms=1), listed_ms=NOW
    )
    pod = Pod(uid="pod-0", name="web", phase="Running", on_node_failure="Reschedule")
    container = Container(id="well", pod_uid="pod-0", boot_id=BOOT, started_ms=NOW - 1)
    others = [each for each in world["containers"] if each.pod_uid != "pod-0"]
    plan = decide(
        {**world["pods"], "pod-0": pod}, [*others, container], node=healthy, memory=world["memory"], now_ms=NOW
    )
    assert not [action for action in plan.actions if action.key.pod_uid == "pod-0"]


# More looks than fit, each at the moment that the one before named, into the longest back-off.
_IDLE_LOOKS = BACKOFF_MAX_MS // (GRANT_MS // 2)


class _Engine:
    """An engine whose calls may do only the first half, or nothing, as one that is killed in between."""

    def __init__(self, existing: list[Container]) -> None:
        self.containers = {each.id: each for each in existing}
        self.signalled: dict[str, int] = {}

    def carry_out(self, action: Action, *, outcome: str, now_ms: int) -> None:
        if outcome == "lost":
            return
        if isinstance(action, Run):
            self._run(action, half=outcome == "half", now_ms=now_ms)
            return
        found = self.containers.get(action.container_id)
        if found is None:
            return
        if isinstance(action, Remove):
            del self.containers[found.id]
        elif found.state == "Running":
            if isinstance(action, Signal):
                self.signalled[found.id] = now_ms
            if isinstance(action, Kill) or outcome == "done":
                self.containers[found.id] = replace(found, state="Exited", ended_ms=now_ms, exit_code=137)

    def _run(self, action: Run, *, half: bool, now_ms: int) -> None:
        name = f"{action.key.pod_uid}/{action.key.container}/{action.attempt}"
        made = self.containers.get(name) or Container(
            id=name,
            pod_uid=action.key.pod_uid,
            name=action.key.container,
            attempt=action.attempt,
            boot_id=BOOT,
            state="Created",
            restart_delay_ms=action.restart_delay_ms,
        )
        if made.state == "Created" and not half:
            made = replace(made, state="Running", started_ms=now_ms)
            if made.name == "first":  # an init container, whose work is done at once
                made = replace(made, state="Exited", ended_ms=now_ms, exit_code=0)
        self.containers[name] = made


@given(worlds(), st.lists(st.sampled_from(["done", "done", "half", "lost"]), max_size=30))
def test_whatever_fails_each_pod_ends_up_running_once_and_nothing_else_does(
    world: dict[str, Any], outcomes: list[str]
) -> None:
    engine = _Engine(world["containers"])
    now_ms, idle = NOW, 0
    steps = iter(outcomes)
    while idle < _IDLE_LOOKS:
        # Heard without a break: what happens without a grant has tests of its own.
        grant = Grant(until_ms=now_ms + GRANT_MS, lasts_ms=GRANT_MS, renewed_ms=1)
        plan = decide(
            world["pods"],
            list(engine.containers.values()),
            node=Node(name="node-1", boot_id=BOOT, grant=grant, listed_ms=now_ms),
            memory=Memory(signalled=engine.signalled),
            now_ms=now_ms,
        )
        running = {each.key for each in engine.containers.values() if each.state == "Running"}
        assert not running & {run.key for run in runs(plan)}, "a second run beside the first"
        for action in plan.actions:
            engine.carry_out(action, outcome=next(steps, "done"), now_ms=now_ms)
        idle = 0 if plan.actions else idle + 1
        now_ms = now_ms + 100 if plan.actions or plan.wake_ms is None else plan.wake_ms
    for each in engine.containers.values():
        pod = world["pods"].get(each.pod_uid)
        assert pod is not None
        assert each.boot_id == BOOT
        assert each.state != "Running" or not (pod.deleting or pod.phase in ("Succeeded", "Failed"))
        assert not pod.deleting or pod.held
    for pod in world["pods"].values():
        if pod.deleting or pod.phase in ("Succeeded", "Failed"):
            continue
        own = [each for each in engine.containers.values() if each.pod_uid == pod.uid]
        runs_of = Counter(each.name for each in own if each.state == "Running")
        init_failed = pod.policy == "Never" and any(each.name == "first" and each.exit_code for each in own)
        for name in pod.mains:
            ended_for_good = not restarts(pod.policy, 1) or (not restarts(pod.policy, 0) and not runs_of[name])
            assert runs_of[name] or ended_for_good or init_failed
