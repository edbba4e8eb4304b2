"""What the scheduler knows of the nodes, kept in memory and brought up to date node by node from the log of changes."""

from collections.abc import Hashable
from dataclasses import replace
from hashlib import blake2b
from typing import Generic, TypeVar

import numpy as np
import numpy.typing as npt

from controllers.scheduler.columns import CPU_MILLIS, MEMORY_BYTES, PODS, RESOURCES, Amounts, NodeColumns, Slots
from controllers.scheduler.facts import NodeFacts, Unusable
from kuberklone.kinds.taints import Taint

_SLOTS_AT_FIRST = 64  # doubles whenever the table is full, so adding a node costs O(1) on average


_Key = TypeVar("_Key", bound=Hashable)


class _Groups(Generic[_Key]):
    """The slots of the nodes that have something in common; a group without members is forgotten."""

    def __init__(self) -> None:
        self.slots_by: dict[_Key, set[int]] = {}

    def add(self, key: _Key, slot: int) -> None:
        self.slots_by.setdefault(key, set()).add(slot)

    def drop(self, key: _Key, slot: int) -> None:
        slots = self.slots_by[key]
        slots.remove(slot)
        if not slots:
            del self.slots_by[key]


class ClusterTable:
    """Nodes and what is used of them. An update costs microseconds, whatever the number of nodes.

    A node keeps its slot for as long as it is here; a slot that fell vacant is given to the next new node. Columns hold
    what is computed with, groups what is filtered by: a filter looks at a few groups instead of at every node.
    """

    def __init__(self) -> None:
        self._slot_of: dict[str, int] = {}
        self._vacant: list[int] = []
        self._facts: list[NodeFacts] = []
        self._allocatable: Amounts = np.zeros((RESOURCES, _SLOTS_AT_FIRST), dtype=np.int64)
        self._used: Amounts = np.zeros((RESOURCES, _SLOTS_AT_FIRST), dtype=np.int64)
        self._tie_keys = np.zeros(_SLOTS_AT_FIRST, dtype=np.uint64)
        self._by_label: _Groups[tuple[str, str]] = _Groups()
        self._by_taints: _Groups[tuple[Taint, ...]] = _Groups()
        self._by_unusable: _Groups[Unusable] = _Groups()
        self._cordoned: set[int] = set()

    def __len__(self) -> int:
        return len(self._slot_of)

    def __contains__(self, name: object) -> bool:
        return name in self._slot_of

    def set_node(self, facts: NodeFacts) -> None:
        """Adds a node of which nothing is used, or replaces the facts of a known one and keeps what is used of it."""
        slot = self._slot_of.get(facts.name)
        if slot is None:
            slot = self._new_slot(facts)
        else:
            self._leave_groups(slot)
            self._facts[slot] = facts
        self._join_groups(slot)
        self._allocatable[CPU_MILLIS, slot] = facts.cpu_millis
        self._allocatable[MEMORY_BYTES, slot] = facts.memory_bytes
        self._allocatable[PODS, slot] = facts.pods_max

    def remove_node(self, name: str) -> None:
        """Forgets a node and what was used of it; raises KeyError if there is no such node."""
        slot = self._slot_of.pop(name)
        self._leave_groups(slot)
        self._used[:, slot] = 0
        self._vacant.append(slot)

    def set_use(self, name: str, *, cpu_millis: int, memory_bytes: int, pods: int) -> None:
        """What unfinished bound pods take of a node; raises KeyError if there is no such node."""
        slot = self._slot_of[name]
        self._used[CPU_MILLIS, slot] = cpu_millis
        self._used[MEMORY_BYTES, slot] = memory_bytes
        self._used[PODS, slot] = pods

    def columns(self, *, seed: int) -> NodeColumns:
        """All nodes, in an order that depends on their names and the seed alone."""
        slots = np.fromiter(self._slot_of.values(), dtype=np.intp, count=len(self._slot_of))
        slots = slots[np.argsort(_scattered(self._tie_keys[slots], seed=seed), kind="stable")]
        position_of: Slots = np.zeros(len(self._facts), dtype=np.intp)
        position_of[slots] = np.arange(len(slots), dtype=np.intp)
        return NodeColumns(
            facts=[self._facts[slot] for slot in slots.tolist()],
            # Not `[:, slots]`, whose result lies in memory node by node: a pass reads it resource by resource.
            allocatable=np.take(self._allocatable, slots, axis=1),
            used=np.take(self._used, slots, axis=1),
            position_of=position_of,
            cordoned=self._cordoned,
            by_unusable=self._by_unusable.slots_by,
            by_taints=self._by_taints.slots_by,
            by_label=self._by_label.slots_by,
        )

    def _new_slot(self, facts: NodeFacts) -> int:
        if self._vacant:
            slot = self._vacant.pop()
            self._facts[slot] = facts
        else:
            slot = len(self._facts)
            self._facts.append(facts)
            if slot == len(self._tie_keys):
                self._grow()
        self._slot_of[facts.name] = slot
        self._tie_keys[slot] = int.from_bytes(blake2b(facts.name.encode(), digest_size=8).digest(), "big")
        return slot

    def _grow(self) -> None:
        self._allocatable = np.concatenate([self._allocatable, np.zeros_like(self._allocatable)], axis=1)
        self._used = np.concatenate([self._used, np.zeros_like(self._used)], axis=1)
        self._tie_keys = np.concatenate([self._tie_keys, np.zeros_like(self._tie_keys)])

    def _join_groups(self, slot: int) -> None:
        facts = self._facts[slot]
        for label in facts.labels.items():
            self._by_label.add(label, slot)
        if facts.taints:
            self._by_taints.add(_timeless(facts.taints), slot)
        if facts.unusable is not None:
            self._by_unusable.add(facts.unusable, slot)
        if facts.unschedulable:
            self._cordoned.add(slot)

    def _leave_groups(self, slot: int) -> None:
        facts = self._facts[slot]
        for label in facts.labels.items():
            self._by_label.drop(label, slot)
        if facts.taints:
            self._by_taints.drop(_timeless(facts.taints), slot)
        if facts.unusable is not None:
            self._by_unusable.drop(facts.unusable, slot)
        self._cordoned.discard(slot)


def _timeless(taints: tuple[Taint, ...]) -> tuple[Taint, ...]:
    """Placement does not ask since when a node is tainted, and without the time few combinations remain."""
    return tuple(replace(taint, time_added_ms=None) for taint in taints)


def _scattered(keys: npt.NDArray[np.uint64], *, seed: int) -> npt.NDArray[np.uint64]:
    """Sort keys that look drawn by chance, from the hashes of names and a seed.

    The finalizer of splitmix64 (Steele, Lea and Flood, 2014). Two names of the same 64-bit hash would keep the order
    in which they came; among 100,000 nodes the probability of that is 10⁻⁹.
    """
    mixed = keys + np.uint64(seed * 0x9E3779B97F4A7C15 % 2**64)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))
