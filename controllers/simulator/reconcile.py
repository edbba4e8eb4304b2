"""Plays the agents of all simulated nodes: beats for them, starts and stops what the cluster placed on them.

It reads what has something to do, not all there is: nodes out of the ordinary (a fault, a boot not taken up), pods to
start or to stop, containers about to end. Everything it must remember between passes is a row, so a killed simulator
goes on where it was; only which nodes changed since the last pass is kept in memory, and is all of them at first.
"""

from collections.abc import Iterable

import msgspec

from controllers._loop.contract import Outcome
from controllers._loop.readable import understood
from controllers.simulator import decide
from controllers.simulator.decide import Fault, PodPlan, Registration, Round, SimulatedNode, Work
from kuberklone.agent.lifecycle import Agent, Container, Exit, PodFacts, Report, Start
from kuberklone.kinds import event as event_kind
from kuberklone.kinds import node as node_kind
from kuberklone.kinds import pod as pod_kind
from kuberklone.kinds.pod import Pod
from kuberklone.settings import Settings
from kuberklone.store import containers, crashpoints, events, faults, heartbeats, pods, removal, simulation
from kuberklone.store.containers import SimulatedContainer
from kuberklone.store.database import Snapshot, Store
from kuberklone.store.events import Note
from kuberklone.store.feed import Reader
from kuberklone.store.records import Update
from kuberklone.store.simulation import NodeRow
from kuberklone.store.transaction import Fence, Transaction, fenced_only, in_batches

PATH = "simulator"
# A pass that has more to do than this does the rest in the next one, so that beats are never late.
_PODS_PER_PASS = 5_000
# The path proves itself alive this often between the nodes' rounds: node_health judges nobody on a path that has not.
_PATH_BEAT_MAX_MS = 1_000


def controller(store: Store, settings: Settings) -> "Simulator":
    return Simulator(store, settings)


class Simulator:
    # Events too: injecting a fault and healing it are told by one.
    watches = (node_kind.RESOURCE, pod_kind.RESOURCE, event_kind.RESOURCE)
    pace_s = 0.01

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store = store
        self._settings = decide.Settings(
            heartbeat_interval_ms=round(settings.heartbeat_interval_s * 1000),
            # The agent's grant is the grace: a node judged dead has none left, so no move waits for one.
            grant_ms=round(settings.node_grace_s * 1000),
        )
        self._path_beat_ms = min(_PATH_BEAT_MAX_MS, self._settings.heartbeat_interval_ms)
        self.forget()

    def forget(self) -> None:
        self._feed = Reader((pod_kind.RESOURCE,))
        self._node_feed = Reader((node_kind.RESOURCE, event_kind.RESOURCE))
        self._last_round: int | None = None
        self._last_path_beat_ms = 0
        self._unusual: dict[str, NodeRow] = {}
        self._ungranted: set[str] = set()
        self._passed_over: set[str] = set()
        self._looked_upto: str | None = None
        self._full = True
        self._errors: list[str] = []

    def run_once(self, now_ms: int, fence: Fence) -> Outcome:
        """One round of beats if it is due, then what the agents do."""
        unusual = self._read_unusual()
        beat_round = decide.decide_round(
            self._simulated(unusual.values()),
            last_round=self._last_round,
            settings=self._settings,
            now_ms=now_ms,
        )
        self._beat(beat_round, now_ms, fence)
        booted = {boot.name for boot in beat_round.registrations}
        if booted or beat_round.ended_faults:
            with self._store.snapshot() as connection:
                unusual = {row.name: row for row in simulation.unusual_nodes(connection)}
        works, records, more = self._works(unusual, now_ms, booted=booted)
        plan = decide.decide_pods(works, now_ms=now_ms)
        crashpoints.reach("simulator.decided")
        counts = self._carry_out(plan, records, fence)
        self._full = False
        wakes_ms = [
            beat_round.next_wake_ms,
            self._last_path_beat_ms + self._path_beat_ms,
            *([plan.next_wake_ms] if plan.next_wake_ms is not None else []),
            *([now_ms] if more or self._passed_over else []),
        ]
        with self._store.snapshot() as connection:
            moments_ms = [
                simulation.next_end_ms(connection, after_ms=now_ms),
                simulation.next_start_ms(connection, after_ms=now_ms),
            ]
        wakes_ms += [moment_ms for moment_ms in moments_ms if moment_ms is not None]
        errors, self._errors = tuple(self._errors), []
        return Outcome(counts=counts, next_wake_ms=min(wakes_ms), errors=errors)

    def _read_unusual(self) -> dict[str, NodeRow]:
        """Nodes out of the ordinary, by name.

        Finding them is a look at every node, the dearest part of a pass with thousands. While there are none, only a
        change of a node, or an event that tells of a fault, can make one.
        """
        with self._store.snapshot() as connection:
            news = self._node_feed.read(connection)
            if self._full or self._unusual or news is None or news:
                return {row.name: row for row in simulation.unusual_nodes(connection)}
        return {}

    def _simulated(self, rows: Iterable[NodeRow]) -> list[SimulatedNode]:
        return [node for _, node in understood(rows, _node, called=_called_node, errors=self._errors)]

    def _beat(self, beat_round: Round, now_ms: int, fence: Fence) -> None:
        path_due = now_ms - self._last_path_beat_ms >= self._path_beat_ms
        if not (beat_round.due or path_due or beat_round.registrations or beat_round.ended_faults):
            return
        with fenced_only(self._store, fence) as connection:
            # Its row comes before those of the nodes, as for everybody who writes both: else two could wait for each
            # other. Whoever must not be overtaken by a grant holds it (heartbeats.hold).
            heartbeats.beat_path(connection, PATH, now_ms=now_ms)
            if beat_round.due:
                heartbeats.beat_all_but(
                    connection,
                    beat_round.silent,
                    path=PATH,
                    now_ms=now_ms,
                    granted_until_ms=beat_round.granted_until_ms,
                )
            heartbeats.register(
                connection,
                ((boot.node_uid, boot.boot_id) for boot in beat_round.registrations),
                path=PATH,
                now_ms=now_ms,
                granted_until_ms=beat_round.granted_until_ms,
            )
            if beat_round.ended_faults:
                faults.heal(connection, beat_round.ended_faults)
            crashpoints.reach("simulator.beat")
        self._last_round = beat_round.number
        self._last_path_beat_ms = now_ms
        crashpoints.reach("simulator.beaten")
        # Beats have no place in the feed; a boot heard for the first time is news, and node_health waits for it.
        in_batches(self._store, list(beat_round.registrations), _tell, fence=fence)

    def _works(
        self, unusual: dict[str, NodeRow], now_ms: int, *, booted: set[str]
    ) -> tuple[list[Work], dict[str, Pod], bool]:
        """What the agents may have to do: the work, the records of its pods, and whether there is more."""
        with self._store.snapshot() as connection:
            # A node that became unusual, or ceased to be, has all its pods and containers looked at; a partitioned one
            # always, for its agent acts by its own clock. A healthy one that booted was unusual only within this pass,
            # and one that lacks a grant starts its pods when it gets one.
            touched = booted | self._ungranted
            touched |= {
                name
                for name in unusual.keys() | self._unusual.keys()
                if unusual.get(name) != self._unusual.get(name) or unusual[name].fault_kind == "partition"
            }
            self._unusual = unusual
            changes = self._feed.read(connection)
            gone = {change.uid for change in changes or () if change.type == "DELETED"}
            away = [name for name, row in unusual.items() if _is_out_of_reach(row)]
            found_pods = simulation.pods_with_work(connection, now_ms=now_ms, unreachable=away, limit=_PODS_PER_PASS)
            more = len(found_pods) >= _PODS_PER_PASS
            found_containers = simulation.containers_due(connection, now_ms=now_ms)
            if touched:
                found_pods += pods.on_nodes(connection, touched)
                found_containers += containers.on_nodes(connection, touched)
            if gone:
                found_containers += containers.of_pods(connection, gone)
            if self._full or changes is None:
                found_containers += simulation.containers_astray(connection)
                self._looked_upto = ""
            if self._looked_upto is not None:
                stopped = simulation.running_without_container(
                    connection, after=self._looked_upto, limit=_PODS_PER_PASS
                )
                found_pods += stopped
                self._looked_upto = stopped[-1].uid if len(stopped) == _PODS_PER_PASS else None
                more = more or self._looked_upto is not None
            if self._passed_over:
                found_pods += pods.with_uids(connection, self._passed_over)
                self._passed_over = set()
            works, records, agents = self._match(connection, found_pods, found_containers)
        self._ungranted = {
            name for name, agent in agents.items() if agent is not None and decide.awaits_grant(agent, now_ms=now_ms)
        }
        return works, records, more

    def _match(
        self, connection: Snapshot, found_pods: Iterable[Pod], found_containers: Iterable[SimulatedContainer]
    ) -> tuple[list[Work], dict[str, Pod], dict[str, Agent | None]]:
        """Bring each pod and its container together, and both with the agent of their node."""
        records = {pod.uid: pod for pod in found_pods}
        by_uid = {container.pod_uid: container for container in found_containers}
        by_uid |= {row.pod_uid: row for row in containers.of_pods(connection, records.keys() - by_uid.keys())}
        records |= {pod.uid: pod for pod in pods.with_uids(connection, by_uid.keys() - records.keys())}
        names = {row.node_name for row in by_uid.values()}
        names |= {pod.node_name for pod in records.values() if pod.node_name is not None}
        rows = simulation.nodes_named(connection, names)
        judged = understood(rows, lambda row: decide.agent_of(_node(row)), called=_called_node, errors=self._errors)
        agents = {row.name: agent for row, agent in judged}
        # A node that cannot be read is there all the same, so nothing on it is stopped as if it were gone.
        unread = {row.name for row in rows} - agents.keys()
        pairs = ((records.get(uid), by_uid.get(uid)) for uid in records.keys() | by_uid.keys())
        sure = (pair for pair in pairs if not unread or not unread & _places(*pair))
        works = understood(sure, lambda pair: _work(*pair, agents), called=_called, errors=self._errors)
        return [work for _, found in works for work in found], records, agents

    def _carry_out(self, plan: PodPlan, records: dict[str, Pod], fence: Fence) -> dict[str, int]:
        stops = [stop.pod_uid for stop in plan.stops if stop.reason != "Finished"]
        in_batches(self._store, stops, _stop, fence=fence)
        crashpoints.reach("simulator.stopped")
        starts = {start.pod_uid: start for start in plan.starts}
        exits = {each.pod_uid: each for each in plan.exits}
        reports = {report.pod_uid: report for report in plan.reports}

        def run(transaction: Transaction, batch: list[str]) -> int:
            containers.put(transaction.connection, (_started(starts[uid]) for uid in batch if uid in starts))
            containers.end(transaction.connection, (_ended(exits[uid]) for uid in batch if uid in exits))
            updates = [_report(records[uid], reports[uid]) for uid in batch if uid in reports]
            written = pods.update(transaction, updates, ("phase", "started_ms", "finished_ms", "exit_code", "pod_ip"))
            # Somebody else changed the pod first, so it is looked at again.
            self._passed_over |= {change.old.uid for change in updates} - {pod.uid for pod in written}
            crashpoints.reach("simulator.ran")
            return len(updates)

        uids = list(starts.keys() | exits.keys() | reports.keys())
        in_batches(self._store, uids, run, fence=fence)
        # What ended by itself goes last: without it, and before the report is written, the pod would be run again.
        ended = [stop.pod_uid for stop in plan.stops if stop.reason == "Finished"]
        in_batches(self._store, ended, _stop, fence=fence)

        def remove(transaction: Transaction, batch: list[str]) -> int:
            removed, _ = removal.remove_pods(transaction, [records[uid] for uid in batch])
            crashpoints.reach("simulator.removed")
            return len(removed)

        removed = in_batches(self._store, [each.pod_uid for each in plan.removes], remove, fence=fence)
        return {"stopped": len(stops), "started": len(starts), "ended": len(exits), "removed": removed}


def _tell(transaction: Transaction, batch: list[Registration]) -> int:
    notes = [
        Note(
            kind="Node",
            namespace="default",
            name=boot.name,
            uid=boot.node_uid,
            reason="Registered",
            message="The node's agent registered.",
        )
        for boot in batch
    ]
    events.record(transaction, notes, source="simulator")
    crashpoints.reach("simulator.told")
    return len(notes)


def _stop(transaction: Transaction, batch: list[str]) -> int:
    containers.remove(transaction.connection, batch)
    return len(batch)


def _called_node(row: NodeRow) -> str:
    return f"node {row.name}"


def _called(pair: tuple[Pod | None, SimulatedContainer | None]) -> str:
    name = next(f"{each.namespace}/{each.name}" for each in pair if each is not None)
    return f"pod {name}"


def _places(pod: Pod | None, container: SimulatedContainer | None) -> set[str | None]:
    """The nodes that a pod is bound to or runs on; two where it has moved."""
    return {each.node_name for each in (pod, container) if each is not None}


def _is_out_of_reach(row: NodeRow) -> bool:
    """Whether no word of a pod reaches the node's agent; when one does, all its pods are looked at."""
    return row.fault_kind not in (None, "slow") or row.boot_id is None or row.boot_id != row.registered_boot_id


def _node(row: NodeRow) -> SimulatedNode:
    fault = None
    if row.fault_kind is not None:
        fault = Fault(kind=faults.kind(row.fault_kind), restart=bool(row.fault_restart), boot_id=row.fault_boot_id)
    return SimulatedNode(
        uid=row.uid,
        name=row.name,
        boot_id=row.boot_id,
        registered_boot_id=row.registered_boot_id,
        granted_until_ms=row.granted_until_ms or 0,
        fault=fault,
    )


def _work(pod: Pod | None, container: SimulatedContainer | None, agents: dict[str, Agent | None]) -> list[Work]:
    """One piece of work, or two where a container runs on another node than its pod is bound to."""
    facts = None if pod is None else _pod_facts(pod)
    here = None if pod is None else pod.node_name
    if container is None:
        # The pods of other providers' nodes are none of ours.
        return [Work(pod=facts, container=None, agent=agents[here])] if here in agents else []
    seen = Container(
        pod_uid=container.pod_uid,
        boot_id=container.boot_id,
        state="Exited" if container.state == "Exited" else "Running",
        started_ms=container.started_ms,
        ends_at_ms=container.ends_at_ms,
        exit_code=container.exit_code,
        ended_ms=container.ended_ms,
    )
    there = container.node_name
    if there == here:
        return [Work(pod=facts, container=seen, agent=agents.get(there))]
    return [Work(pod=None, container=seen, agent=agents.get(there))]


def _pod_facts(pod: Pod) -> PodFacts:
    return PodFacts(
        uid=pod.uid,
        namespace=pod.namespace,
        name=pod.name,
        phase=pod_kind.phase(pod.phase),
        bound_ms=pod.bound_ms or 0,
        deleting_ms=pod.deleting_ms,
        deletion_grace_s=pod.deletion_grace_s,
        held=pod.finalizers != "[]",
        on_node_failure=pod_kind.on_node_failure(pod.on_node_failure),
        start_delay_ms=pod.start_delay_ms,
        run_ms=pod.run_ms,
        planned_exit_code=pod.planned_exit_code,
    )


def _started(start: Start) -> SimulatedContainer:
    return SimulatedContainer(
        pod_uid=start.pod_uid,
        namespace=start.namespace,
        name=start.name,
        node_name=start.node_name,
        boot_id=start.boot_id,
        state="Running",
        started_ms=start.started_ms,
        ends_at_ms=start.ends_at_ms,
    )


def _ended(end: Exit) -> tuple[str, int, int]:
    return end.pod_uid, end.exit_code, end.ended_ms


def _report(pod: Pod, report: Report) -> Update[Pod]:
    return Update(
        pod,
        msgspec.structs.replace(
            pod,
            phase=report.phase,
            started_ms=pod.started_ms if report.started_ms is None else report.started_ms,
            finished_ms=pod.finished_ms if report.finished_ms is None else report.finished_ms,
            exit_code=pod.exit_code if report.exit_code is None else report.exit_code,
            pod_ip=pod.pod_ip or _address(pod.uid),
        ),
    )


def _address(uid: str) -> str:
    """An address of 10.0.0.0/8 for a simulated pod; two pods may share one, and nothing listens there."""
    # The end of a uid is chance; its beginning is the time.
    number = int(uid[-6:], 16)
    return f"10.{number >> 16}.{number >> 8 & 0xFF}.{number & 0xFF}"
