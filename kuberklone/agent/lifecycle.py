"""What a node's agent does with its pods: one pure step after the other, for simulated nodes and real agents alike.

The rules that keep two copies of one namespace/name from running:

* A container of an earlier boot is gone, whatever else holds: the machine that ran it no longer exists.
* A container whose pod is gone or belongs elsewhere is stopped before anything is started.
* The cluster may move a Reschedule pod once the run grant of its node has ended, so at that end the agent stops such
  pods, connected or not. Any other pod runs on: nobody else will start it, and an outage of the API is no outage of
  workloads. When the agent is heard again, pods that are still its own are started anew.

Times that a person plans (`start_delay_ms`, `run_ms`) pass while a node is frozen: a process that waits for a moment
finds, thawed, that it has passed.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from kuberklone.kinds.pod import FINISHED, OnNodeFailure, Phase

SLOW_FACTOR = 10
SLOW_STOP_MS = 1_000
"""Ten times the tenth of a second that an ordinary process takes to end; for a node that is not slow that tenth is not
played, because it would be a wake-up per deleted pod that nobody could see."""

Condition = Literal["well", "slow", "partitioned", "frozen", "crashed"]
StopReason = Literal["EarlierBoot", "NodeGone", "Crashed", "GrantEnded", "PodGone", "Deleted", "Finished"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PodFacts:
    """A pod bound to this node."""

    uid: str
    namespace: str = "default"
    name: str
    phase: Phase = "Pending"
    bound_ms: int
    deleting_ms: int | None = None
    deletion_grace_s: int | None = None
    held: bool = False
    """Has finalizers: it is stopped, but whoever holds it must let go before it is removed."""
    on_node_failure: OnNodeFailure = "Delete"
    start_delay_ms: int = 0
    run_ms: int | None = None
    planned_exit_code: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """What truly runs, or ran, for a pod."""

    pod_uid: str
    boot_id: str
    state: Literal["Running", "Exited"] = "Running"
    started_ms: int
    ends_at_ms: int | None = None
    exit_code: int | None = None
    ended_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    node_name: str
    boot_id: str
    """What the machine runs now."""
    condition: Condition = "well"
    granted_until_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """End what runs, if it still does, and forget the container."""

    pod_uid: str
    reason: StopReason


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    pod_uid: str
    namespace: str
    name: str
    node_name: str
    boot_id: str
    started_ms: int
    ends_at_ms: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Exit:
    """The container ended by itself."""

    pod_uid: str
    exit_code: int
    ended_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The pod's observed columns; None leaves a column as it is."""

    pod_uid: str
    phase: Phase
    started_ms: int | None = None
    finished_ms: int | None = None
    exit_code: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Remove:
    """The stop is confirmed: the deletion can be finished."""

    pod_uid: str


Action = Stop | Start | Exit | Report | Remove


def step(pod: PodFacts | None, container: Container | None, *, agent: Agent, now_ms: int) -> Action | None:
    """The next thing to do for one pod, or None. `pod` is None where the pod is gone or bound to another node."""
    if container is not None:
        action = _run(pod, container, agent=agent, now_ms=now_ms)
        if action is not None:
            return action
    if agent.condition in ("partitioned", "frozen", "crashed") or pod is None:
        return None  # No word of a pod reaches the agent, nor does one leave it.
    if pod.deleting_ms is not None:
        # With a container, it is still stopping.
        return Remove(pod_uid=pod.uid) if container is None and not pod.held else None
    if pod.phase in FINISHED:
        return None
    if container is None:
        return _start(pod, agent=agent, now_ms=now_ms)
    return _report(pod, container)


def settle(
    pod: PodFacts | None, container: Container | None, *, agent: Agent, now_ms: int
) -> tuple[tuple[Action, ...], int | None]:
    """All steps that are due now, each taken as done at once, and the time at which the next one will be."""
    actions: list[Action] = []
    while (action := step(pod, container, agent=agent, now_ms=now_ms)) is not None:
        actions.append(action)
        if isinstance(action, Remove):
            return tuple(actions), None
        pod, container = _after(action, pod, container)
    return tuple(actions), next_step_ms(pod, container, agent=agent, now_ms=now_ms)


def next_step_ms(pod: PodFacts | None, container: Container | None, *, agent: Agent, now_ms: int) -> int | None:
    """The moment after now at which time alone makes `step` do something."""
    moments = [moment_ms for moment_ms in _moments_ms(pod, container, agent=agent) if moment_ms > now_ms]
    return min(moments, default=None)


def _moments_ms(pod: PodFacts | None, container: Container | None, *, agent: Agent) -> Iterator[int]:
    if agent.condition in ("frozen", "crashed"):
        return
    connected = agent.condition != "partitioned"
    if container is not None and container.state == "Running":
        if container.ends_at_ms is not None:
            yield container.ends_at_ms
        # A node that is heard gets a new grant before the old one ends; waking up for each would be for nothing.
        if not connected and _needs_grant(pod):
            yield agent.granted_until_ms
        if connected and pod is not None and pod.deleting_ms is not None:
            yield _stop_at_ms(pod, pod.deleting_ms, agent=agent)
    if not connected or pod is None:
        return
    if container is None and pod.deleting_ms is None and pod.phase not in FINISHED:
        yield _start_at_ms(pod, agent=agent)


def _run(pod: PodFacts | None, container: Container, *, agent: Agent, now_ms: int) -> Action | None:
    """What becomes of a container: first what physics does, then what the agent does of its own, then what it obeys."""
    if container.boot_id != agent.boot_id:
        return Stop(pod_uid=container.pod_uid, reason="EarlierBoot")
    if agent.condition == "crashed":
        return Stop(pod_uid=container.pod_uid, reason="Crashed")
    if agent.condition == "frozen":
        return None
    if container.state == "Running":
        action = _run_out(pod, container, agent=agent, now_ms=now_ms)
        if action is not None:
            return action
    return None if agent.condition == "partitioned" else _obey(pod, container, agent=agent, now_ms=now_ms)


def _run_out(pod: PodFacts | None, container: Container, *, agent: Agent, now_ms: int) -> Action | None:
    """The end of the planned run, or of the grant. If both passed while we were away, the earlier one happened."""
    grant_ends_ms = agent.granted_until_ms if _needs_grant(pod) else None
    ends_ms = container.ends_at_ms
    if ends_ms is not None and ends_ms <= now_ms and (grant_ends_ms is None or ends_ms < grant_ends_ms):
        return Exit(
            pod_uid=container.pod_uid, exit_code=pod.planned_exit_code if pod is not None else 0, ended_ms=ends_ms
        )
    if grant_ends_ms is not None and grant_ends_ms <= now_ms:
        return Stop(pod_uid=container.pod_uid, reason="GrantEnded")
    return None


def _obey(pod: PodFacts | None, container: Container, *, agent: Agent, now_ms: int) -> Stop | None:
    """What the cluster wants ended."""
    if pod is None:
        return Stop(pod_uid=container.pod_uid, reason="PodGone")
    if pod.deleting_ms is not None:
        stopped = container.state == "Exited" or _stop_at_ms(pod, pod.deleting_ms, agent=agent) <= now_ms
        return Stop(pod_uid=pod.uid, reason="Deleted") if stopped else None
    return Stop(pod_uid=pod.uid, reason="Finished") if pod.phase in FINISHED else None


def _needs_grant(pod: PodFacts | None) -> bool:
    """Whether a copy may start elsewhere once the grant has ended. A pod that is gone may have left a successor."""
    return pod is None or pod.on_node_failure == "Reschedule"


def _start_at_ms(pod: PodFacts, *, agent: Agent) -> int:
    factor = SLOW_FACTOR if agent.condition == "slow" else 1
    return pod.bound_ms + pod.start_delay_ms * factor


def _stop_at_ms(pod: PodFacts, deleting_ms: int, *, agent: Agent) -> int:
    """The grace of the deletion bounds how long a slow node may take, as it bounds a process that ignores SIGTERM."""
    if agent.condition != "slow":
        return deleting_ms
    if pod.deletion_grace_s is None:
        return deleting_ms + SLOW_STOP_MS
    return deleting_ms + min(SLOW_STOP_MS, pod.deletion_grace_s * 1000)


def _start(pod: PodFacts, *, agent: Agent, now_ms: int) -> Start | None:
    if now_ms < _start_at_ms(pod, agent=agent) or (_needs_grant(pod) and agent.granted_until_ms <= now_ms):
        return None
    return Start(
        pod_uid=pod.uid,
        namespace=pod.namespace,
        name=pod.name,
        node_name=agent.node_name,
        boot_id=agent.boot_id,
        started_ms=now_ms,
        # At least a moment: a run that starts and ends in one step would be seen by nobody.
        ends_at_ms=None if pod.run_ms is None else now_ms + max(1, pod.run_ms),
    )


def _report(pod: PodFacts, container: Container) -> Report | None:
    if container.state == "Running":
        # A pod started again after a reboot is Running already, and its start time stays, as a kubelet leaves it.
        return (
            Report(pod_uid=pod.uid, phase="Running", started_ms=container.started_ms)
            if pod.phase == "Pending"
            else None
        )
    return Report(
        pod_uid=pod.uid,
        phase="Succeeded" if container.exit_code == 0 else "Failed",
        started_ms=container.started_ms if pod.phase == "Pending" else None,
        finished_ms=container.ended_ms,
        exit_code=container.exit_code,
    )


def _after(
    action: Stop | Start | Exit | Report, pod: PodFacts | None, container: Container | None
) -> tuple[PodFacts | None, Container | None]:
    """Pod and container as they are once the action is done."""
    if isinstance(action, Stop):
        return pod, None
    if isinstance(action, Start):
        started = Container(
            pod_uid=action.pod_uid, boot_id=action.boot_id, started_ms=action.started_ms, ends_at_ms=action.ends_at_ms
        )
        return pod, started
    if isinstance(action, Exit):
        assert container is not None, "only a container exits"
        return pod, replace(container, state="Exited", exit_code=action.exit_code, ended_ms=action.ended_ms)
    assert pod is not None, "a report is about a pod"
    return replace(pod, phase=action.phase), container
