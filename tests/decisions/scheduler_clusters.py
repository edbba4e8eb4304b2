"""Builders, generated clusters and a slow reference for the tests of the scheduler's decisions."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from hypothesis import strategies as st

from controllers.scheduler.cluster import ClusterTable
from controllers.scheduler.decide import decide
from controllers.scheduler.facts import NodeFacts, Unusable
from controllers.scheduler.plan import PendingPod, Plan
from kuberklone.kinds.pod import SchedulingInputs
from kuberklone.kinds.taints import Taint, Toleration, tolerates

GIB = 2**30
CORDON = Taint(key="node.kubernetes.io/unschedulable", effect="NoSchedule")


@dataclass(frozen=True, kw_only=True)
class Use:
    cpu_millis: int = 0
    memory_bytes: int = 0
    pods: int = 0


def node(
    name: str,
    *,
    cpu_millis: int = 4_000,
    memory_bytes: int = 8 * GIB,
    pods_max: int = 110,
    labels: Mapping[str, str] | None = None,
    taints: Sequence[Taint] = (),
    unschedulable: bool = False,
    unusable: Unusable | None = None,
) -> NodeFacts:
    return NodeFacts(
        name=name,
        revision=7,
        cpu_millis=cpu_millis,
        memory_bytes=memory_bytes,
        pods_max=pods_max,
        labels=labels or {},
        taints=tuple(taints),
        unschedulable=unschedulable,
        unusable=unusable,
    )


def shape(
    *,
    cpu_millis: int = 0,
    memory_bytes: int = 0,
    node_selector: Mapping[str, str] | None = None,
    tolerations: Iterable[Toleration] = (),
) -> SchedulingInputs:
    return SchedulingInputs(
        cpu_millis=cpu_millis,
        memory_bytes=memory_bytes,
        node_selector=dict(node_selector or {}),
        tolerations=list(tolerations),
    )


def pod(uid: str, *, shape: str = "plain", priority: int = 0, created_ms: int = 0) -> PendingPod:
    return PendingPod(
        uid=uid,
        namespace="default",
        name=f"pod-{uid}",
        revision=3,
        shape=shape,
        priority=priority,
        created_ms=created_ms,
    )


def table(nodes: Iterable[NodeFacts], use: Mapping[str, Use] | None = None) -> ClusterTable:
    cluster = ClusterTable()
    for facts in nodes:
        cluster.set_node(facts)
    for name, used in (use or {}).items():
        cluster.set_use(name, cpu_millis=used.cpu_millis, memory_bytes=used.memory_bytes, pods=used.pods)
    return cluster


def place_one(inputs: SchedulingInputs, nodes: Iterable[NodeFacts], use: Mapping[str, Use] | None = None) -> Plan:
    """What becomes of a single pod of this shape."""
    return decide(cluster=table(nodes, use), pods=[pod("a", shape="it")], shapes={"it": inputs}, seed=1)


# ------------------------------------------------------------------------------------------------- generated clusters


@dataclass(frozen=True, kw_only=True)
class Situation:
    nodes: list[NodeFacts]
    use: dict[str, Use]
    shapes: dict[str, SchedulingInputs]
    pods: list[PendingPod]
    seed: int
    named: dict[str, NodeFacts] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "named", {facts.name: facts for facts in self.nodes})

    def table(self) -> ClusterTable:
        return table(self.nodes, self.use)

    def decide(self) -> Plan:
        return decide(cluster=self.table(), pods=self.pods, shapes=self.shapes, seed=self.seed)

    def use_after(self, plan: Plan) -> dict[str, Use]:
        """What is used of each node once the plan is carried out."""
        use = {facts.name: self.use.get(facts.name, Use()) for facts in self.nodes}
        for placement in plan.placements:
            inputs, used = self.shapes[placement.pod.shape], use[placement.node_name]
            use[placement.node_name] = Use(
                cpu_millis=used.cpu_millis + inputs.cpu_millis,
                memory_bytes=used.memory_bytes + inputs.memory_bytes,
                pods=used.pods + 1,
            )
        return use


_keys = st.sampled_from(["dedicated", "gpu"])
_values = st.sampled_from(["", "yes"])
_effects = st.sampled_from(["NoSchedule", "PreferNoSchedule", "NoExecute"])
_taints = st.builds(Taint, key=_keys, value=_values, effect=_effects, time_added_ms=st.sampled_from([None, 1, 2]))
_tolerations = st.one_of(
    st.builds(
        Toleration, key=_keys, operator=st.just("Equal"), value=_values, effect=st.sampled_from(["", "NoExecute"])
    ),
    st.builds(Toleration, key=st.sampled_from(["", "gpu", CORDON.key]), operator=st.just("Exists")),
)
_labels = st.dictionaries(st.sampled_from(["zone", "disk"]), st.sampled_from(["a", "b"]))
# Few sizes, so that ties are common; some of no round number, so that rounding shows.
_millis = st.sampled_from([0, 1_000, 1_500, 2_000, 4_000, 3_333])
_bytes = st.sampled_from([0, GIB, 2 * GIB, 8 * GIB, 5 * GIB + 17])


@st.composite
def situations(draw: st.DrawFn) -> Situation:
    nodes = []
    use = {}
    for number in range(draw(st.integers(0, 7))):
        cordoned = draw(st.integers(0, 7)) == 7
        facts = node(
            f"node-{number}",
            cpu_millis=draw(_millis),
            memory_bytes=draw(_bytes),
            pods_max=draw(st.integers(0, 5)),
            labels=draw(_labels),
            taints=[*draw(st.lists(_taints, max_size=2)), *([CORDON] if cordoned else [])],
            unschedulable=cordoned,
            unusable=draw(st.sampled_from([None] * 7 + list(Unusable))),
        )
        nodes.append(facts)
        if draw(st.booleans()):
            # May be more than the node has: its size can be lowered below what its pods use.
            use[facts.name] = Use(cpu_millis=draw(_millis), memory_bytes=draw(_bytes), pods=draw(st.integers(0, 3)))
    shapes = {
        f"shape-{number}": shape(
            cpu_millis=draw(st.sampled_from([0, 1, 250, 500, 1_000, 2_500])),
            memory_bytes=draw(st.sampled_from([0, 1, GIB // 3, GIB, 3 * GIB])),
            node_selector=draw(st.one_of(st.just({}), _labels)),
            tolerations=draw(st.lists(_tolerations, max_size=2)),
        )
        for number in range(draw(st.integers(1, 4)))
    }
    pods = [
        pod(
            f"{number:02}",
            shape=draw(st.sampled_from(sorted(shapes))),
            priority=draw(st.integers(-1, 1)),
            created_ms=draw(st.integers(0, 2)),
        )
        for number in range(draw(st.integers(0, 20)))
    ]
    return Situation(
        nodes=nodes, use=use, shapes=shapes, pods=draw(st.permutations(pods)), seed=draw(st.integers(0, 2**63 - 1))
    )


# ---------------------------------------------------------------------------------------------------- slow reference


def first_refusals(inputs: SchedulingInputs, facts: NodeFacts, used: Use) -> list[str]:
    """Why one node takes no such pod: nothing if it does. Read it against kube-scheduler, not against our filters."""
    if facts.unusable is not None:
        return [str(facts.unusable)]
    if facts.unschedulable and not any(tolerates(toleration, CORDON) for toleration in inputs.tolerations):
        return ["node(s) were unschedulable"]
    for taint in facts.taints:
        keeps_out = taint.effect in ("NoSchedule", "NoExecute")
        if keeps_out and not any(tolerates(toleration, taint) for toleration in inputs.tolerations):
            return [f"node(s) had untolerated taint {{{taint.key}: {taint.value}}}"]
    for key, value in inputs.node_selector.items():
        if facts.labels.get(key) != value:
            return ["node(s) didn't match Pod's node affinity/selector"]
    shortages = []
    if used.pods + 1 > facts.pods_max:
        shortages.append("Too many pods")
    if inputs.cpu_millis > max(0, facts.cpu_millis - used.cpu_millis):
        shortages.append("Insufficient cpu")
    if inputs.memory_bytes > max(0, facts.memory_bytes - used.memory_bytes):
        shortages.append("Insufficient memory")
    return shortages


def fine_score(inputs: SchedulingInputs, facts: NodeFacts, used: Use) -> int:
    """The score in units of 2^-44 points, in plain integers that cannot overflow."""
    scale = 1_000 * 2**44
    score = 0
    for percent, free, request, allocatable in (
        (45, facts.cpu_millis - used.cpu_millis, inputs.cpu_millis, facts.cpu_millis),
        (45, facts.memory_bytes - used.memory_bytes, inputs.memory_bytes, facts.memory_bytes),
        (10, facts.pods_max - used.pods, 1, facts.pods_max),
    ):
        worth = scale * percent // 100 // max(1, allocatable)
        score += (max(0, free) - request) * worth
    for taint in facts.taints:
        if taint.effect == "PreferNoSchedule":
            score -= scale * (not any(tolerates(toleration, taint) for toleration in inputs.tolerations))
    return score


def one_by_one(situation: Situation) -> list[tuple[str, str | None, list[tuple[str, int]]]]:
    """Uid, node and the best three for each pod in turn, looking at every node for every pod."""
    order = [facts.name for facts in situation.table().columns(seed=situation.seed).facts]
    use = {name: situation.use.get(name, Use()) for name in order}
    outcomes: list[tuple[str, str | None, list[tuple[str, int]]]] = []
    for waiting in sorted(situation.pods, key=lambda pod: (-pod.priority, pod.created_ms, pod.uid)):
        inputs = situation.shapes[waiting.shape]
        scored = [
            (fine_score(inputs, situation.named[name], use[name]), name)
            for name in order
            if not first_refusals(inputs, situation.named[name], use[name])
        ]
        scored.sort(key=lambda entry: -entry[0])  # stable: among equals the order of ties decides
        if not scored:
            outcomes.append((waiting.uid, None, []))
            continue
        chosen = scored[0][1]
        used = use[chosen]
        use[chosen] = Use(
            cpu_millis=used.cpu_millis + inputs.cpu_millis,
            memory_bytes=used.memory_bytes + inputs.memory_bytes,
            pods=used.pods + 1,
        )
        outcomes.append((waiting.uid, chosen, [(name, (score + 2**43) // 2**44) for score, name in scored[:3]]))
    return outcomes
