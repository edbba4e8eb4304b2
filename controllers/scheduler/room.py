"""What is left on the nodes in the course of a pass: the only thing that a pass changes."""

from collections.abc import Iterator

import numpy as np

from controllers.scheduler import scoring
from controllers.scheduler.columns import CPU_MILLIS, MEMORY_BYTES, PODS, Amounts, Mask, NodeColumns
from controllers.scheduler.filters import Rejection
from kuberklone.kinds.pod import SchedulingInputs


class Room:
    """What is free on each node and what that is worth.

    Single numbers are read and written through memory views of the arrays, in a third of the time that numpy takes.
    """

    def __init__(self, nodes: NodeColumns) -> None:
        self.worth = scoring.worth(nodes)
        self._free: Amounts = nodes.allocatable - nodes.used
        self.standing = scoring.standing(self._free, self.worth)
        self._cpu_millis, self._memory_bytes, self._pods = (row.data for row in self._free)
        self._millicore_worth, self._byte_worth, self._pod_worth = (row.data for row in self.worth)
        self._standings = self.standing.data

    def fits(self, inputs: SchedulingInputs, position: int) -> bool:
        """Whether the node has room for one more such pod; a request of nothing fits even where nothing is left."""
        return (
            self._pods[position] >= 1
            and (inputs.cpu_millis == 0 or inputs.cpu_millis <= self._cpu_millis[position])
            and (inputs.memory_bytes == 0 or inputs.memory_bytes <= self._memory_bytes[position])
        )

    def take(self, inputs: SchedulingInputs, position: int) -> None:
        """Sets aside what one pod requests."""
        cpu_millis, memory_bytes = inputs.cpu_millis, inputs.memory_bytes
        self._cpu_millis[position] -= cpu_millis
        self._memory_bytes[position] -= memory_bytes
        self._pods[position] -= 1
        self._standings[position] -= (
            cpu_millis * self._millicore_worth[position]
            + memory_bytes * self._byte_worth[position]
            + self._pod_worth[position]
        )

    def shortages(self, inputs: SchedulingInputs) -> Iterator[Rejection]:
        """`fits` for all nodes at once, by reason; a node short of two resources is in both, as in NodeResourcesFit."""
        yield Rejection("Too many pods", self._free[PODS] < 1)
        if inputs.cpu_millis:
            yield Rejection("Insufficient cpu", self._free[CPU_MILLIS] < inputs.cpu_millis)
        if inputs.memory_bytes:
            yield Rejection("Insufficient memory", self._free[MEMORY_BYTES] < inputs.memory_bytes)

    def too_small(self, inputs: SchedulingInputs) -> Mask:
        """The nodes that have no room for one more such pod."""
        mask = np.zeros(len(self.standing), dtype=np.bool_)
        for shortage in self.shortages(inputs):
            mask |= shortage.nodes
        return mask
