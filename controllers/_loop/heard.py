"""Which nodes are heard, for controllers to whom a pod of a silent node is not ready, whatever it said last."""

from collections.abc import Sequence
from typing import NamedTuple

from controllers._loop.mirror import Mirror
from kuberklone.kinds.node import Node
from kuberklone.store.database import Snapshot
from kuberklone.store.feed import Change
from kuberklone.store.records import NODES


class _NodeFacts(NamedTuple):
    name: str
    ready_since_ms: int | None
    """None while it is not Ready."""


class HeardNodes:
    def __init__(self) -> None:
        self._nodes: Mirror[Node, _NodeFacts] = Mirror(NODES, _facts)
        self._since_ms: dict[str, int | None] = {}

    def read(self, connection: Snapshot, changes: Sequence[Change] | None, errors: list[str]) -> set[str]:
        """Bring it up to date; the names of nodes that were heard again, or are heard no more."""
        turned: set[str] = set()
        for _, before, after in self._nodes.follow_or_load(connection, changes, errors):
            if before is not None and (after is None or after.name != before.name):
                self._since_ms.pop(before.name, None)
            if after is not None and self._since_ms.get(after.name, -1) != after.ready_since_ms:
                self._since_ms[after.name] = after.ready_since_ms
                turned.add(after.name)
        return turned

    def ready_since_ms(self, node_name: str | None, said_ms: int | None) -> int | None:
        """Since when a pod is ready that says so of itself since `said_ms`."""
        if said_ms is None or node_name is None:
            return said_ms
        heard_ms = self._since_ms.get(node_name, 0)
        # After a silence it counts anew: what nobody saw was not ready.
        return None if heard_ms is None else max(heard_ms, said_ms)


def _facts(node: Node) -> _NodeFacts:
    return _NodeFacts(node.name, node.ready_since_ms if node.ready == "True" else None)
