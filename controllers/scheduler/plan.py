"""What the scheduler decided: every pod it was given is in here once, placed or not."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import msgspec

ScoredNode = tuple[str, int]
"""A node's name and its score, in the form in which decisions keep them."""


# A pass makes ten thousand of these; a struct is made in a tenth of the time of a frozen data class.
class PendingPod(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A pod without a node. All else that placement depends on is the same for all pods of its shape."""

    uid: str
    namespace: str
    name: str
    revision: int
    shape: str
    priority: int
    created_ms: int


# A pass makes tens of thousands of these, and a frozen data class takes four times as long to make as a named tuple.
class Placement(NamedTuple):
    pod: PendingPod
    node_name: str
    node_revision: int
    best: tuple[ScoredNode, ...]
    """The chosen node, then the two that came next, each with the score it had when this pod's turn came."""


class Unplaced(NamedTuple):
    pod: PendingPod
    reasons: Mapping[str, int]
    """Nodes per reason, at the end of the pass."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Both lists are in the order in which pods had their turn: by priority, then age, then uid."""

    placements: tuple[Placement, ...]
    unplaced: tuple[Unplaced, ...]
    nodes_evaluated: int
    """The same for every pod of a pass: each is compared with all nodes."""
