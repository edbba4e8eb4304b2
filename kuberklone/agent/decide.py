"""What a real agent does with its containers: from what should run and what exists to what to do next.

It keeps the rules of `lifecycle`, which simulated nodes play in full. What is more here is what a real engine adds:
containers that take time to end, that fail to start, that crash and wait, and several of them in one pod.

A plan holds only what is due now. Whatever it names is done in any order and may fail: the next look at the engine says
what became of it.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from kuberklone.agent.facts import NETWORK, Container, Key, Memory, Node, Pod, Policy
from kuberklone.agent.lifecycle import StopReason
from kuberklone.kinds.pod import FINISHED

# As the kubelet: the first restart comes at once, then waits double up to five minutes, and ten minutes of running
# are forgiveness.
BACKOFF_FIRST_MS = 10_000
BACKOFF_MAX_MS = 300_000
FORGIVEN_AFTER_MS = 600_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """Ask a container to end."""

    key: Key
    container_id: str
    reason: StopReason


@dataclass(frozen=True, slots=True, kw_only=True)
class Kill:
    """End it; its logs and exit code stay."""

    key: Key
    container_id: str
    reason: StopReason


@dataclass(frozen=True, slots=True, kw_only=True)
class Remove:
    """Leave nothing of it, even if it runs. `reason` is None where a later run has taken its place."""

    key: Key
    container_id: str
    reason: StopReason | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Make the container and start it. One that was made already, and never started, is taken over."""

    key: Key
    attempt: int
    restart_delay_ms: int = 0
    network_of: str | None = None
    """The container whose network it joins."""


Action = Signal | Kill | Remove | Run


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    actions: tuple[Action, ...] = ()
    removed: tuple[str, ...] = ()
    """Pods that were being deleted and of which nothing exists any more."""
    blocked: bool = False
    """Nothing is started, since something that has to be stopped first still runs."""
    wake_ms: int | None = None
    """The moment at which time alone makes something due."""


@dataclass(frozen=True, slots=True)
class _At:
    """Something becomes due at a moment."""

    moment_ms: int


_Step = Action | _At


@dataclass(frozen=True, slots=True, kw_only=True)
class _View:
    node: Node
    memory: Memory
    now_ms: int


def decide(
    pods: Mapping[str, Pod] | None, containers: Sequence[Container], *, node: Node, memory: Memory, now_ms: int
) -> Plan:
    """The plan for all pods of the node; `pods` is None while the agent was told nothing yet."""
    view = _View(node=node, memory=memory, now_ms=now_ms)
    by_pod: dict[str, list[Container]] = defaultdict(list)
    steps: list[_Step] = []
    blocked = False
    for container in containers:
        reason = _astray(container, pods, node)
        if reason is None:
            by_pod[container.pod_uid].append(container)
            continue
        # Without a grace: its place may be taken already.
        steps.append(Remove(key=container.key, container_id=container.id, reason=reason))
        blocked = blocked or container.state == "Running"
    for pod in (pods or {}).values():
        steps.extend(_of_pod(pod, by_pod[pod.uid], view))
    present = {container.pod_uid for container in containers} | {key.pod_uid for key in memory.busy}
    return Plan(
        actions=tuple(
            step
            for step in steps
            if not isinstance(step, _At) and step.key not in memory.busy and not (blocked and isinstance(step, Run))
        ),
        removed=tuple(
            pod.uid for pod in (pods or {}).values() if pod.deleting and not pod.held and pod.uid not in present
        ),
        blocked=blocked,
        wake_ms=min((step.moment_ms for step in steps if isinstance(step, _At)), default=None),
    )


def may_run(pod: Pod, node: Node, now_ms: int) -> bool:
    """Whether nobody else can be about to start the pod."""
    return pod.on_node_failure != "Reschedule" or node.holds_grant(now_ms)


def restarts(policy: Policy, exit_code: int) -> bool:
    """Whether a container that ended is run again."""
    return policy == "Always" or (policy == "OnFailure" and exit_code != 0)


def init_policy(policy: Policy) -> Policy:
    """Init containers end; only a failure is a reason to run one again."""
    return "Never" if policy == "Never" else "OnFailure"


def restart_at_ms(ended: Container) -> int:
    """When the container may be run again."""
    return ended.ended_ms if _is_forgiven(ended) else ended.ended_ms + ended.restart_delay_ms


def newest_of(containers: Iterable[Container]) -> dict[str, Container]:
    """The last run of each container of a pod."""
    newest: dict[str, Container] = {}
    for container in containers:
        if container.name not in newest or newest[container.name].attempt < container.attempt:
            newest[container.name] = container
    return newest


def init_is_done(pod: Pod, newest: Mapping[str, Container]) -> bool:
    """Whether the pod's own containers may start. Where one exists it was done, even if its traces are gone."""
    return any(name in newest for name in pod.mains) or all(
        name in newest and newest[name].state == "Exited" and newest[name].exit_code == 0 for name in pod.init
    )


def _astray(container: Container, pods: Mapping[str, Pod] | None, node: Node) -> StopReason | None:
    if container.boot_id != node.boot_id:
        return "EarlierBoot"
    return "PodGone" if pods is not None and container.pod_uid not in pods else None


def _of_pod(pod: Pod, own: Sequence[Container], view: _View) -> Iterator[_Step]:
    granted = may_run(pod, view.node, view.now_ms)
    # Half of the time that a grant leaves for stopping, so that SIGKILL comes before its end.
    brief_ms = view.node.grant.stopping_ms // 2
    # A pod that may be started elsewhere has no longer grace than the grant, whoever wants it stopped.
    grace_ms = pod.grace_ms if granted else min(pod.grace_ms, brief_ms)
    if granted and own and pod.on_node_failure == "Reschedule":
        yield _At(view.node.grant.stop_at_ms)
    if pod.deleting:
        yield from _stop(own, view, reason="Deleted", grace_ms=grace_ms, forget=not pod.held)
    elif pod.phase in FINISHED:
        # What has ended is kept, with its logs, until the pod is deleted.
        yield from _stop(own, view, reason="Finished", grace_ms=grace_ms, forget=False)
    elif not granted:
        yield from _stop(own, view, reason="GrantEnded", grace_ms=brief_ms, forget=True)
    else:
        # What was told to end when the grant did is not to be taken for something that ended by itself.
        ending = [container for container in own if container.id in view.memory.signalled]
        yield from _stop(ending, view, reason="GrantEnded", grace_ms=brief_ms, forget=True)
        if not ending and not pod.invalid:
            yield from _run(pod, own, view)


def _stop(
    containers: Sequence[Container], view: _View, *, reason: StopReason, grace_ms: int, forget: bool
) -> Iterator[_Step]:
    """SIGTERM, then the grace, then SIGKILL. Whoever holds the network of others goes last."""
    runs = [container for container in containers if container.state == "Running"]
    others_run = any(container.name != NETWORK for container in runs)
    for container in containers:
        if container.state != "Running":
            if forget:
                yield Remove(key=container.key, container_id=container.id, reason=reason)
            continue
        if container.name == NETWORK and others_run:
            continue
        signalled_ms = view.memory.signalled.get(container.id)
        if grace_ms <= 0 or (signalled_ms is not None and signalled_ms + grace_ms <= view.now_ms):
            yield Kill(key=container.key, container_id=container.id, reason=reason)
        elif signalled_ms is None:
            yield Signal(key=container.key, container_id=container.id, reason=reason)
        else:
            yield _At(signalled_ms + grace_ms)


def _run(pod: Pod, own: Sequence[Container], view: _View) -> Iterator[_Step]:
    newest = newest_of(own)
    for container in own:
        # One run before the last is kept: its end is the pod's `lastState`, and its logs are the ones asked for. One
        # that runs although a later one was made was started by another hand.
        behind = newest[container.name].attempt - container.attempt
        if behind > 1 or (behind and container.state == "Running"):
            yield Remove(key=container.key, container_id=container.id)
    if any(_runs(container) and container != newest[container.name] for container in own):
        return
    if view.now_ms < pod.starts_at_ms:
        yield _At(pod.starts_at_ms)
        return
    if pod.has_network and not _runs(newest.get(NETWORK)):
        yield from _renew_network(pod, own, newest, view)
    elif not init_is_done(pod, newest):
        name = next(each for each in pod.init if not _succeeded(newest.get(each)))
        yield from _ensure(pod, name, newest, view, policy=init_policy(pod.policy))
    else:
        for name in pod.mains:
            yield from _ensure(pod, name, newest, view, policy=pod.policy)


def _renew_network(pod: Pod, own: Sequence[Container], newest: Mapping[str, Container], view: _View) -> Iterator[_Step]:
    """Whoever joined a network that is gone has none, so all of them start anew."""
    cut_off = [container for container in own if container.state == "Running"]
    for container in cut_off:
        yield Kill(key=container.key, container_id=container.id, reason="Crashed")
    if not cut_off:
        yield from _ensure(pod, NETWORK, newest, view, policy="Always")


def _ensure(pod: Pod, name: str, newest: Mapping[str, Container], view: _View, *, policy: Policy) -> Iterator[_Step]:
    """Have it run, or wait for the moment at which it may be tried again."""
    key = Key(pod.uid, name)
    last = newest.get(name)
    if _runs(last):
        return
    failure = view.memory.failures.get(key)
    if failure is not None:
        if failure.at_start and policy == "Never":
            return
        if view.now_ms < failure.retry_at_ms:
            yield _At(failure.retry_at_ms)
            return
    network_of = newest[NETWORK].id if pod.has_network and name != NETWORK else None
    if last is None:
        yield Run(key=key, attempt=_first_attempt(pod), network_of=network_of)
    elif last.state == "Created":
        yield Run(key=key, attempt=last.attempt, restart_delay_ms=last.restart_delay_ms, network_of=network_of)
    elif restarts(policy, last.exit_code):
        if view.now_ms < restart_at_ms(last):
            yield _At(restart_at_ms(last))
        else:
            yield Run(key=key, attempt=last.attempt + 1, restart_delay_ms=_next_delay_ms(last), network_of=network_of)


def _first_attempt(pod: Pod) -> int:
    """A pod that ran already, and of which nothing is left, is restarted: its count goes on.

    The cluster keeps one count per pod, so where there are several containers theirs begin anew.
    """
    has_run = pod.phase == "Running" and not pod.init and len(pod.mains) == 1
    return pod.restarts + 1 if has_run else 0


def _next_delay_ms(ended: Container) -> int:
    if ended.restart_delay_ms == 0 or _is_forgiven(ended):
        return BACKOFF_FIRST_MS
    return min(BACKOFF_MAX_MS, ended.restart_delay_ms * 2)


def _is_forgiven(ended: Container) -> bool:
    return ended.ended_ms - ended.started_ms >= FORGIVEN_AFTER_MS


def _runs(container: Container | None) -> bool:
    return container is not None and container.state == "Running"


def _succeeded(container: Container | None) -> bool:
    return container is not None and container.state == "Exited" and container.exit_code == 0
