"""Facts for tests of what an agent decides, and actions it may come to, each with what most tests want."""

from dataclasses import replace
from typing import Any

from kuberklone.agent.decide import Action, Kill, Plan, Remove, Run, Signal, decide
from kuberklone.agent.facts import Container, Failure, Grant, Key, Memory, Node, Pod

NOW = 1_000_000
BOOT = "boot-1"
GRANT_MS = 40_000


def node(**changes: Any) -> Node:
    """A node that was heard a second ago."""
    grant = Grant(until_ms=NOW + GRANT_MS - 1_000, lasts_ms=GRANT_MS, renewed_ms=1)
    return replace(Node(name="node-1", boot_id=BOOT, grant=grant, listed_ms=NOW - 500), **changes)


def ungranted(**changes: Any) -> Node:
    return node(grant=Grant(until_ms=NOW, lasts_ms=GRANT_MS, renewed_ms=1), **changes)


def pod(**changes: Any) -> Pod:
    return replace(Pod(uid="pod-1", name="web"), **changes)


def container(**changes: Any) -> Container:
    """The pod's only container, which has been running for a minute."""
    return replace(Container(id="c-0", pod_uid="pod-1", boot_id=BOOT, started_ms=NOW - 60_000), **changes)


def exited(*, exit_code: int = 0, ago_ms: int = 1_000, **changes: Any) -> Container:
    return container(state="Exited", exit_code=exit_code, ended_ms=NOW - ago_ms, **changes)


def memory(
    *,
    signalled: dict[str, int] | None = None,
    failure: Failure | None = None,
    busy: frozenset[Key] = frozenset(),
    name: str = "main",
) -> Memory:
    failures = {} if failure is None else {Key("pod-1", name): failure}
    return Memory(signalled=signalled or {}, failures=failures, busy=busy)


def failure(**changes: Any) -> Failure:
    usual = Failure(reason="ImagePullBackOff", message="no such image", retry_at_ms=NOW + 5_000, delay_ms=10_000)
    return replace(usual, **changes)


KEY = Key("pod-1", "main")
NOTHING: tuple[Action, ...] = ()


def planned(
    pods: list[Pod] | None, containers: list[Container], *, on: Node | None = None, knowing: Memory | None = None
) -> Plan:
    return decide(
        None if pods is None else {each.uid: each for each in pods},
        containers,
        node=on or node(),
        memory=knowing or memory(),
        now_ms=NOW,
    )


def run(**changes: object) -> Run:
    return replace(Run(key=KEY, attempt=0), **changes)  # type: ignore[arg-type]


def remove(container_id: str, reason: object, **changes: object) -> Remove:
    return replace(Remove(key=KEY, container_id=container_id, reason=reason), **changes)  # type: ignore[arg-type]


def signal(reason: object = "Deleted", container_id: str = "c-0", key: Key = KEY) -> Signal:
    return Signal(key=key, container_id=container_id, reason=reason)  # type: ignore[arg-type]


def kill(reason: object = "Deleted", container_id: str = "c-0", key: Key = KEY) -> Kill:
    return Kill(key=key, container_id=container_id, reason=reason)  # type: ignore[arg-type]
