"""Stops what silent Docker nodes left running, and finishes the deletions of which nothing runs any more."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from controllers._loop.readable import understood
from controllers.node import stops
from controllers.node.provider import Look, Provider
from controllers.node.stops import DoomedPod, SilentNode
from kuberklone.kinds import pod as pod_kind
from kuberklone.kinds.node import Node
from kuberklone.kinds.pod import Pod
from kuberklone.store import crashpoints, heartbeats, nodes, pods, removal
from kuberklone.store.database import Snapshot, Store
from kuberklone.store.heartbeats import Heartbeat
from kuberklone.store.transaction import Fence, Transaction, in_batches


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """The Docker nodes that are not Ready, with what they were last heard of and what is to be gone from them."""

    nodes: Mapping[str, Node]
    """By uid."""
    beats: Mapping[str, Heartbeat]
    doomed: Sequence[Pod]


def read(connection: Snapshot, docker_nodes: Sequence[Node]) -> Silence:
    silent = {node.uid: node for node in docker_nodes if node.ready != "True"}
    names = {node.name for node in silent.values()}
    beats = heartbeats.of_nodes(connection, silent) if silent else []
    return Silence(
        nodes=silent,
        beats={beat.node_uid: beat for beat in beats},
        doomed=[pod for pod in pods.deleting(connection) if pod.node_name in names] if silent else [],
    )


def plan(silence: Silence, look: Look, *, now_ms: int, errors: list[str]) -> stops.Plan:
    """What to do about the silent nodes that the look tells all about."""
    known = {
        uid: SilentNode(
            uid=uid,
            name=node.name,
            state=look.states.get(uid, "Gone"),
            granted_until_ms=silence.beats[uid].granted_until_ms if uid in silence.beats else 0,
            running=look.running_pods.get(uid, frozenset()),
        )
        for uid, node in silence.nodes.items()
        if uid not in look.busy
    }
    uids = {node.name: uid for uid, node in silence.nodes.items()}
    doomed = understood(
        silence.doomed,
        lambda pod: DoomedPod(
            uid=pod.uid,
            node_uid=uids[pod.node_name or ""],
            held=pod.finalizers != "[]",
            on_node_failure=pod_kind.on_node_failure(pod.on_node_failure),
        ),
        called=lambda pod: f"pod {pod.namespace}/{pod.name}",
        errors=errors,
    )
    return stops.decide(known, (facts for _, facts in doomed), now_ms=now_ms)


def carry_out(plan: stops.Plan, silence: Silence, *, provider: Provider, store: Store, fence: Fence) -> int:
    """Ask for the stops, and remove the pods that are over; how many were removed."""
    for stop in plan.stops:
        provider.stop_pods(stop.node_name, stop.node_uid, stop.pods, end_machine=stop.end_machine)
    by_uid = {pod.uid: pod for pod in silence.doomed}

    def write_batch(transaction: Transaction, batch: list[str]) -> int:
        # Judged again under the lock: a node that was heard meanwhile has a new grant, and its agent does the rest.
        heartbeats.hold(transaction.connection)
        now_nodes = nodes.with_uids(transaction.connection, silence.nodes)
        now_beats = {beat.node_uid: beat for beat in heartbeats.of_nodes(transaction.connection, silence.nodes)}
        still = {
            node.name
            for node in now_nodes
            if node.ready != "True" and _heard(now_beats.get(node.uid)) == _heard(silence.beats.get(node.uid))
        }
        removed, _ = removal.remove_pods(transaction, [by_uid[uid] for uid in batch if by_uid[uid].node_name in still])
        crashpoints.reach("node.pods_finished")
        return len(removed)

    return in_batches(store, list(plan.finishes), write_batch, fence=fence)


def _heard(beat: Heartbeat | None) -> tuple[str, int] | None:
    # Not the whole row: the silence itself is counted in it.
    return None if beat is None else (beat.boot_id, beat.seq)
