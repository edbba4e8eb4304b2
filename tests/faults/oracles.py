"""What must hold whatever was killed, and when. Each oracle returns what is wrong, in words; nothing is right."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, select, text

from kuberklone.kinds import quantity
from kuberklone.kinds.pod import FINISHED
from kuberklone.store import schema, use
from kuberklone.store.database import Store

Key = tuple[str, str]
Log = Sequence[Row[Any]]


def log(connection: Connection, *, after: int = 0) -> Log:
    """The change log of nodes and pods, oldest first."""
    changes = schema.changes
    statement = select(changes).where(changes.c.revision > after, changes.c.resource.in_(["nodes", "pods"]))
    return connection.execute(statement.order_by(changes.c.revision)).all()


# ------------------------------------------------------------------------------------- no acknowledged write is lost


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledged:
    """What the API said it had written, by uid, and what was asked to go, whether that was answered or not."""

    added: Mapping[str, str]
    """The uid of every record of a 201 and its name."""
    deleted: frozenset[str]
    """Names whose deletion was acknowledged."""
    maybe_deleted: frozenset[str]
    """Names whose deletion was asked for, whatever came of it."""


def lost_writes(connection: Connection, said: Acknowledged) -> Iterator[str]:
    """Every record of a 201 is in its table, or the log tells that it was removed and why."""
    rows = log(connection)
    alive = {row.uid: row.name for row in connection.execute(text("SELECT uid, name FROM pods"))}
    alive |= {row.uid: row.name for row in connection.execute(text("SELECT uid, name FROM nodes"))}
    added = {row.uid for row in rows if row.type == "ADDED"}
    removed = {row.uid: row for row in rows if row.type == "DELETED"}
    successors = {(row.transaction_id, row.name): row.uid for row in rows if row.type == "ADDED"}
    for uid, name in said.added.items():
        if uid not in added:
            yield f"{name} was acknowledged but never written"
        while uid in removed:
            follower = successors.get((removed[uid].transaction_id, name))
            if follower is None:
                break
            uid = follower
        if uid not in alive and name not in said.maybe_deleted:
            end = removed.get(uid)
            how = "without a word in the log" if end is None else f"by {end.writer} at {end.revision}: {end.object}"
            yield f"{name} is gone and nobody asked for it, {how}"
    for name in said.deleted & set(alive.values()):
        yield f"the deletion of {name} was acknowledged, but it is there"


# -------------------------------------------------------------------------- every reader sees each revision in order


def misread_feed(read: Sequence[int], connection: Connection, *, after: int, upto: int) -> Iterator[str]:
    """What a reader has seen between two revisions is the log: each revision once, in order."""
    revision = schema.changes.c.revision
    written = set(connection.execute(select(revision).where(revision > after, revision <= upto)).scalars())
    if list(read) != sorted(read):
        yield "a reader went back"
    twice = len(read) - len(set(read))
    if twice:
        yield f"a reader saw {twice} revisions twice"
    missed = sorted(written - set(read))
    if missed:
        yield f"a reader missed {len(missed)} of {len(written)} revisions, the first is {missed[0]}"
    invented = sorted(set(read) - written)
    if invented:
        yield f"a reader saw {len(invented)} revisions that are not there, the first is {invented[0]}"


# ----------------------------------------------------------------------------- no node over capacity at any revision


class _Capacity(msgspec.Struct):
    cpu: str
    memory: str
    pods: str


class _NodeStatus(msgspec.Struct):
    capacity: _Capacity


class _NodeDocument(msgspec.Struct):
    status: _NodeStatus


class _Resources(msgspec.Struct):
    requests: dict[str, str] = {}


class _Container(msgspec.Struct):
    resources: _Resources = msgspec.field(default_factory=_Resources)


class _PodSpec(msgspec.Struct, rename="camel"):
    containers: list[_Container] = []
    node_name: str | None = None


class _PodStatus(msgspec.Struct):
    phase: str


class _PodDocument(msgspec.Struct):
    spec: _PodSpec
    status: _PodStatus


_NODE = msgspec.json.Decoder(_NodeDocument)
_POD = msgspec.json.Decoder(_PodDocument)
_Amounts = tuple[int, int, int]
_NOTHING: _Amounts = (0, 0, 0)


def overfull_nodes(rows: Log) -> Iterator[str]:
    """Replay the log from its beginning: after each revision, no node has more on it than it has room for."""
    room: dict[str, _Amounts] = {}
    held: dict[str, tuple[str, _Amounts]] = {}
    used: dict[str, _Amounts] = defaultdict(lambda: _NOTHING)
    for row in rows:
        if row.resource == "nodes":
            room[row.name] = _room(row.object)
            continue
        before, amounts = held.pop(row.uid, ("", _NOTHING))
        used[before] = _less(used[before], amounts)
        node_name, wanted = (None, _NOTHING) if row.type == "DELETED" else _wanted(row.object)
        if node_name is None:
            continue
        held[row.uid] = (node_name, wanted)
        used[node_name] = _more(used[node_name], wanted)
        if any(taken > most for taken, most in zip(used[node_name], room.get(node_name, _NOTHING), strict=True)):
            yield f"at revision {row.revision}, {node_name} holds {used[node_name]} of {room.get(node_name)}"


def _room(document: str) -> _Amounts:
    capacity = _NODE.decode(document).status.capacity
    return (
        quantity.cpu_millis(capacity.cpu, field="cpu"),
        quantity.memory_bytes(capacity.memory, field="memory"),
        int(capacity.pods),
    )


def _wanted(document: str) -> tuple[str | None, _Amounts]:
    """Where the pod takes room, and how much; a finished one takes none."""
    pod = _POD.decode(document)
    if pod.status.phase in FINISHED:
        return None, _NOTHING
    requests = [container.resources.requests for container in pod.spec.containers]
    cpu_millis = sum(quantity.cpu_millis(each["cpu"], field="cpu") for each in requests if "cpu" in each)
    memory_bytes = sum(quantity.memory_bytes(each["memory"], field="memory") for each in requests if "memory" in each)
    return pod.spec.node_name, (cpu_millis, memory_bytes, 1)


def _more(one: _Amounts, other: _Amounts) -> _Amounts:
    return (one[0] + other[0], one[1] + other[1], one[2] + other[2])


def _less(one: _Amounts, other: _Amounts) -> _Amounts:
    return (one[0] - other[0], one[1] - other[1], one[2] - other[2])


def drifted_sums(connection: Connection) -> Iterator[str]:
    """What is kept about the use of a node is what its pods take."""
    for drift in use.drifted(connection):
        yield f"node_use differs from the pods: {drift}"


# --------------------------------------------------------------------- everything is in the end as it is wanted to be

_PODS = text(
    "SELECT p.name, p.phase, p.node_name, p.deleting_ms, p.owner_references, n.ready, c.boot_id AS runs_in, c.state, "
    "n.boot_id AS boot_id, c.node_name AS runs_on FROM pods p LEFT JOIN nodes n ON n.name = p.node_name "
    "LEFT JOIN simulated_containers c ON c.pod_uid = p.uid"
)
_NODES = text(
    "SELECT n.name, n.machine, n.ready, n.deleting_ms, n.boot_id, h.boot_id AS heard FROM nodes n "
    "LEFT JOIN heartbeats h ON h.node_uid = n.uid"
)
_STRAY = text(
    "SELECT c.namespace, c.name, c.node_name FROM simulated_containers c LEFT JOIN pods p ON p.uid = c.pod_uid "
    "WHERE p.uid IS NULL"
)
_OPEN_PLACEMENTS = text(
    "SELECT l.name, l.pod_uid FROM placements l LEFT JOIN pods p ON p.uid = l.pod_uid "
    "AND p.node_name = l.node_name AND p.phase NOT IN ('Succeeded', 'Failed') "
    "WHERE l.ended_ms IS NULL AND p.uid IS NULL"
)
_CLOSED_PLACEMENTS = text(
    "SELECT p.name FROM pods p LEFT JOIN placements l ON l.pod_uid = p.uid AND l.ended_ms IS NULL "
    "WHERE p.node_name IS NOT NULL AND p.phase NOT IN ('Succeeded', 'Failed') AND l.pod_uid IS NULL"
)
_OBJECTS = text("SELECT uid, resource, name, generation, deleting_ms, spec, status FROM objects")
_OWNED = text(
    "SELECT COUNT(*) FROM pods WHERE owner_references LIKE :uid AND deleting_ms IS NULL "
    "AND phase NOT IN ('Succeeded', 'Failed')"
)
_EVICTIONS = text("SELECT COUNT(*) FROM evictions")
_HALTED = text("SELECT path FROM reporting_paths WHERE halted")
HOPELESS = "hopeless"
"""Pods whose name begins so are made to fit nowhere."""
ORPHAN = "orphan"
"""Pods whose name begins so are made to be adopted by a set."""


def unconverged(connection: Connection) -> Iterator[str]:
    """With no fault left: every node is Ready, every pod runs there or has finished, and nothing is under way."""
    for node in connection.execute(_NODES):
        if (node.machine, node.ready, node.deleting_ms) != ("Running", "True", None) or node.heard != node.boot_id:
            yield f"{node.name} is not as it should be: {node._mapping}"
    for pod in connection.execute(_PODS):
        if pod.deleting_ms is not None:
            yield f"{pod.name} is still being deleted: {pod._mapping}"
        elif pod.name.startswith(HOPELESS):
            if pod.node_name is not None:
                yield f"{pod.name} fits nowhere, but has a node: {pod._mapping}"
        elif pod.name.startswith(ORPHAN) and pod.owner_references == "[]":
            yield f"{pod.name} was not adopted"
        elif pod.phase not in FINISHED and not _runs(pod):
            yield f"{pod.name} does not run: {pod._mapping}"
        elif pod.phase in FINISHED and pod.runs_in is not None:
            yield f"{pod.name} has finished, but its container was not taken away: {pod._mapping}"
    for container in connection.execute(_STRAY):
        yield f"a container runs for nobody: {container._mapping}"
    yield from _histories(connection)
    yield from _objects(connection)


def _runs(pod: Row[Any]) -> bool:
    in_its_place = pod.runs_on == pod.node_name and pod.runs_in == pod.boot_id
    return pod.phase == "Running" and pod.ready == "True" and pod.state == "Running" and in_its_place


class _Counts(msgspec.Struct, rename="camel"):
    """Of a `spec`, and of a `status`."""

    replicas: int = 0
    ready_replicas: int = 0
    updated_replicas: int = 0
    observed_generation: int = 0
    disruptions_allowed: int = 1


_COUNTS = msgspec.json.Decoder(_Counts)


def _objects(connection: Connection) -> Iterator[str]:
    """Sets have their pods and say so, Deployments are rolled out, and nothing is being deleted."""
    for each in connection.execute(_OBJECTS):
        if each.deleting_ms is not None:
            yield f"{each.resource} {each.name} is still being deleted"
        if each.resource not in ("replicasets", "deployments", "poddisruptionbudgets"):
            continue
        wanted, found = _COUNTS.decode(each.spec), _COUNTS.decode(each.status)
        is_counted = found.observed_generation == each.generation and found.disruptions_allowed > 0
        is_complete = found.replicas == found.ready_replicas == wanted.replicas
        is_rolled_out = each.resource != "deployments" or found.updated_replicas == wanted.replicas
        if not (is_counted and is_complete and is_rolled_out):
            yield f"{each.resource} {each.name} is not as it wants to be: {each.spec[:40]} {each.status}"
        if each.resource == "replicasets":
            owned = connection.execute(_OWNED, {"uid": f"%{each.uid}%"}).scalar_one()
            if owned != wanted.replicas:
                yield f"{each.name} wants {wanted.replicas} pods and has {owned}"


def _histories(connection: Connection) -> Iterator[str]:
    for placement in connection.execute(_OPEN_PLACEMENTS):
        yield f"the placement of {placement.name} is open, but nothing runs there"
    for pod in connection.execute(_CLOSED_PLACEMENTS):
        yield f"{pod.name} runs without an open placement"
    if left := connection.execute(_EVICTIONS).scalar_one():
        yield f"{left} countdowns to eviction are left"
    for path in connection.execute(_HALTED).scalars():
        yield f"the path {path} is halted"


# ------------------------------------------------------------------------------------------------------ all together


def check(found: Iterable[str], what: str) -> None:
    """Fail with all that an oracle found."""
    wrong = list(found)
    assert wrong == [], f"{what}:\n" + "\n".join(wrong[:20])


def check_always(store: Store) -> None:
    """What must hold at any moment, whatever is broken."""
    with store.snapshot() as connection:
        check(drifted_sums(connection), "the use of nodes is kept wrongly")
        check(overfull_nodes(log(connection)), "a node was over its capacity")
