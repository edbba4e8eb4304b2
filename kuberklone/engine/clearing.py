"""Removes from an engine what a cluster made there: for `kuberklone down`, and for good when its data goes."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar

from kuberklone.engine import connection, networks
from kuberklone.engine.machines import Machines
from kuberklone.errors import WrongState

# With more threads an engine ends no more containers per second.
_AT_ONCE = 8
# Ending a container on a busy machine takes seconds; whatever takes longer hangs.
_TIMEOUT_S = 30.0

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cleared:
    """How much there was."""

    nodes: int
    pods: int


def count_nodes(socket: str, *, cluster: str, timeout_s: float) -> int:
    """How many containers that are nodes of the cluster run."""
    engine = connection.connect(socket, timeout_s=timeout_s)
    try:
        return sum(node.state in ("Running", "Frozen") for node in Machines(engine, cluster=cluster).nodes())
    finally:
        engine.close()


def clear(socket: str, *, cluster: str, node_uids: frozenset[str] | None) -> Cleared:
    """Remove the containers that are nodes, those of their pods, and the network. Repeatable.

    `node_uids` are the nodes whose pods go, beside those of which there is a container: pods of other machines that
    share the engine are left to their agents. None: all of the cluster's.
    """
    engine = connection.connect(socket, timeout_s=_TIMEOUT_S)
    try:
        machines = Machines(engine, cluster=cluster)
        nodes = machines.nodes()
        # In this order, because an agent starts its pods again, and a control group with pods in it stays behind.
        _each(machines.kill, (node.id for node in nodes if node.state in ("Running", "Frozen")))
        ours = None if node_uids is None else node_uids | {node.uid for node in nodes}
        pods = [pod for pod in machines.pods() if ours is None or pod.node_uid in ours]
        _each(machines.remove_pod, (pod.id for pod in pods))
        _each(machines.remove_node, (node.id for node in nodes))
        # Somebody else's container may be connected to it; it costs nothing until it is used again.
        with suppress(WrongState):
            networks.remove(engine, cluster=cluster)
        return Cleared(nodes=len(nodes), pods=len(pods))
    finally:
        engine.close()


def _each(act: Callable[[Item], None], items: Iterable[Item]) -> None:
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for _ in pool.map(act, items):
            pass
