"""Which pods must leave their node, when and why."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controllers.rescheduler.decide import Countdown, Mark, NodeFacts, Plan, PodFacts, decide
from kuberklone.kinds.taints import NOT_READY, UNREACHABLE, Taint, Toleration, tolerates

NOW = 1_000_000
DEAD_SINCE = NOW - 2_000


def taint(key: str = "gpu", time_added_ms: int | None = DEAD_SINCE, effect: str = "NoExecute") -> Taint:
    return Taint(key=key, effect=effect, time_added_ms=time_added_ms)  # type: ignore[arg-type]


def tolerated(key: str = "gpu", seconds: int | None = None) -> Toleration:
    return Toleration(key=key, operator="Exists", effect="NoExecute", seconds=seconds)


UNREACHABLE_NODE = NodeFacts(name="node-1", taints=(taint(UNREACHABLE),))
DEFAULTED = PodFacts(
    uid="pod-1", node_name="node-1", bound_ms=0, tolerations=(tolerated(NOT_READY, 5), tolerated(UNREACHABLE, 5))
)


def run(pod: PodFacts, node: NodeFacts, *countdowns: Countdown) -> Plan:
    return decide([pod], nodes={node.name: node}, countdowns=countdowns, now_ms=NOW)


def outcome(plan: Plan) -> tuple[str, int | str] | None:
    """('marked', cause), ('due', milliseconds from now) or None."""
    if plan.marks:
        return "marked", plan.marks[0].cause
    return ("due", plan.next_wake_ms - NOW) if plan.next_wake_ms is not None else None


def tainted(*taints: Taint, **changes: object) -> NodeFacts:
    return replace(UNREACHABLE_NODE, taints=taints, **changes)  # type: ignore[arg-type]


def tolerating(*tolerations: Toleration, **changes: object) -> PodFacts:
    return replace(DEFAULTED, tolerations=tolerations, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("pod", "node", "expected"),
    [
        pytest.param(DEFAULTED, UNREACHABLE_NODE, ("due", 3_000), id="dead node: toleration counts from the judgement"),
        pytest.param(
            DEFAULTED,
            tainted(taint(UNREACHABLE, NOW - 5_000)),
            ("marked", "NodeUnreachable"),
            id="and when it is over the pod goes",
        ),
        pytest.param(
            DEFAULTED,
            tainted(taint(NOT_READY, NOW - 5_000)),
            ("marked", "NodeUnreachable"),
            id="a node that says it is not ready counts alike",
        ),
        pytest.param(tolerating(), UNREACHABLE_NODE, ("marked", "NodeUnreachable"), id="not tolerated: at once"),
        pytest.param(tolerating(tolerated(UNREACHABLE)), UNREACHABLE_NODE, None, id="tolerated for ever"),
        pytest.param(
            tolerating(tolerated(UNREACHABLE, 0)), UNREACHABLE_NODE, ("marked", "NodeUnreachable"), id="0 s: at once"
        ),
        pytest.param(
            tolerating(tolerated(UNREACHABLE, -1)),
            UNREACHABLE_NODE,
            ("marked", "NodeUnreachable"),
            id="a negative time: at once",
        ),
        pytest.param(
            tolerating(tolerated(UNREACHABLE, 60), tolerated(UNREACHABLE, 5)),
            UNREACHABLE_NODE,
            ("due", 58_000),
            id="the first toleration that matches counts",
        ),
        pytest.param(
            tolerating(tolerated("gpu", 60), tolerated("disk", 30)),
            tainted(taint("gpu"), taint("disk")),
            ("due", 28_000),
            id="two taints: the shortest time",
        ),
        pytest.param(
            tolerating(tolerated("gpu", 60)),
            tainted(taint("gpu"), taint("disk")),
            ("marked", "Taint"),
            id="two taints, one not tolerated: at once",
        ),
        pytest.param(tolerating(), tainted(taint("gpu")), ("marked", "Taint"), id="a person's taint"),
        pytest.param(tolerating(), tainted(taint("gpu", effect="NoSchedule")), None, id="NoSchedule sends nobody away"),
        pytest.param(
            tolerating(tolerated("gpu", 60)),
            tainted(taint("gpu", None)),
            ("due", 60_000),
            id="a taint without a time counts from when it is first seen",
        ),
        pytest.param(
            tolerating(),
            tainted(taint("gpu", NOW - 1), taint(UNREACHABLE, NOW - 1)),
            ("marked", "Taint"),
            id="equally early: a person's will explains more",
        ),
        pytest.param(
            replace(DEFAULTED, bound_ms=NOW - 500),
            UNREACHABLE_NODE,
            ("due", 4_500),
            id="bound to a tainted node: its time counts from there",
        ),
        pytest.param(
            tolerating(tolerated(UNREACHABLE)),
            tainted(deleting_ms=NOW - 1),
            ("marked", "NodeDeleted"),
            id="a deleted node tolerates nobody",
        ),
        pytest.param(
            tolerating(),
            tainted(taint("gpu", NOW - 1), deleting_ms=NOW - 1),
            ("marked", "NodeDeleted"),
            id="deleted and tainted at once: deleted",
        ),
        pytest.param(replace(DEFAULTED, finished=True), tainted(deleting_ms=NOW), None, id="a finished pod stays"),
        pytest.param(replace(DEFAULTED, deleting=True), tainted(deleting_ms=NOW), None, id="already being deleted"),
        pytest.param(replace(DEFAULTED, node_name="node-2"), UNREACHABLE_NODE, None, id="its node has no such taint"),
    ],
)
def test_a_pod_leaves(pod: PodFacts, node: NodeFacts, expected: tuple[str, int | str] | None) -> None:
    assert outcome(run(pod, node)) == expected


@pytest.mark.parametrize(
    ("pod", "node", "expected"),
    [
        pytest.param(
            DEFAULTED, tainted(taint(UNREACHABLE, NOW - 60_000), halted=True), None, id="halted: nobody moves"
        ),
        pytest.param(
            DEFAULTED,
            tainted(taint(UNREACHABLE, NOW - 60_000), resumed_ms=NOW - 1_000),
            ("due", 4_000),
            id="resumed: what passed in the halt starts anew",
        ),
        pytest.param(
            DEFAULTED,
            tainted(taint(UNREACHABLE, NOW - 60_000), resumed_ms=NOW - 5_000),
            ("marked", "NodeUnreachable"),
            id="resumed and over again",
        ),
        pytest.param(
            DEFAULTED,
            tainted(taint(UNREACHABLE, NOW - 1_000), resumed_ms=NOW - 60_000),
            ("due", 4_000),
            id="a halt long ago is forgotten",
        ),
        pytest.param(
            DEFAULTED, tainted(taint("gpu"), halted=True), ("marked", "Taint"), id="a person's taint holds in a halt"
        ),
        pytest.param(
            tolerating(tolerated("gpu", 1)),
            tainted(taint("gpu"), resumed_ms=NOW),
            ("marked", "Taint"),
            id="and its time goes on in one",
        ),
        pytest.param(
            DEFAULTED, tainted(deleting_ms=NOW, halted=True), ("marked", "NodeDeleted"), id="so does deleting the node"
        ),
    ],
)
def test_a_halted_path_evicts_nobody_but_by_a_persons_will(
    pod: PodFacts, node: NodeFacts, expected: tuple[str, int | str] | None
) -> None:
    assert outcome(run(pod, node)) == expected


ROW = Countdown(pod_uid="pod-1", node_name="node-1", due_ms=NOW + 3_000, cause="NodeUnreachable")


def test_a_countdown_becomes_a_row() -> None:
    assert run(DEFAULTED, UNREACHABLE_NODE).countdowns == (ROW,)


def test_a_row_that_still_holds_is_not_written_again() -> None:
    plan = run(DEFAULTED, UNREACHABLE_NODE, ROW)

    assert plan == Plan(marks=(), countdowns=(), cancelled=(), next_wake_ms=NOW + 3_000)


def test_a_changed_toleration_changes_the_row() -> None:
    longer = run(tolerating(tolerated(UNREACHABLE, 30)), UNREACHABLE_NODE, ROW)

    assert longer.countdowns == (replace(ROW, due_ms=NOW + 28_000),)


def test_the_row_goes_with_the_mark() -> None:
    plan = run(tolerating(), UNREACHABLE_NODE, ROW)

    assert plan.marks == (Mark(pod_uid="pod-1", node_name="node-1", cause="NodeUnreachable"),)
    assert plan.cancelled == ("pod-1",)


@pytest.mark.parametrize(
    ("pods", "nodes"),
    [
        pytest.param([], {}, id="the node recovered and its pods are handed in no more"),
        pytest.param([DEFAULTED], {"node-1": tainted()}, id="the taint is gone"),
        pytest.param([DEFAULTED], {"node-1": tainted(taint(UNREACHABLE), halted=True)}, id="the path was halted"),
        pytest.param([replace(DEFAULTED, finished=True)], {"node-1": UNREACHABLE_NODE}, id="the pod finished"),
    ],
)
def test_a_countdown_is_cancelled(pods: list[PodFacts], nodes: dict[str, NodeFacts]) -> None:
    plan = decide(pods, nodes=nodes, countdowns=[ROW], now_ms=NOW)

    assert plan == Plan(marks=(), countdowns=(), cancelled=("pod-1",), next_wake_ms=None)


UNTIMED = tainted(taint("gpu", None))
UNTIMED_ROW = replace(ROW, cause="Taint", due_ms=NOW + 10_000)


@pytest.mark.parametrize(
    ("row", "expected_ms"),
    [
        pytest.param(UNTIMED_ROW, 10_000, id="the row remembers when it was first seen"),
        pytest.param(replace(UNTIMED_ROW, due_ms=NOW + 90_000), 60_000, id="a toleration made shorter counts from now"),
        pytest.param(replace(UNTIMED_ROW, node_name="node-0"), 60_000, id="a row of another node says nothing"),
        pytest.param(replace(UNTIMED_ROW, cause="NodeUnreachable"), 60_000, id="nor does one of another cause"),
    ],
)
def test_a_taint_without_a_time_counts_from_its_first_sight(row: Countdown, expected_ms: int) -> None:
    assert run(tolerating(tolerated("gpu", 60)), UNTIMED, row).next_wake_ms == NOW + expected_ms


# ----------------------------------------------------------------------------------------------------------- properties

_KEYS = st.sampled_from(["gpu", "disk", UNREACHABLE, NOT_READY])
_EFFECTS = st.sampled_from(["NoSchedule", "NoExecute"])
_TIMES = st.integers(NOW - 100_000, NOW)
_NODES = st.builds(
    NodeFacts,
    name=st.sampled_from(["node-1", "node-2"]),
    deleting_ms=st.none() | _TIMES,
    taints=st.lists(st.builds(Taint, key=_KEYS, effect=_EFFECTS, time_added_ms=st.none() | _TIMES), max_size=3).map(
        tuple
    ),
    halted=st.booleans(),
    resumed_ms=st.none() | _TIMES,
)
_PODS = st.builds(
    PodFacts,
    uid=st.sampled_from([f"pod-{each}" for each in range(6)]),
    node_name=st.sampled_from(["node-1", "node-2", "node-3"]),
    bound_ms=_TIMES,
    finished=st.booleans(),
    deleting=st.booleans(),
    tolerations=st.lists(
        st.builds(Toleration, key=_KEYS, operator=st.just("Exists"), seconds=st.none() | st.integers(-1, 60)),
        max_size=3,
    ).map(tuple),
)
_ROWS = st.builds(
    Countdown,
    pod_uid=st.sampled_from([f"pod-{each}" for each in range(8)]),
    node_name=st.sampled_from(["node-1", "node-2"]),
    due_ms=st.integers(NOW - 50_000, NOW + 50_000),
    cause=st.sampled_from(["NodeUnreachable", "NodeDeleted", "Taint"]),
)


_CLUSTERS = st.tuples(
    st.lists(_PODS, unique_by=lambda pod: pod.uid, max_size=6),
    st.lists(_NODES, unique_by=lambda node: node.name, max_size=2).map(
        lambda nodes: {node.name: node for node in nodes}
    ),
    st.lists(_ROWS, unique_by=lambda row: row.pod_uid, max_size=6),
)
Cluster = tuple[list[PodFacts], dict[str, NodeFacts], list[Countdown]]


def written(rows: list[Countdown], plan: Plan) -> list[Countdown]:
    """The table of countdowns once the plan is written."""
    table = {row.pod_uid: row for row in rows if row.pod_uid not in plan.cancelled}
    table.update({row.pod_uid: row for row in plan.countdowns})
    return list(table.values())


@given(cluster=_CLUSTERS)
def test_never_marks_a_pod_that_tolerates_every_taint_for_ever(cluster: Cluster) -> None:
    pods, nodes, rows = cluster
    plan = decide(pods, nodes=nodes, countdowns=rows, now_ms=NOW)
    by_uid = {pod.uid: pod for pod in pods}

    for mark in plan.marks:
        pod, node = by_uid[mark.pod_uid], nodes[mark.node_name]
        untolerated = any(
            taint.effect == "NoExecute"
            and not any(each.seconds is None and tolerates(each, taint) for each in pod.tolerations[:1])
            for taint in node.taints
        )
        assert node.deleting_ms is not None or untolerated
        assert not pod.finished
        assert not pod.deleting


@given(cluster=_CLUSTERS)
def test_never_moves_a_pod_of_a_halted_path_for_its_nodes_silence(cluster: Cluster) -> None:
    pods, nodes, rows = cluster
    plan = decide(pods, nodes=nodes, countdowns=rows, now_ms=NOW)

    moved = [(mark.cause, mark.node_name) for mark in plan.marks]
    moved += [(row.cause, row.node_name) for row in plan.countdowns]
    for cause, node_name in moved:
        assert cause != "NodeUnreachable" or not nodes[node_name].halted


@given(cluster=_CLUSTERS)
def test_running_a_pass_twice_changes_nothing(cluster: Cluster) -> None:
    pods, nodes, rows = cluster
    first = decide(pods, nodes=nodes, countdowns=rows, now_ms=NOW)
    marked = {mark.pod_uid for mark in first.marks}
    after = [replace(pod, deleting=True) if pod.uid in marked else pod for pod in pods]
    second = decide(after, nodes=nodes, countdowns=written(rows, first), now_ms=NOW)

    assert (second.marks, second.countdowns, second.cancelled) == ((), (), ())
    assert second.next_wake_ms == first.next_wake_ms


@given(cluster=_CLUSTERS)
def test_every_countdown_that_is_left_belongs_to_a_pod_and_its_node_and_lies_ahead(cluster: Cluster) -> None:
    pods, nodes, rows = cluster
    plan = decide(pods, nodes=nodes, countdowns=rows, now_ms=NOW)
    places = {pod.uid: pod.node_name for pod in pods}

    for row in written(rows, plan):
        assert places[row.pod_uid] == row.node_name
        assert row.due_ms > NOW
