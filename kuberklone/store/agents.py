"""Agents that report through the API: which process speaks for a node, its beats, and what its machine is.

One process at a time speaks for a node. Whoever registers with a new session takes over; every earlier session is kept
away for good, because two processes that take turns would both believe that they may run the node's pods. All of it is
written under the `cluster` row, so that a report is judged by the session that is valid at that moment.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import msgspec
from sqlalchemy import Connection, select

from kuberklone.errors import KuberkloneError, NotFound, Refused, Superseded
from kuberklone.kinds import json_text
from kuberklone.kinds import node as node_kind
from kuberklone.kinds.node import Node
from kuberklone.kinds.reporting import MachineInfo, NodeUsage, PodUsage
from kuberklone.store import events, heartbeats, identity, nodes, schema, usage
from kuberklone.store.among import among
from kuberklone.store.records import Update
from kuberklone.store.rows import BulkStatement
from kuberklone.store.transaction import Transaction

PATH = "api"
"""The way by which these agents report (`heartbeats.path`)."""
_SOURCE = "api"
# A process that comes back after ten others have spoken for its node was frozen for long; by then its boot is over.
_SUPERSEDED_KEPT = 10

_table = schema.agents
_MACHINE = MachineInfo.__struct_fields__


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """Who speaks for a node."""

    node_uid: str
    machine_id: str | None
    session: str | None
    superseded: str
    boot_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Register:
    """A process of a node's agent begins to speak for it."""

    node_uid: str
    session: str
    boot_id: str
    machine: MachineInfo
    running: int
    """How many pods run there already."""
    grant_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    node: Node
    seq: int
    cluster_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Beat:
    node_uid: str
    session: str
    seq: int
    grant_ms: int
    usage: NodeUsage | None = None
    pods: tuple[PodUsage, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class BeatPath:
    """The API itself lives and can write, so that a node's silence is the node's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """It was written, and there is nothing to say about it."""


# A placement outlives its pod.
_NODES_OF_PODS = BulkStatement(
    "SELECT l.pod_uid, l.node_name FROM {rows} AS r JOIN placements AS l ON l.pod_uid = r.pod_uid "
    "JOIN nodes AS n ON n.name = l.node_name JOIN agents AS a ON a.node_uid = n.uid",
    {"pod_uid": "text"},
)
_AGENT = select(*(_table.c[name] for name in Agent.__dataclass_fields__))


def of_nodes(connection: Connection, node_uids: Iterable[str]) -> dict[str, Agent]:
    """By the uid of their node."""
    rows = connection.execute(_AGENT.where(among(_table.c.node_uid, node_uids)))
    return {row.node_uid: Agent(**row._mapping) for row in rows}


def of_machine(connection: Connection, machine_id: str) -> list[Agent]:
    rows = connection.execute(_AGENT.where(_table.c.machine_id == machine_id).order_by(_table.c.node_uid))
    return [Agent(**row._mapping) for row in rows]


def are_there(connection: Connection) -> bool:
    """Whether any node reports, or is to report, through the API."""
    return connection.execute(select(_table.c.node_uid).limit(1)).first() is not None


def nodes_of_pods(connection: Connection, pod_uids: Iterable[str]) -> list[tuple[str, str]]:
    """`(pod uid, node name)` of those of the pods, also of those just removed, whose node has an agent here."""
    return [(row.pod_uid, row.node_name) for row in _NODES_OF_PODS.execute(connection, ((uid,) for uid in pod_uids))]


def put_machine(transaction: Transaction, node_uid: str, machine_id: str) -> None:
    """Remember that a node is this machine."""
    connection = transaction.connection
    changed = connection.execute(_table.update().where(_table.c.node_uid == node_uid).values(machine_id=machine_id))
    if changed.rowcount == 0:
        connection.execute(_table.insert().values(node_uid=node_uid, machine_id=machine_id))


def register(transaction: Transaction, wanted: Register) -> Registration:
    """The first beat of a session; raises NotFound, or Superseded for a session that had to go before."""
    connection = transaction.connection
    found = nodes.with_uids(connection, [wanted.node_uid])
    if not found:
        raise _no_node()
    before = of_nodes(connection, [wanted.node_uid]).get(wanted.node_uid)
    _write_session(transaction, wanted, before)
    now_ms = transaction.now_ms
    # The path's row comes before those of the nodes, as for everybody who writes both (heartbeats.hold).
    heartbeats.beat_path(connection, PATH, now_ms=now_ms)
    heartbeats.register(
        connection,
        [(wanted.node_uid, wanted.boot_id)],
        path=PATH,
        now_ms=now_ms,
        granted_until_ms=now_ms + wanted.grant_ms,
    )
    (beat,) = heartbeats.of_nodes(connection, [wanted.node_uid])
    node = _describe(transaction, found[0], wanted.machine)
    # Beats have no place in the feed; a boot heard for the first time is news, and node_health waits for it.
    runs = f"; {wanted.running} pods run there" if wanted.running else ""
    note = events.about_node(node, "Registered", f"The node's agent registered{runs}.")
    events.record(transaction, [note], source=_SOURCE)
    return Registration(node=node, seq=beat.seq, cluster_id=identity.cluster_id(connection))


def beat(transaction: Transaction, beats: Sequence[Beat]) -> list[Done | KuberkloneError]:
    """One outcome for each; a beat that is refused grants nothing."""
    connection, now_ms = transaction.connection, transaction.now_ms
    heartbeats.beat_path(connection, PATH, now_ms=now_ms)
    uids = {each.node_uid for each in beats}
    agents = of_nodes(connection, uids)
    seqs = {row.node_uid: row.seq for row in heartbeats.of_nodes(connection, uids)}
    outcomes: list[Done | KuberkloneError] = []
    heard: dict[str, Beat] = {}
    for each in beats:
        error = refusal(agents.get(each.node_uid), each.session)
        if error is None and each.seq <= seqs.get(each.node_uid, each.seq):
            error = Refused(f"beat {each.seq} is not newer than the last one, {seqs.get(each.node_uid)}; count on")
        if error is None:
            heard[each.node_uid] = each
            seqs[each.node_uid] = each.seq
        outcomes.append(error or Done())
    for grant_ms in {each.grant_ms for each in heard.values()}:
        granted = [(each.node_uid, each.seq) for each in heard.values() if each.grant_ms == grant_ms]
        heartbeats.beat(connection, granted, now_ms=now_ms, granted_until_ms=now_ms + grant_ms)
    _write_usage(connection, heard.values(), now_ms=now_ms)
    return outcomes


def beat_path(transaction: Transaction) -> Done:
    """Only while there are agents: nobody is to be judged otherwise, and a quiet cluster is to be left alone."""
    if are_there(transaction.connection):
        heartbeats.beat_path(transaction.connection, PATH, now_ms=transaction.now_ms)
    return Done()


def refusal(agent: Agent | None, session: str, boot_id: str | None = None) -> KuberkloneError | None:
    """Why this session may not speak for the node; None if it may."""
    if agent is None or agent.session is None:
        return Refused("the node has no session yet; register first")
    if agent.session != session or (boot_id is not None and agent.boot_id != boot_id):
        return Superseded()
    return None


def _no_node() -> NotFound:
    return NotFound("the node of this token no longer exists")


def _write_session(transaction: Transaction, wanted: Register, before: Agent | None) -> None:
    superseded: list[str] = [] if before is None else msgspec.json.decode(before.superseded, type=list[str])
    if wanted.session in superseded:
        raise Superseded
    if before is not None and before.session is not None and before.session != wanted.session:
        superseded = [before.session, *superseded][:_SUPERSEDED_KEPT]
    columns = {
        "session": wanted.session,
        "superseded": json_text.text(superseded),
        "boot_id": wanted.boot_id,
        "registered_ms": transaction.now_ms,
        **{name: getattr(wanted.machine, name) for name in _MACHINE},
    }
    if before is None:
        transaction.connection.execute(_table.insert().values(node_uid=wanted.node_uid, **columns))
    else:
        transaction.connection.execute(_table.update().where(_table.c.node_uid == wanted.node_uid).values(**columns))


def _describe(transaction: Transaction, node: Node, machine: MachineInfo) -> Node:
    """Put what the machine is into the node's document, if it is not there already."""
    info = {
        "machineID": node.uid,
        "kernelVersion": machine.kernel,
        "osImage": machine.os_image,
        "containerRuntimeVersion": machine.runtime,
        "kubeletVersion": machine.agent_version,
        "operatingSystem": "linux",
        "architecture": machine.architecture,
    }
    addresses = [{"type": "InternalIP", "address": machine.address}] if machine.address else []
    addresses.append({"type": "Hostname", "address": node.name})
    status = node_kind.described(info, addresses)
    if status == node.status:
        return node
    return nodes.update(transaction, [Update(node, msgspec.structs.replace(node, status=status))], ("status",))[0]


def _write_usage(connection: Connection, beats: Iterable[Beat], *, now_ms: int) -> None:
    of_all_nodes: list[tuple[str, int, int]] = []
    of_all_pods: dict[str, tuple[str, str, int, int]] = {}
    for each in beats:
        if each.usage is not None:
            of_all_nodes.append((each.node_uid, each.usage.cpu_millis, each.usage.memory_bytes))
        for pod in each.pods:
            of_all_pods[pod.uid] = (each.node_uid, pod.uid, pod.cpu_millis, pod.memory_bytes)
    if of_all_nodes:
        usage.write_nodes(connection, of_all_nodes, now_ms=now_ms)
    if of_all_pods:
        usage.write_pods(connection, of_all_pods.values(), now_ms=now_ms)
