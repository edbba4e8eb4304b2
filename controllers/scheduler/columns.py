"""The nodes of one pass side by side: numbers as arrays, everything else as groups of nodes that have it in common."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Final

import numpy as np
import numpy.typing as npt

from controllers.scheduler.facts import NodeFacts, Unusable
from kuberklone.kinds.taints import Taint

Amounts = npt.NDArray[np.int64]
"""One number per node, or one row of such numbers per resource."""
Mask = npt.NDArray[np.bool_]
"""One yes or no per node."""
Slots = npt.NDArray[np.intp]

# The rows of an array that has one per resource.
CPU_MILLIS: Final = 0
MEMORY_BYTES: Final = 1
PODS: Final = 2
RESOURCES: Final = 3


class NodeColumns:
    """Nodes in the order in which ties are settled: the first of equals wins.

    The numbers are copies. The groups are the table's own and are turned into masks when first asked for, so a pass
    must be over before the table changes.
    """

    def __init__(
        self,
        *,
        facts: Sequence[NodeFacts],
        allocatable: Amounts,
        used: Amounts,
        position_of: Slots,
        cordoned: AbstractSet[int],
        by_unusable: Mapping[Unusable, AbstractSet[int]],
        by_taints: Mapping[tuple[Taint, ...], AbstractSet[int]],
        by_label: Mapping[tuple[str, str], AbstractSet[int]],
    ) -> None:
        self.facts = facts
        self.allocatable = allocatable
        self.used = used
        self._position_of = position_of
        self._by_label = by_label
        self._labelled: dict[tuple[str, str], Mask] = {}
        self.cordoned = self._mask(cordoned)
        self.unusable = [(why, self._mask(slots)) for why, slots in by_unusable.items()]
        self.tainted = [(taints, self._mask(slots)) for taints, slots in by_taints.items()]

    def __len__(self) -> int:
        return len(self.facts)

    def labelled(self, key: str, value: str) -> Mask:
        """The nodes that carry this label."""
        mask = self._labelled.get((key, value))
        if mask is None:
            mask = self._labelled[key, value] = self._mask(self._by_label.get((key, value), frozenset()))
        return mask

    def nowhere(self) -> Mask:
        """A mask of no node."""
        return np.zeros(len(self.facts), dtype=np.bool_)

    def _mask(self, slots: AbstractSet[int]) -> Mask:
        mask = self.nowhere()
        mask[self._position_of[np.fromiter(slots, dtype=np.intp, count=len(slots))]] = True
        return mask
