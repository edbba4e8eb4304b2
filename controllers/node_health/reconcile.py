"""Judges heartbeats: reads who may be silent, decides, writes readiness."""

import msgspec

from controllers._loop.contract import Outcome
from controllers._loop.readable import understood
from controllers.node_health import decide
from controllers.node_health.decide import Heartbeat, Path, PathJudged, Plan, Suspect, Verdict
from kuberklone.kinds import event as event_kind
from kuberklone.kinds import node as node_kind
from kuberklone.kinds.node import NEVER_HEARD, Node
from kuberklone.settings import Settings
from kuberklone.store import crashpoints, events, health, heartbeats, nodes
from kuberklone.store.database import Store
from kuberklone.store.events import Note
from kuberklone.store.health import SuspectRow
from kuberklone.store.records import Update
from kuberklone.store.transaction import Fence, Transaction, in_batches, write

_SOURCE = "node-health"
# The bound: a node is judged the moment it is stale, and all are looked at no more rarely than this.
_PASS_MAX_MS = 10_000


def controller(store: Store, settings: Settings) -> "NodeHealth":
    return NodeHealth(store, settings)


class NodeHealth:
    # Events too: an agent that registers a new boot is told by one.
    watches = (node_kind.RESOURCE, event_kind.RESOURCE)
    # Beats are no changes of the feed; changes of nodes come in floods when thousands are created.
    pace_s = 0.02

    def __init__(self, store: Store, settings: Settings) -> None:
        interval_ms = round(settings.heartbeat_interval_s * 1000)
        self._store = store
        self._settings = decide.Settings(
            heartbeat_interval_ms=interval_ms,
            grace_ms=round(settings.node_grace_s * 1000),
            pass_interval_ms=min(_PASS_MAX_MS, interval_ms // 2),
        )

    def forget(self) -> None:
        """Nothing is kept between passes."""

    def run_once(self, now_ms: int, fence: Fence) -> Outcome:
        """Count silence and write verdicts: first the paths, since a halt must not be seen later than its deaths."""
        with self._store.snapshot() as connection:
            rows = health.suspects(connection, received_before_ms=now_ms - self._settings.suspect_after_ms)
            ready = health.ready_by_path(connection)
            paths = heartbeats.paths(connection)
        errors: list[str] = []
        suspects = understood(rows, _suspect, called=lambda row: f"node of uid {row.uid}", errors=errors)
        plan = decide.decide(
            [suspect for _, suspect in suspects],
            paths=[_path(path, ready.get(path.path, 0)) for path in paths],
            settings=self._settings,
            now_ms=now_ms,
        )
        crashpoints.reach("node_health.decided")
        self._write_counting(plan, paths, fence)
        seqs = {row.uid: row.seq for row in rows}
        judged = self._write_verdicts(plan, seqs, fence, errors)
        return Outcome(counts={"judged": judged}, next_wake_ms=plan.next_wake_ms, errors=tuple(errors))

    def _write_counting(self, plan: Plan, paths: list[heartbeats.Path], fence: Fence) -> None:
        if not plan.paths and not plan.silences:
            return
        before = {path.path: path for path in paths}
        with write(self._store, fence=fence) as transaction:
            for judged in plan.paths:
                heartbeats.write_judgement(transaction.connection, _judged(before[judged.path], judged))
                if judged.halted != before[judged.path].halted:
                    events.record(transaction, [_halt_note(judged)], source=_SOURCE)
            heartbeats.write_silence(
                transaction.connection,
                ((silence.node_uid, silence.seq, silence.silence_ms) for silence in plan.silences),
            )
            crashpoints.reach("node_health.counted")

    def _write_verdicts(self, plan: Plan, seqs: dict[str, int | None], fence: Fence, errors: list[str]) -> int:
        def write_batch(transaction: Transaction, batch: list[Verdict]) -> int:
            # Judged again under the lock: a beat that came meanwhile is a sign of life.
            now_heard = {
                beat.node_uid: beat.seq
                for beat in heartbeats.of_nodes(transaction.connection, [verdict.node_uid for verdict in batch])
            }
            read = nodes.with_uids(transaction.connection, now_heard)
            # What cannot be put into a document cannot be written; the verdicts on the others are.
            judged = understood(
                read, node_kind.effective_taints, called=lambda node: f"node {node.name}", errors=errors
            )
            found = {node.uid: node for node, _ in judged}
            updates = [
                _update(found[verdict.node_uid], verdict, transaction.now_ms)
                for verdict in batch
                if verdict.node_uid in found
                and (verdict.ready == "True" or now_heard[verdict.node_uid] == seqs[verdict.node_uid])
            ]
            written = nodes.update(transaction, updates, ("ready", "ready_reason", "ready_since_ms"))
            events.record(transaction, [_note(node) for node in written], source=_SOURCE)
            crashpoints.reach("node_health.judged")
            return len(written)

        return in_batches(self._store, list(plan.verdicts), write_batch, fence=fence)


def _suspect(row: SuspectRow) -> Suspect:
    heard = None
    if row.path is not None and row.heard_boot_id is not None:
        heard = Heartbeat(
            path=row.path,
            boot_id=row.heard_boot_id,
            seq=row.seq or 0,
            received_ms=row.received_ms or 0,
            silent_seq=-1 if row.silent_seq is None else row.silent_seq,
            silence_ms=row.silence_ms or 0,
        )
    return Suspect(
        uid=row.uid,
        boot_id=row.boot_id,
        machine=node_kind.machine(row.machine),
        deleting=row.deleting_ms is not None,
        ready=node_kind.readiness(row.ready),
        heard=row.ready_reason != NEVER_HEARD,
        heartbeat=heard,
    )


def _path(path: heartbeats.Path, ready: int) -> Path:
    return Path(
        name=path.path,
        beat=path.beat,
        judged_beat=path.judged_beat,
        judged_ms=path.judged_ms,
        halted=path.halted,
        halted_since_ms=path.halted_since_ms,
        resumed_ms=path.resumed_ms,
        ready=ready,
    )


def _judged(before: heartbeats.Path, judged: PathJudged) -> heartbeats.Path:
    return heartbeats.Path(
        path=before.path,
        beat=before.beat,
        received_ms=before.received_ms,
        judged_beat=judged.judged_beat,
        judged_ms=judged.judged_ms,
        halted=judged.halted,
        halted_since_ms=judged.halted_since_ms,
        resumed_ms=judged.resumed_ms,
    )


def _update(node: Node, verdict: Verdict, now_ms: int) -> Update[Node]:
    return Update(
        node,
        msgspec.structs.replace(node, ready=verdict.ready, ready_reason=verdict.reason, ready_since_ms=now_ms),
    )


def _note(node: Node) -> Note:
    if node.ready == "True":
        return events.about_node(node, "NodeReady", "The node is heard.")
    return events.about_node(node, "NodeNotReady", "The node was silent for its whole grace.", type="Warning")


def _halt_note(judged: PathJudged) -> Note:
    reason, message = (
        ("EvictionsHalted", "Nearly all nodes look dead, so it may be us: evictions stop until some are heard.")
        if judged.halted
        else ("EvictionsResumed", "Nodes are heard again: evictions go on, counted from now.")
    )
    return Note(
        kind="ReportingPath",
        namespace="default",
        name=judged.path,
        uid=f"path-{judged.path}",
        type="Warning" if judged.halted else "Normal",
        reason=reason,
        message=message,
    )
