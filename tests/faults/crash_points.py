"""Every crash point of the program, which processes reach it, and what has to happen for that."""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.faults import provocations, workloads
from tests.faults.cluster import API, CONTROLLERS
from tests.faults.nursery_program import FIRST_NODES
from tests.faults.provocations import Provoke

_ROOT = Path(__file__).parents[2]


def in_the_source() -> set[str]:
    """The names of all crash points, read from the code."""
    return {name for package in ("kuberklone", "controllers") for name in _names_under(_ROOT / package)}


def _names_under(folder: Path) -> Iterator[str]:
    for module in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr == "reach"
                and isinstance(node.func.value, ast.Name)
                and node.func.value.id == "crashpoints"
            ):
                (name,) = node.args
                # A name put together at run time could not be found here, and so not be tested.
                assert isinstance(name, ast.Constant), f"{module}:{node.lineno}"
                yield str(name.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How a process gets to a crash point."""

    program: str
    prepare: Provoke = provocations.nothing
    """Done while the process is down."""
    provoke: Provoke = provocations.nothing
    """Done once it runs."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """What differs for the process that crashes."""
    count: int = 1
    """At which time of reaching it."""


# Everything that is old enough to be forgotten at once.
_FORGETFUL = {
    "CHANGES_KEEP_S": 0.001,
    "HISTORY_KEEP_S": 0.001,
    "DECISIONS_KEEP_S": 0.001,
    "PLACEMENTS_KEEP_S": 0.001,
    "EVENTS_KEEP_S": 0.001,
    "FINISHED_PODS_KEEP": 1,
}


def _each(programs: tuple[str, ...], **more: Any) -> list[Way]:
    return [Way(program=program, **more) for program in programs]


def _one(program: str, prepare: Provoke = provocations.nothing, **more: Any) -> list[Way]:
    return [Way(program=program, prepare=prepare, **more)]


_BY_API = Way(program=API, provoke=provocations.add_pod_by_api)

WAYS: dict[str, list[Way]] = {
    # Every process commits; the first transaction of a controller is the one by which it takes its leadership.
    "transaction.begun": [*_each(CONTROLLERS), _BY_API],
    "transaction.written": [*_each(CONTROLLERS, count=2, prepare=provocations.everything), _BY_API],
    "transaction.committed": [*_each(CONTROLLERS, count=2, prepare=provocations.everything), _BY_API],
    # The loop around all passes.
    "leadership.taken": _each(CONTROLLERS),
    "leadership.resigned": _each(CONTROLLERS, provoke=provocations.end_in_good_order),
    "loop.leading": _each(CONTROLLERS),
    "loop.passed": _each(CONTROLLERS),
    "loop.renewed": _each(CONTROLLERS),
    # The way of a request to its answer.
    "api.queued": [_BY_API],
    "api.applied": [_BY_API],
    "api.committed": [_BY_API],
    "api.delivered": [_BY_API],
    "up.nodes_added": _one(FIRST_NODES),
    # Each loop's own steps.
    "scheduler.decided": _one("scheduler", provocations.add_pods),
    "scheduler.explained": _one("scheduler", provocations.add_pods),
    "binding.bound": _one("scheduler", provocations.add_pods),
    "node_health.decided": _one("node_health"),
    "node_health.counted": _one("node_health"),
    "node_health.judged": _one("node_health", provocations.add_a_node),
    "node.decided": _one("node", provocations.restart_a_node),
    "node.booted": _one("node", provocations.restart_a_node),
    "node.provided": _one("node", provocations.restart_a_node),
    "node.written": _one("node", provocations.restart_a_node),
    "node.forgotten": _one("node", provocations.delete_an_empty_node),
    "rescheduler.decided": _one("rescheduler"),
    "rescheduler.counted": _one("rescheduler", provocations.freeze_a_node_with_patient_pods),
    "rescheduler.marked": _one("rescheduler", provocations.replace_a_node),
    "simulator.beat": _one("simulator"),
    "simulator.beaten": _one("simulator", provocations.restart_a_node),
    "simulator.told": _one("simulator", provocations.restart_a_node),
    "simulator.decided": _one("simulator", provocations.restart_a_node),
    "simulator.stopped": _one("simulator", provocations.restart_a_node),
    "simulator.ran": _one("simulator", provocations.add_pods),
    "simulator.removed": _one("simulator", provocations.delete_a_running_pod),
    "removal.removed": [
        *_one("simulator", provocations.replace_a_node),
        *_one("garbage", provocations.freeze_a_node),
        *_one(API, provocations.add_a_waiting_pod, provoke=provocations.delete_a_waiting_pod_by_api),
    ],
    "garbage.decided": _one("garbage"),
    "garbage.finished": _one("garbage", provocations.freeze_a_node),
    "garbage.orphaned": _one("garbage", provocations.orphan_a_pod),
    "garbage.raised": _one("garbage", settings=_FORGETFUL),
    "garbage.compacted": _one("garbage", settings=_FORGETFUL),
    "garbage.forgot": _one("garbage", settings=_FORGETFUL),
    "garbage.hushed": _one("garbage", settings=_FORGETFUL),
    "garbage.retired": _one("garbage", settings=_FORGETFUL),
    "garbage.vacuumed": _one("garbage", settings=_FORGETFUL),
    "replicaset.decided": _one("replicaset"),
    "replicaset.claimed": _one("replicaset", workloads.add_an_orphan),
    "replicaset.created": _one("replicaset", workloads.scale_up),
    "replicaset.deleted": _one("replicaset", workloads.add_an_orphan),
    "replicaset.counted": _one("replicaset", workloads.scale_up),
    "deployment.decided": _one("deployment"),
    "deployment.stepped": _one("deployment", workloads.roll),
    "disruption.decided": _one("disruption"),
    "disruption.counted": _one("disruption", workloads.scale),
    "namespace.decided": _one("namespace"),
    "namespace.filled": _one("namespace", workloads.delete_an_account),
    "namespace.emptied": _one("namespace", workloads.delete_a_namespace),
    "namespace.told": _one("namespace", workloads.delete_a_namespace),
    "ownership.decided": _one("ownership"),
    "ownership.deleted": _one("ownership", workloads.delete_an_owner),
    "ownership.forgotten": _one("ownership", workloads.delete_an_owner_alone),
    "ownership.released": _one("ownership", workloads.delete_an_owner_first),
}


# Reached with a Docker Engine, by tests/faults/test_docker_machines.py.
AT_AN_ENGINE = frozenset(
    {
        "node.machine_ended",
        "node.machine_made",
        "node.machine_removed",
        "node.machine_started",
        "node.ordered",
        "node.pod_stopped",
        "node.pods_finished",
    }
)


def reached_by() -> list[tuple[str, Way]]:
    return [(name, way) for name, ways in WAYS.items() for way in ways]
