"""What the agent reports of a pod: phase, reasons and the members of its status, in the kubelet's words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from msgspec import Raw

from kuberklone.agent import decide
from kuberklone.agent.facts import Container, Failure, Key, Memory, Pod, Policy
from kuberklone.kinds import json_text
from kuberklone.kinds.pod import Phase
from kuberklone.kinds.reporting import PodReport

# The bounds of reporting.PodReport; an engine's message may quote a whole command line.
_MESSAGE_LENGTH_MAX = 1_024
_WORD_LENGTH_MAX = 256

START_ERROR_EXIT_CODE = 128  # what the kubelet gives a container whose command could not be run

_CREATING = "ContainerCreating"
_INITIALIZING = "PodInitializing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What all pods of a node have in common."""

    node_address: str = ""
    now_ms: int = 0
    blocked: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Seen:
    """One container of the spec with what became of it."""

    name: str
    image: str
    policy: Policy
    last: Container | None
    before: Container | None
    failure: Failure | None
    now_ms: int

    @property
    def exit_code(self) -> int | None:
        """How it ended, if it did for good."""
        if self.failure is not None and self.failure.at_start and self.policy == "Never":
            return START_ERROR_EXIT_CODE
        ended = self.last if self.last is not None and self.last.state == "Exited" else None
        if ended is None or decide.restarts(self.policy, ended.exit_code):
            return None
        return ended.exit_code

    @property
    def runs(self) -> bool:
        return self.last is not None and self.last.state == "Running"

    @property
    def has_run(self) -> bool:
        return any(run is not None and run.state != "Created" for run in (self.last, self.before))

    def waiting(self) -> tuple[str, str] | None:
        """Why it waits, as reason and message, where something keeps it from running."""
        if self.runs or self.exit_code is not None:
            return None
        if self.failure is not None:
            return self.failure.reason, self.failure.message[:_MESSAGE_LENGTH_MAX]
        if self.last is not None and self.last.state == "Exited" and self.now_ms < decide.restart_at_ms(self.last):
            return (
                "CrashLoopBackOff",
                f"back-off {self.last.restart_delay_ms // 1000}s restarting failed container {self.name}",
            )
        return None


def report(
    pod: Pod, own: Sequence[Container], *, images: Mapping[str, str], memory: Memory, around: Surroundings
) -> PodReport:
    """What is to be said of a pod now; `images` are those that its spec names, by container."""
    newest = decide.newest_of(own)
    init_done = decide.init_is_done(pod, newest)

    def see(name: str, policy: Policy) -> _Seen:
        last = newest.get(name)
        before = [each for each in own if each.name == name and last is not None and each.attempt < last.attempt]
        return _Seen(
            name=name,
            image=images.get(name, ""),
            policy="Never" if pod.deleting else policy,
            last=last,
            before=max(before, key=lambda each: each.attempt, default=None),
            failure=memory.failures.get(Key(pod.uid, name)),
            now_ms=around.now_ms,
        )

    init = [see(name, decide.init_policy(pod.policy)) for name in pod.init]
    mains = [see(name, pod.policy) for name in pod.mains]
    phase = _phase(pod, init if not init_done else [], mains)
    reason, message = _reason(pod, [*init, *mains], blocked=around.blocked)
    finished = phase in ("Succeeded", "Failed")
    ended = [seen.last for seen in (*init, *mains) if seen.last is not None and seen.last.state == "Exited"]
    started = [seen.last.started_ms for seen in mains if seen.last is not None and seen.last.state != "Created"]
    return PodReport(
        uid=pod.uid,
        phase=phase,
        reason=reason[:_WORD_LENGTH_MAX] or None,
        message=message[:_MESSAGE_LENGTH_MAX] or None,
        pod_ip=_address(pod, own, around) or None,
        # A pod started again after a reboot keeps its first start, as a kubelet leaves it.
        started_ago_ms=max(0, around.now_ms - min(started)) if started and pod.phase == "Pending" else None,
        finished_ago_ms=(
            max(0, around.now_ms - max((each.ended_ms for each in ended), default=around.now_ms)) if finished else None
        ),
        exit_code=_exit_code([*init, *mains]) if finished else None,
        restarts=max(pod.restarts, sum(each.attempt for each in newest.values() if each.name in pod.mains)),
        status=Raw(json_text.text(_members(init, mains, around, init_done=init_done)).encode()),
    )


def _phase(pod: Pod, init: Sequence[_Seen], mains: Sequence[_Seen]) -> Phase:
    if any(seen.exit_code not in (None, 0) for seen in init):
        return "Failed"
    codes = [seen.exit_code for seen in mains]
    if not init and mains and all(code is not None for code in codes):
        return "Failed" if any(codes) else "Succeeded"
    # A pod that ran does not become Pending again: between two runs it is Running, as for the kubelet.
    if pod.phase == "Running" or (mains and not init and all(seen.has_run for seen in mains)):
        return "Running"
    return "Pending"


def _reason(pod: Pod, seen: Sequence[_Seen], *, blocked: bool) -> tuple[str, str]:
    """The first thing that a person should know of the pod."""
    if pod.invalid:
        return "CreateContainerConfigError", pod.invalid
    for each in seen:
        waiting = each.waiting()
        if waiting is not None:
            return waiting
    for each in seen:
        if each.exit_code:
            return _end(each)["reason"], ""
    if blocked and any(each.last is None for each in seen):
        return _CREATING, "waits until everything has stopped that must not run on this node any more"
    return "", ""


def _exit_code(seen: Sequence[_Seen]) -> int:
    return next((each.exit_code for each in seen if each.exit_code), 0)


def _address(pod: Pod, own: Sequence[Container], around: Surroundings) -> str:
    """Of the container that holds the network; a pod that shares its node's network has the node's address."""
    running = [container for container in own if container.state == "Running"]
    if not running:
        return ""
    return next((container.address for container in running if container.address), around.node_address)


def _members(init: Sequence[_Seen], mains: Sequence[_Seen], around: Surroundings, *, init_done: bool) -> dict[str, Any]:
    members: dict[str, Any] = {}
    if around.node_address:
        members["hostIP"] = around.node_address
    if init:
        members["initContainerStatuses"] = [_container(seen, otherwise=_INITIALIZING, done=init_done) for seen in init]
    members["containerStatuses"] = [
        _container(seen, otherwise=_CREATING if init_done else _INITIALIZING, done=False) for seen in mains
    ]
    return members


def _container(seen: _Seen, *, otherwise: str, done: bool) -> dict[str, Any]:
    last = seen.last
    made: dict[str, Any] = {
        "name": seen.name,
        "image": seen.image,
        "imageID": last.image_id if last else "",
        "ready": seen.runs or done,
        "started": seen.runs,
        "restartCount": last.attempt if last else 0,
        "state": _state(seen, otherwise),
    }
    if last is not None:
        made["containerID"] = f"docker://{last.id}"
    # While it waits for its next run, what ended last is its last state; else the run before.
    previous = last if "waiting" in made["state"] and last is not None and last.state == "Exited" else seen.before
    if previous is not None and previous.state == "Exited":
        made["lastState"] = {"terminated": _terminated(previous)}
    return made


def _state(seen: _Seen, otherwise: str) -> dict[str, Any]:
    if seen.last is not None and seen.runs:
        return {"running": {"startedAt": seen.last.started_at}}
    waiting = seen.waiting()
    if waiting is not None:
        return {"waiting": {"reason": waiting[0], "message": waiting[1]}}
    if seen.exit_code is not None:
        return {"terminated": _end(seen)}
    if seen.last is not None and seen.last.state == "Exited":
        return {"terminated": _terminated(seen.last)}
    return {"waiting": {"reason": otherwise}}


def _end(seen: _Seen) -> dict[str, Any]:
    if seen.failure is not None and seen.failure.at_start:
        return {
            "exitCode": START_ERROR_EXIT_CODE,
            "reason": "StartError",
            "message": seen.failure.message[:_MESSAGE_LENGTH_MAX],
        }
    assert seen.last is not None, "whatever has an exit code has run"
    return _terminated(seen.last)


def _terminated(ended: Container) -> dict[str, Any]:
    reason = "Completed" if ended.exit_code == 0 else "OOMKilled" if ended.out_of_memory else "Error"
    return {
        "exitCode": ended.exit_code,
        "reason": reason,
        **({"message": ended.error[:_MESSAGE_LENGTH_MAX]} if ended.error else {}),
        "startedAt": ended.started_at,
        "finishedAt": ended.ended_at,
        "containerID": f"docker://{ended.id}",
    }
