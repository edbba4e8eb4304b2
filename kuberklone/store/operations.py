"""What the API asks the store to do: small frozen wishes, applied set-based inside one transaction.

`apply` takes operations of any kind in the order in which they came and returns an outcome for each: what was written,
or the error that refused it. An operation that is refused has written nothing, so the others of the same transaction
are not affected.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Literal

import msgspec

from kuberklone.errors import AlreadyExists, KuberkloneError, NotFound, Refused
from kuberklone.kinds import pod as pod_kind
from kuberklone.kinds.node import Node
from kuberklone.kinds.objects.v1 import namespace
from kuberklone.kinds.pod import Pod
from kuberklone.kinds.token import TokenText
from kuberklone.store import (
    agents,
    crashpoints,
    events,
    faults,
    joining,
    nodes,
    object_operations,
    pod_operations,
    pods,
    removal,
    reports,
    schema,
    tokens,
)
from kuberklone.store.agents import Beat, BeatPath, Done, Register, Registration
from kuberklone.store.faults import Fault, FaultKind
from kuberklone.store.joining import JoinedNode, JoinNode
from kuberklone.store.numbering import Numbering
from kuberklone.store.object_operations import CreateObject, DeleteObject, ObjectOperation, ReplaceObject
from kuberklone.store.pod_operations import BindPod, EvictPod, PodOperation
from kuberklone.store.records import Update
from kuberklone.store.reports import Reported, ReportPods
from kuberklone.store.tokens import Token
from kuberklone.store.transaction import Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateNodes:
    """Add nodes, all or none. Nodes with an empty name are numbered."""

    nodes: tuple[Node, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CreatePods:
    """Add pods, all or none. Pods with an empty name are numbered."""

    pods: tuple[Pod, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeletePod:
    namespace: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteNode:
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RestartNode:
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InjectFault:
    name: str
    kind: FaultKind
    restart: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class HealNode:
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateToken:
    """A token by which machines join, or by which somebody may do anything."""

    purpose: Literal["join", "admin"]
    valid_ms: int | None
    subject: str = ""
    """Who is meant by it, such as a service account; empty: nobody in particular."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RevokeToken:
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CreatedToken:
    token: Token
    text: TokenText


Operation = (
    CreateNodes | CreatePods | DeletePod | DeleteNode | RestartNode | InjectFault | HealNode
    | CreateToken | RevokeToken | JoinNode | Register | Beat | BeatPath | ReportPods | ObjectOperation | PodOperation
)  # fmt: skip
Outcome = (
    # Lists are the records that were written, of the kind that the operation is about.
    list[Node] | list[Pod] | list[Any] | CreatedToken | JoinedNode | Registration | Reported | Done | KuberkloneError
)  # fmt: skip

_SOURCE = "api"


def weight(operation: Operation) -> int:
    """About how many rows the operation writes."""
    match operation:
        case CreateNodes(nodes=created):
            return len(created)
        case CreatePods(pods=created_pods):
            return len(created_pods)
        case ReportPods(pods=reported, removed=removed):
            # A removal may be followed by the insertion of a successor.
            return len(reported) + 2 * len(removed)
        case _:
            return 1


def revisions(operation: Operation) -> int:
    """How many revisions to take for the operation at once; those it needs beyond that cost another statement.

    None for rows that have no revision, nor for reports, most of which say what is known: the revision would grow while
    nothing changes.
    """
    match operation:
        case Beat() | BeatPath() | CreateToken() | RevokeToken() | ReportPods():
            return 0
        case _:
            return weight(operation)


class Applier:
    """Applies operations; keeps the numbering of unnamed records between transactions."""

    def __init__(self) -> None:
        self._node_names = Numbering(schema.nodes, "node")
        self._pod_names = Numbering(schema.pods, "pod", namespace=namespace.DEFAULT)

    def apply(self, transaction: Transaction, operations: Sequence[Operation]) -> list[Outcome]:
        """The outcome of each operation, in order."""
        outcomes: list[Outcome] = []
        for kind, group in groupby(operations, type):
            run = list(group)
            # What comes by the thousand is done by few statements for all.
            if kind is CreatePods:
                outcomes += self._create_pods(transaction, [op for op in run if isinstance(op, CreatePods)])
            elif kind is ReportPods:
                outcomes += reports.apply(transaction, [op for op in run if isinstance(op, ReportPods)])
            elif kind is Beat:
                outcomes += agents.beat(transaction, [op for op in run if isinstance(op, Beat)])
            elif kind is CreateObject:
                outcomes += object_operations.create(transaction, [op for op in run if isinstance(op, CreateObject)])
            else:
                outcomes += [self._one(transaction, operation) for operation in run]
        crashpoints.reach("api.applied")
        return outcomes

    def _one(self, transaction: Transaction, operation: Operation) -> Outcome:
        try:
            match operation:
                case CreateNodes():
                    return self._create_nodes(transaction, operation)
                case DeletePod():
                    return [_delete_pod(transaction, operation)]
                case DeleteNode():
                    return [_delete_node(transaction, operation)]
                case RestartNode():
                    return [_restart_node(transaction, operation)]
                case InjectFault():
                    return [_inject_fault(transaction, operation)]
                case HealNode():
                    return [_heal_node(transaction, operation)]
                case CreatePods():
                    return self._create_pods(transaction, [operation])[0]
                case BindPod() | EvictPod():
                    return pod_operations.apply(transaction, operation)
                case CreateObject() | ReplaceObject() | DeleteObject():
                    return object_operations.apply(transaction, [operation])[0]
                case CreateToken() | RevokeToken():
                    return _change_tokens(transaction, operation)
                case _:
                    return self._of_an_agent(transaction, operation)
        except KuberkloneError as error:
            return error

    def _of_an_agent(
        self, transaction: Transaction, operation: JoinNode | Register | Beat | BeatPath | ReportPods
    ) -> Outcome:
        match operation:
            case JoinNode():
                return joining.join(transaction, operation, self._node_names)
            case Register():
                return agents.register(transaction, operation)
            case Beat():
                return agents.beat(transaction, [operation])[0]
            case BeatPath():
                return agents.beat_path(transaction)
            case ReportPods():
                return reports.apply(transaction, [operation])[0]

    def _create_nodes(self, transaction: Transaction, operation: CreateNodes) -> list[Node]:
        unnamed = sum(not node.name for node in operation.nodes)
        given = {node.name for node in operation.nodes}
        numbered = iter(self._node_names.names(transaction, unnamed, but=given) if unnamed else [])
        named = [node if node.name else msgspec.structs.replace(node, name=next(numbered)) for node in operation.nodes]
        _refuse_twins([node.name for node in named])
        taken = nodes.taken_names(transaction.connection, [node.name for node in named])
        if taken:
            raise AlreadyExists("name", f"a node named {min(taken)} exists already; choose another name")
        return nodes.create(transaction, named)

    def _create_pods(
        self, transaction: Transaction, operations: Sequence[CreatePods]
    ) -> list[list[Pod] | KuberkloneError]:
        """All operations by one check and one insert: this is the path of thousands of requests per second."""
        unnamed = sum(not pod.name for operation in operations for pod in operation.pods)
        given = {pod.name for operation in operations for pod in operation.pods} if unnamed else set()
        numbered = iter(self._pod_names.names(transaction, unnamed, but=given) if unnamed else [])
        groups = [
            [pod if pod.name else msgspec.structs.replace(pod, name=next(numbered)) for pod in operation.pods]
            for operation in operations
        ]
        taken = pods.taken_names(
            transaction.connection, [(pod.namespace, pod.name) for group in groups for pod in group]
        )
        outcomes: list[list[Pod] | KuberkloneError] = []
        accepted: list[Pod] = []
        for group in groups:
            keys = [(pod.namespace, pod.name) for pod in group]
            clash = next((name for namespace, name in keys if (namespace, name) in taken), None)
            try:
                if clash is not None:
                    raise AlreadyExists("name", f"a pod named {clash} exists already; choose another name")
                _refuse_twins(keys)
            except AlreadyExists as error:
                outcomes.append(error)
                continue
            taken.update(keys)
            accepted += group
            outcomes.append(list(group))
        written = iter(pods.create(transaction, accepted))
        return [
            outcome if isinstance(outcome, KuberkloneError) else [next(written) for _ in outcome]
            for outcome in outcomes
        ]


def _refuse_twins(keys: Sequence[object]) -> None:
    if len(set(keys)) < len(keys):
        raise AlreadyExists("name", "two of the records have the same name; give each its own")


def _node(transaction: Transaction, name: str) -> Node:
    found = nodes.named(transaction.connection, [name])
    if not found:
        raise NotFound(f"there is no node named {name}")
    return found[0]


def _delete_pod(transaction: Transaction, operation: DeletePod) -> Pod:
    pod = pods.named(transaction.connection, operation.namespace, operation.name)
    if pod is None:
        raise NotFound(f"there is no pod named {operation.name}")
    # A person's wish goes before a node's failure: whatever the reason was until now, no successor follows.
    marked = msgspec.structs.replace(
        pod,
        deleting_ms=transaction.now_ms if pod.deleting_ms is None else pod.deleting_ms,
        deletion_cause="User",
        deletion_grace_s=pod_kind.termination_grace_s(pod),
    )
    if pod.node_name is None:
        # Nothing runs anywhere, so there is nobody to wait for.
        removed, _ = removal.remove_pods(transaction, [marked])
        return removed[0]
    if marked == pod:
        return pod
    columns = ("deleting_ms", "deletion_cause", "deletion_grace_s")
    return pods.update(transaction, [Update(pod, marked)], columns)[0]


def _delete_node(transaction: Transaction, operation: DeleteNode) -> Node:
    node = _node(transaction, operation.name)
    if node.deleting_ms is not None:
        return node
    marked = msgspec.structs.replace(node, deleting_ms=transaction.now_ms, deletion_cause="User")
    return nodes.update(transaction, [Update(node, marked)], ("deleting_ms", "deletion_cause"))[0]


def _restart_node(transaction: Transaction, operation: RestartNode) -> Node:
    node = _node(transaction, operation.name)
    _refuse_terminating(node)
    if node.provider == "external":
        raise Refused(f"node {node.name} is a machine of its own; restart it where it is")
    _allow_boot(transaction, node)
    wanted = msgspec.structs.replace(node, restarts_wanted=node.restarts_wanted + 1)
    return nodes.update(transaction, [Update(node, wanted)], ("restarts_wanted",))[0]


def _inject_fault(transaction: Transaction, operation: InjectFault) -> Node:
    node = _node(transaction, operation.name)
    _refuse_terminating(node)
    if node.provider != "simulated":
        raise Refused(f"node {node.name} is {node.provider}; faults can be injected into simulated nodes only")
    fault = Fault(
        node_uid=node.uid,
        kind=operation.kind,
        restart=operation.restart,
        since_ms=transaction.now_ms,
        boot_id=node.boot_id,
    )
    faults.put(transaction.connection, [fault])
    note = events.about_node(node, "FaultInjected", f"A person made the node {operation.kind}.", type="Warning")
    events.record(transaction, [note], source=_SOURCE)
    return node


def _heal_node(transaction: Transaction, operation: HealNode) -> Node:
    node = _node(transaction, operation.name)
    _refuse_terminating(node)
    fault = next((row for row in faults.all_faults(transaction.connection) if row.node_uid == node.uid), None)
    if fault is None:
        raise Refused(f"node {node.name} has no injected fault to heal")
    events.record(
        transaction, [events.about_node(node, "FaultHealed", f"A person healed the {fault.kind}.")], source=_SOURCE
    )
    if fault.kind == "crash":
        # A machine that is off comes back by a boot only.
        return _restart_node(transaction, RestartNode(name=node.name))
    faults.heal(transaction.connection, [node.uid])
    return node


def _change_tokens(transaction: Transaction, operation: CreateToken | RevokeToken) -> CreatedToken | Done:
    if isinstance(operation, CreateToken):
        tokens.remove_expired(transaction)
        token, text = tokens.create(
            transaction, operation.purpose, subject=operation.subject, valid_ms=operation.valid_ms
        )
        return CreatedToken(token=token, text=text)
    if not tokens.revoke(transaction, operation.id):
        raise NotFound(f"there is no token {operation.id:.80}; kuberklone token list shows them")
    return Done()


def _refuse_terminating(node: Node) -> None:
    if node.deleting_ms is not None:
        raise Refused(f"node {node.name} is being deleted")


def _allow_boot(transaction: Transaction, node: Node) -> None:
    """A restart that a person asks for ends a crash, also one that was to stay."""
    table = schema.faults
    transaction.connection.execute(
        table.update().where(table.c.node_uid == node.uid, table.c.kind == "crash").values(restart=True)
    )
