"""Health, restarts and simulated machines together: what is decided apart must heal a cluster without a deadlock."""

from dataclasses import dataclass, replace

import pytest

from controllers.node import decide as node
from controllers.node import facts as node_facts
from controllers.node_health import decide as node_health
from controllers.simulator import decide as simulator
from kuberklone.kinds.node import Readiness

HEARTBEAT_MS, GRACE_MS, BACKOFF_MS = 10_000, 40_000, 10_000
HEALTH = node_health.Settings(heartbeat_interval_ms=HEARTBEAT_MS, grace_ms=GRACE_MS, pass_interval_ms=5_000)
RESTARTS = node_facts.Settings(grace_ms=GRACE_MS, backoff_ms=BACKOFF_MS, backoff_max_ms=300_000, attempts_max=5)
BEATS = simulator.Settings(heartbeat_interval_ms=HEARTBEAT_MS, grant_ms=GRACE_MS)
CRASHED_MS = 100_500
STEP_MS = 500


@dataclass(kw_only=True)
class Row:
    """What the store keeps of a node, as far as these three decide on it."""

    name: str
    boot: int = 1
    machine: str = "Running"
    attempts: int = 0
    restart_at_ms: int | None = None
    ready: Readiness = "True"
    ready_since_ms: int = 0
    beat: node_health.Heartbeat
    fault: simulator.Fault | None = None


class Cluster:
    """A store in memory, and a pass of each controller every half second."""

    def __init__(self, nodes: int) -> None:
        beat = node_health.Heartbeat(path="simulator", boot_id="1", seq=10, received_ms=100_000)
        self.rows = {f"node-{each}": Row(name=f"node-{each}", beat=beat) for each in range(nodes)}
        self.path = node_health.Path(name="simulator", beat=0, judged_beat=0, judged_ms=100_000, ready=nodes)
        self.last_round: int | None = 10
        self.halts_ms: list[int] = []
        self.first_boots_ms: list[int] = []

    def crash(self, names: list[str], *, restart: bool) -> None:
        for name in names:
            fault = simulator.Fault(kind="crash", restart=restart, boot_id=str(self.rows[name].boot))
            self.rows[name].fault = fault

    def ready(self) -> int:
        return sum(row.ready == "True" for row in self.rows.values())

    def run_pass(self, now_ms: int) -> None:
        self._beat(now_ms)
        self._judge(now_ms)
        self._restart(now_ms)

    def _beat(self, now_ms: int) -> None:
        nodes = [
            simulator.SimulatedNode(
                uid=row.name,
                name=row.name,
                boot_id=str(row.boot),
                registered_boot_id=row.beat.boot_id,
                fault=row.fault,
            )
            for row in self.rows.values()
        ]
        played = simulator.decide_round(nodes, last_round=self.last_round, settings=BEATS, now_ms=now_ms)
        self.last_round = played.number
        self.path = replace(self.path, beat=now_ms // 1_000)
        for uid in played.ended_faults:
            self.rows[uid].fault = None
        registered = {each.node_uid: each.boot_id for each in played.registrations}
        for row in self.rows.values():
            if row.name in registered or (played.due and row.name not in played.silent):
                boot_id = registered.get(row.name, row.beat.boot_id)
                row.beat = replace(row.beat, seq=row.beat.seq + 1, received_ms=now_ms, boot_id=boot_id)

    def _judge(self, now_ms: int) -> None:
        suspects = [
            node_health.Suspect(
                uid=row.name,
                boot_id=str(row.boot),
                machine=row.machine,  # type: ignore[arg-type]
                ready=row.ready,
                heartbeat=row.beat,
            )
            for row in self.rows.values()
            if row.ready != "True" or now_ms - row.beat.received_ms > HEALTH.suspect_after_ms
        ]
        on = replace(self.path, ready=self.ready())
        plan = node_health.decide(suspects, paths=[on], settings=HEALTH, now_ms=now_ms)
        for judged in plan.paths:
            if judged.halted:
                self.halts_ms.append(now_ms)
            self.path = replace(
                self.path,
                judged_beat=judged.judged_beat,
                judged_ms=judged.judged_ms,
                halted=judged.halted,
                halted_since_ms=judged.halted_since_ms,
                resumed_ms=judged.resumed_ms,
            )
        for silence in plan.silences:
            row = self.rows[silence.node_uid]
            row.beat = replace(row.beat, silent_seq=silence.seq, silence_ms=silence.silence_ms)
        for verdict in plan.verdicts:
            self.rows[verdict.node_uid].ready = verdict.ready
            self.rows[verdict.node_uid].ready_since_ms = now_ms

    def _restart(self, now_ms: int) -> None:
        facts = [
            node_facts.NodeFacts(
                uid=row.name,
                name=row.name,
                machine=row.machine,  # type: ignore[arg-type]
                boot_id=str(row.boot),
                restart_attempts=row.attempts,
                restart_at_ms=row.restart_at_ms,
                ready=row.ready,
                ready_since_ms=row.ready_since_ms,
                heard_boot_id=row.beat.boot_id,
                path="simulator",
            )
            for row in self.rows.values()
        ]
        machines = [node_facts.Machine(name=each.name, uid=each.uid, boot_id=each.boot_id or "") for each in facts]
        path = node_facts.Path(
            name="simulator",
            received_ms=now_ms,
            halted=self.path.halted,
            resumed_ms=self.path.resumed_ms,
            ready=self.ready(),
        )
        plan = node.decide(facts, machines={"simulated": machines}, paths=[path], settings=RESTARTS, now_ms=now_ms)
        for boot in plan.boots:
            row = self.rows[boot.node_uid]
            row.boot += 1
            row.machine, row.attempts = boot.machine, boot.restart_attempts
            row.restart_at_ms = boot.restart_at_ms
            if row.attempts == 1:
                self.first_boots_ms.append(now_ms)
        for scheduled in plan.schedules:
            self.rows[scheduled.node_uid].restart_at_ms = scheduled.restart_at_ms
        for recovered in plan.recovered:
            row = self.rows[recovered.node_uid]
            row.machine, row.restart_at_ms = "Running", None
        for given_up in plan.given_up:
            row = self.rows[given_up.node_uid]
            row.machine, row.restart_at_ms = "Failed", None
        for stable in plan.stable:
            self.rows[stable.node_uid].attempts = 0


@pytest.mark.parametrize(
    ("nodes", "crashed", "halts", "healed_within_ms"),
    [
        pytest.param(3, 1, False, 60_000, id="one of three: after its grace and its back-off"),
        pytest.param(1, 1, True, 60_000, id="the only node: it is the probe"),
        pytest.param(3, 3, True, 70_000, id="all three: the probe first, one back-off later the others"),
        pytest.param(30, 30, True, 80_000, id="all thirty: in growing groups until a tenth is back"),
        pytest.param(30, 28, True, 80_000, id="more than nine tenths of thirty"),
    ],
)
def test_crashed_nodes_are_restarted_however_many(nodes: int, crashed: int, halts: bool, healed_within_ms: int) -> None:
    cluster = Cluster(nodes)
    cluster.crash(list(cluster.rows)[:crashed], restart=True)
    now_ms = CRASHED_MS
    while now_ms < CRASHED_MS + GRACE_MS or cluster.ready() < nodes or cluster.path.halted:
        now_ms += STEP_MS
        cluster.run_pass(now_ms)
        assert now_ms <= CRASHED_MS + healed_within_ms

    assert bool(cluster.halts_ms) is halts
    assert len(cluster.first_boots_ms) == crashed


def test_a_cut_that_heals_restarts_one_node_and_not_all_of_them() -> None:
    cluster = Cluster(20)
    for row in cluster.rows.values():
        row.fault = simulator.Fault(kind="partition")
    now_ms = CRASHED_MS
    while now_ms < CRASHED_MS + GRACE_MS + 2 * BACKOFF_MS:
        now_ms += STEP_MS
        cluster.run_pass(now_ms)
    for row in cluster.rows.values():
        row.fault = None
    while now_ms < CRASHED_MS + 2 * GRACE_MS + 2 * BACKOFF_MS:
        now_ms += STEP_MS
        cluster.run_pass(now_ms)

    assert len(cluster.first_boots_ms) == 1
    assert cluster.ready() == 20


def test_a_node_that_stays_dead_through_every_boot_ends_as_failed() -> None:
    cluster = Cluster(3)
    cluster.crash(["node-0"], restart=False)
    now_ms = CRASHED_MS
    while cluster.rows["node-0"].machine != "Failed":
        now_ms += STEP_MS
        cluster.run_pass(now_ms)
        assert now_ms < 1_000_000

    assert cluster.rows["node-0"].attempts == RESTARTS.attempts_max
    assert cluster.ready() == 2
