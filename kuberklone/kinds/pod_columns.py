"""What `kubectl get pods` prints of a pod: how many containers are ready, one word for its state, and its restarts.

Source: `printPod` in pkg/printers/internalversion of Kubernetes, so that the words are those that people search for.
"""

from dataclasses import dataclass, field
from typing import Any

from kuberklone.apimachinery.document import Document
from kuberklone.kinds import columns, durations
from kuberklone.kinds.kind import Column
from kuberklone.kinds.pod import FINISHED

_NODE_LOST = "NodeLost"


@dataclass(slots=True)
class _Summary:
    """What is gathered from container after container."""

    status: str
    ready: int = 0
    total: int = 0
    restarts: int = 0
    restarted_ms: int | None = None
    sidecar_restarts: int = 0
    sidecar_restarted_ms: int | None = None
    initializing: bool = False
    sidecars: frozenset[str] = field(default_factory=frozenset)


def _summary(document: Document) -> _Summary:
    spec, status = document.get("spec") or {}, document.get("status") or {}
    inits = spec.get("initContainers") or []
    sidecars = frozenset(each.get("name", "") for each in inits if each.get("restartPolicy") == "Always")
    found = _Summary(
        status=status.get("reason") or status.get("phase") or "",
        total=len(spec.get("containers") or []) + len(sidecars),
        sidecars=sidecars,
    )
    conditions = {each.get("type"): each for each in status.get("conditions") or []}
    if conditions.get("PodScheduled", {}).get("reason") == "SchedulingGated":
        found.status = "SchedulingGated"
    _init_containers(found, status.get("initContainerStatuses") or [], count=len(inits))
    if not found.initializing or conditions.get("Initialized", {}).get("status") == "True":
        is_ready = conditions.get("Ready", {}).get("status") == "True"
        _containers(found, status.get("containerStatuses") or [], is_ready=is_ready)
    if document["metadata"].get("deletionTimestamp"):
        if status.get("reason") == _NODE_LOST:
            found.status = "Unknown"
        elif status.get("phase") not in FINISHED:
            found.status = "Terminating"
    return found


def _init_containers(found: _Summary, statuses: list[Document], *, count: int) -> None:
    for place, each in enumerate(statuses):
        state: Document = each.get("state") or {}
        terminated, waiting = state.get("terminated"), state.get("waiting")
        _count_restarts(found, each)
        is_sidecar = each.get("name") in found.sidecars
        if is_sidecar:
            found.sidecar_restarts += each.get("restartCount") or 0
            found.sidecar_restarted_ms = _later(found.sidecar_restarted_ms, each)
        if terminated is not None and not terminated.get("exitCode"):
            continue
        if is_sidecar and each.get("started"):
            found.ready += bool(each.get("ready"))
            continue
        if terminated is not None:
            found.status = f"Init:{_end(terminated)}"
        elif waiting is not None and waiting.get("reason") not in (None, "", "PodInitializing"):
            found.status = f"Init:{waiting['reason']}"
        else:
            found.status = f"Init:{place}/{count}"
        found.initializing = True
        return


def _containers(found: _Summary, statuses: list[Document], *, is_ready: bool) -> None:
    # Init containers that have ended are of no interest any more; sidecars go on.
    found.restarts, found.restarted_ms = found.sidecar_restarts, found.sidecar_restarted_ms
    has_running = False
    for each in reversed(statuses):
        state: Document = each.get("state") or {}
        terminated, waiting = state.get("terminated"), state.get("waiting")
        _count_restarts(found, each)
        if waiting is not None and waiting.get("reason"):
            found.status = waiting["reason"]
        elif terminated is not None:
            found.status = _end(terminated)
        elif each.get("ready") and state.get("running") is not None:
            has_running = True
            found.ready += 1
    if found.status == "Completed" and has_running:
        found.status = "Running" if is_ready else "NotReady"


def _end(terminated: Document) -> str:
    """How a container ended, in one word."""
    if terminated.get("reason"):
        return str(terminated["reason"])
    if terminated.get("signal"):
        return f"Signal:{terminated['signal']}"
    return f"ExitCode:{terminated.get('exitCode') or 0}"


def _count_restarts(found: _Summary, status: Document) -> None:
    found.restarts += status.get("restartCount") or 0
    found.restarted_ms = _later(found.restarted_ms, status)


def _later(moment_ms: int | None, status: Document) -> int | None:
    last: Any = (status.get("lastState") or {}).get("terminated") or {}
    ended = durations.moment_ms(last.get("finishedAt"))
    return moment_ms if ended is None else max(ended, moment_ms or 0)


def status(document: Document, now_ms: int) -> str:
    """The one word for a pod: `Running`, `ContainerCreating`, `Init:0/1`, `CrashLoopBackOff`, `Terminating`, …"""
    del now_ms
    return _summary(document).status


def _ready(document: Document, now_ms: int) -> str:
    del now_ms
    found = _summary(document)
    return f"{found.ready}/{found.total}"


def _restarts(document: Document, now_ms: int) -> str:
    found = _summary(document)
    if not found.restarts or found.restarted_ms is None:
        return str(found.restarts)
    return f"{found.restarts} ({durations.short((now_ms - found.restarted_ms) // 1000)} ago)"


def _gates(document: Document, now_ms: int) -> str:
    del now_ms
    gates = columns.at(document, "spec.readinessGates") or []
    if not gates:
        return columns.UNSET
    conditions = {each.get("type"): each.get("status") for each in columns.at(document, "status.conditions") or []}
    passed = sum(conditions.get(gate.get("conditionType")) == "True" for gate in gates)
    return f"{passed}/{len(gates)}"


COLUMNS = (
    columns.NAME,
    Column(name="Ready", description="Containers that are ready, of all.", value=_ready),
    Column(name="Status", description="What the pod is doing, in a word.", value=status),
    Column(name="Restarts", description="How often its containers were started again.", value=_restarts),
    columns.AGE,
    Column(name="IP", priority=1, description="Its address.", value=columns.text("status.podIP", columns.UNSET)),
    Column(
        name="Node", priority=1, description="Where it was placed.", value=columns.text("spec.nodeName", columns.UNSET)
    ),
    Column(
        name="Nominated Node",
        priority=1,
        description="Where room is being made for it.",
        value=columns.text("status.nominatedNodeName", columns.UNSET),
    ),
    Column(name="Readiness Gates", priority=1, description="Gates that are passed, of all.", value=_gates),
)
