"""Which node takes which pod, and what is said when none does: the examples a person would ask about."""

import pytest

from controllers.scheduler.facts import NodeFacts, Unusable
from kuberklone.kinds.explanation import explanation, short_explanation
from kuberklone.kinds.pod import SchedulingInputs
from kuberklone.kinds.taints import Effect, Taint, Toleration
from tests.decisions.scheduler_clusters import CORDON, GIB, Use, node, place_one, shape

UNREACHABLE = "node.kubernetes.io/unreachable"


def gpu(effect: Effect = "NoSchedule", value: str = "yes") -> Taint:
    return Taint(key="gpu", value=value, effect=effect)


def reason(inputs: SchedulingInputs, facts: NodeFacts, used: Use | None = None) -> str:
    """Why the node does not take the pod; empty if it does."""
    plan = place_one(inputs, [facts], {facts.name: used or Use()})
    return ", ".join(sorted(plan.unplaced[0].reasons)) if plan.unplaced else ""


@pytest.mark.parametrize(
    ("inputs", "used", "expected"),
    [
        pytest.param(shape(cpu_millis=4_000), Use(), "", id="a pod as large as the node"),
        pytest.param(shape(cpu_millis=4_001), Use(), "Insufficient cpu", id="one millicore too many"),
        pytest.param(shape(memory_bytes=8 * GIB), Use(), "", id="all the memory"),
        pytest.param(shape(memory_bytes=8 * GIB + 1), Use(), "Insufficient memory", id="one byte too many"),
        pytest.param(shape(cpu_millis=500), Use(cpu_millis=3_500), "", id="exactly what is left"),
        pytest.param(shape(cpu_millis=501), Use(cpu_millis=3_500), "Insufficient cpu", id="one more than is left"),
        pytest.param(
            shape(cpu_millis=5_000, memory_bytes=9 * GIB),
            Use(pods=3),
            "Insufficient cpu, Insufficient memory, Too many pods",
            id="every shortage is told",
        ),
        pytest.param(shape(), Use(pods=3), "Too many pods", id="a pod that requests nothing still is a pod"),
        pytest.param(shape(), Use(cpu_millis=9_000, memory_bytes=9 * GIB), "", id="nothing fits where nothing is left"),
        pytest.param(
            shape(memory_bytes=1), Use(cpu_millis=9_000), "", id="an overcommitted resource it does not ask for"
        ),
        pytest.param(
            shape(cpu_millis=10**15, memory_bytes=10**18),
            Use(),
            "Insufficient cpu, Insufficient memory",
            id="absurdly large",
        ),
    ],
)
def test_resources(inputs: SchedulingInputs, used: Use, expected: str) -> None:
    assert reason(inputs, node("a", pods_max=3), used) == expected


def test_nothing_fits_on_a_node_without_room_for_pods() -> None:
    assert reason(shape(), node("a", cpu_millis=0, memory_bytes=0, pods_max=0)) == "Too many pods"


@pytest.mark.parametrize(
    ("labels", "selector", "fits"),
    [
        pytest.param({}, {}, True, id="no selector"),
        pytest.param({"zone": "a"}, {"zone": "a"}, True, id="equal"),
        pytest.param({"zone": "b"}, {"zone": "a"}, False, id="another value"),
        pytest.param({}, {"zone": "a"}, False, id="no such label"),
        pytest.param({"zone": ""}, {"zone": ""}, True, id="an empty value is a value"),
        pytest.param({}, {"zone": ""}, False, id="an empty value is not a missing label"),
        pytest.param({"zone": "a", "disk": "ssd"}, {"zone": "a", "disk": "ssd"}, True, id="both"),
        pytest.param({"zone": "a", "disk": "hdd"}, {"zone": "a", "disk": "ssd"}, False, id="one of two"),
    ],
)
def test_node_selectors(labels: dict[str, str], selector: dict[str, str], fits: bool) -> None:
    expected = "" if fits else "node(s) didn't match Pod's node affinity/selector"
    assert reason(shape(node_selector=selector), node("a", labels=labels)) == expected


@pytest.mark.parametrize(
    ("taint", "tolerations", "fits"),
    [
        pytest.param(gpu(), [], False, id="NoSchedule"),
        pytest.param(gpu("NoExecute"), [], False, id="NoExecute"),
        pytest.param(gpu("PreferNoSchedule"), [], True, id="PreferNoSchedule"),
        pytest.param(gpu(), [Toleration(key="gpu", value="yes")], True, id="Equal"),
        pytest.param(gpu(), [Toleration(key="gpu", value="no")], False, id="Equal, another value"),
        pytest.param(gpu(value=""), [Toleration(key="gpu")], True, id="Equal, no value on either side"),
        pytest.param(gpu(), [Toleration(key="gpu", operator="Exists")], True, id="Exists"),
        pytest.param(gpu(), [Toleration(key="tpu", operator="Exists")], False, id="Exists, another key"),
        pytest.param(gpu(), [Toleration(operator="Exists")], True, id="Exists without a key tolerates all"),
        pytest.param(gpu(), [Toleration(key="gpu", operator="Exists", effect="NoExecute")], False, id="another effect"),
        pytest.param(
            gpu("NoExecute"),
            [Toleration(key="gpu", operator="Exists", effect="NoExecute", seconds=5)],
            True,
            id="for some seconds",
        ),
        pytest.param(
            gpu(), [Toleration(key="tpu"), Toleration(key="gpu", operator="Exists")], True, id="the second toleration"
        ),
    ],
)
def test_taints(taint: Taint, tolerations: list[Toleration], fits: bool) -> None:
    expected = "" if fits else f"node(s) had untolerated taint {{gpu: {taint.value}}}"
    assert reason(shape(tolerations=tolerations), node("a", taints=[taint])) == expected


def test_the_first_taint_that_is_not_tolerated_is_named() -> None:
    taints = [
        Taint(key="mild", effect="PreferNoSchedule"),
        gpu(),
        Taint(key="other", effect="NoSchedule"),
        Taint(key="last", effect="NoSchedule"),
    ]
    inputs = shape(tolerations=[Toleration(key="gpu", operator="Exists")])
    assert reason(inputs, node("a", taints=taints)) == "node(s) had untolerated taint {other: }"


def test_nodes_that_fell_silent_at_different_times_count_together() -> None:
    silent = [
        node(
            name,
            taints=[
                Taint(key=UNREACHABLE, effect="NoSchedule"),
                Taint(key=UNREACHABLE, effect="NoExecute", time_added_ms=since_ms),
            ],
        )
        for name, since_ms in (("a", 1), ("b", 2))
    ]
    plan = place_one(shape(tolerations=[Toleration(key=UNREACHABLE, operator="Exists", effect="NoExecute")]), silent)
    assert plan.unplaced[0].reasons == {f"node(s) had untolerated taint {{{UNREACHABLE}: }}": 2}


@pytest.mark.parametrize(
    ("tolerations", "fits"),
    [
        pytest.param([], False, id="not tolerated"),
        pytest.param([Toleration(key=CORDON.key, operator="Exists")], True, id="tolerated by its key"),
        pytest.param([Toleration(operator="Exists")], True, id="tolerated like everything"),
    ],
)
def test_cordoned_nodes(tolerations: list[Toleration], fits: bool) -> None:
    expected = "" if fits else "node(s) were unschedulable"
    assert reason(shape(tolerations=tolerations), node("a", taints=[CORDON], unschedulable=True)) == expected


@pytest.mark.parametrize("why", list(Unusable), ids=lambda why: why.name.lower())
def test_nodes_that_nothing_can_run_on_take_not_even_pods_that_tolerate_all(why: Unusable) -> None:
    inputs = shape(tolerations=[Toleration(operator="Exists")])
    assert reason(inputs, node("a", unusable=why)) == str(why)


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        pytest.param(
            node("a", unusable=Unusable.DELETING, unschedulable=True, taints=[CORDON, gpu()]),
            "node(s) were being deleted",
            id="leaving before all else",
        ),
        pytest.param(
            node("a", unschedulable=True, taints=[gpu(), CORDON]),
            "node(s) were unschedulable",
            id="cordon before taint",
        ),
        pytest.param(node("a", taints=[gpu()]), "node(s) had untolerated taint {gpu: yes}", id="taint before selector"),
        pytest.param(
            node("a", cpu_millis=1),
            "node(s) didn't match Pod's node affinity/selector",
            id="selector before resources",
        ),
    ],
)
def test_a_node_counts_for_the_first_cause_only(facts: NodeFacts, expected: str) -> None:
    assert reason(shape(cpu_millis=5_000, node_selector={"zone": "a"}), facts) == expected


def test_reasons_are_counted_per_cause_and_told_as_kube_scheduler_tells_them() -> None:
    nodes = [node("a"), node("b"), node("c", taints=[gpu()])]
    plan = place_one(shape(cpu_millis=4_500), nodes)
    reasons = plan.unplaced[0].reasons
    assert plan.nodes_evaluated == 3
    assert explanation(nodes_evaluated=3, reasons=reasons) == (
        "0/3 nodes are available: 1 node(s) had untolerated taint {gpu: yes}, 2 Insufficient cpu."
    )


@pytest.mark.parametrize(
    ("nodes_evaluated", "reasons", "expected"),
    [
        pytest.param(3, {"Insufficient cpu": 3}, "0/3 nodes: 3 Insufficient cpu", id="one cause"),
        pytest.param(
            2, {"Too many pods": 2, "Insufficient cpu": 1}, "0/2 nodes: 1 Insufficient cpu, 2 Too many pods", id="two"
        ),
        pytest.param(0, {}, "no nodes", id="no nodes"),
    ],
)
def test_one_line_says_why_a_pod_is_pending(nodes_evaluated: int, reasons: dict[str, int], expected: str) -> None:
    assert short_explanation(nodes_evaluated=nodes_evaluated, reasons=reasons) == expected


def test_a_cluster_without_nodes_says_so() -> None:
    plan = place_one(shape(), [])
    assert explanation(nodes_evaluated=plan.nodes_evaluated, reasons=plan.unplaced[0].reasons) == (
        "no nodes available to schedule pods"
    )
