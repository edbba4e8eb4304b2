"""Nodes as controllers/node finds them, for its tests."""

from dataclasses import fields, replace

from hypothesis import strategies as st

from controllers.node.decide import decide
from controllers.node.facts import Machine, NodeFacts, Path, Settings
from controllers.node.plan import Boot, Plan

SETTINGS = Settings(grace_ms=40_000, backoff_ms=10_000, backoff_max_ms=300_000, attempts_max=5)
NOW = 1_000_000
PATH = Path(name="simulator", received_ms=NOW - 1_000, ready=2)
HALTED = replace(PATH, halted=True, ready=0)


def node(name: str = "node-1", **changes: object) -> NodeFacts:
    """A node that has been Ready for a minute."""
    alive = NodeFacts(
        uid=f"uid-{name}",
        name=name,
        boot_id="boot-1",
        ready="True",
        ready_since_ms=NOW - 60_000,
        heard_boot_id="boot-1",
        path="simulator",
    )
    return replace(alive, **changes)  # type: ignore[arg-type]


def dead(name: str = "node-1", **changes: object) -> NodeFacts:
    """Judged dead just now."""
    return replace(node(name), **{"ready": "Unknown", "ready_since_ms": NOW, **changes})  # type: ignore[arg-type]


def booted(name: str = "node-1", *, ms_ago: int, attempts: int, **changes: object) -> NodeFacts:
    """Booted a while ago and not heard since."""
    return dead(
        name,
        machine="Restarting",
        boot_id="boot-2",
        ready_since_ms=NOW - 500_000,
        restart_attempts=attempts,
        restart_at_ms=NOW - ms_ago + SETTINGS.next_step_after_boot_ms(attempts),
        **changes,
    )


def machine_of(each: NodeFacts) -> Machine:
    return Machine(name=each.name, uid=each.uid, boot_id=each.boot_id or "")


def run(*nodes: NodeFacts, machines: list[Machine] | None = None, path: Path = PATH) -> Plan:
    """By default every machine is as its row says."""
    listed = [machine_of(each) for each in nodes if each.boot_id] if machines is None else machines
    return decide(nodes, machines={"simulated": listed}, paths=[path], settings=SETTINGS, now_ms=NOW)


def actions(plan: Plan) -> list[object]:
    return [each for field in fields(plan) if field.name != "next_wake_ms" for each in getattr(plan, field.name)]


def boot(reason: str, **changes: object) -> Boot:
    first = Boot(
        node_uid="uid-node-1",
        name="node-1",
        provider="simulated",
        reason=reason,  # type: ignore[arg-type]
        machine="Restarting",
        restarts=1,
        restarts_done=0,
        restart_attempts=1,
        restart_at_ms=NOW + 40_000 + 20_000,
    )
    return replace(first, **changes)  # type: ignore[arg-type]


UID = "uid-node-1"

ANY_NODES = st.lists(
    st.builds(
        NodeFacts,
        uid=st.uuids().map(str),
        name=st.uuids().map(str),
        provider=st.sampled_from(["simulated", "external"]),
        machine=st.sampled_from(["Running", "Restarting", "Failed"]),
        boot_id=st.sampled_from(["boot-1", "boot-2"]),
        restarts_wanted=st.integers(0, 1),
        restart_attempts=st.integers(0, 5),
        restart_at_ms=st.none() | st.integers(NOW - 50_000, NOW + 50_000),
        deleting=st.booleans(),
        pods=st.integers(0, 2),
        ready=st.sampled_from(["True", "Unknown"]),
        heard=st.booleans(),
        ready_since_ms=st.integers(NOW - 500_000, NOW),
        heard_boot_id=st.sampled_from(["boot-1", "boot-2"]),
        path=st.just("simulator"),
    ),
    max_size=12,
)
