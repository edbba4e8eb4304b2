"""How good a place a node is: the share of it that stays free, so that load spreads (LeastAllocated in kube-scheduler).

All scores are integers, so every machine computes the same ones. A node's score for a pod, before the pod is there, is

    standing of the node  -  price of the pod on that node  -  one whole point scale per PreferNoSchedule taint

The standing counts what is free in points, the price what the pod would take of it. Only standings change in the course
of a pass, by the very price of what was placed. That makes them shared by all shapes of pods, and it is what makes a
pass fast: what differs between shapes is computed once per shape.
"""

from typing import Final

import numpy as np

from controllers.scheduler.columns import CPU_MILLIS, MEMORY_BYTES, PODS, RESOURCES, Amounts, NodeColumns
from controllers.scheduler.filters import untolerated_preferences
from kuberklone.kinds.pod import SchedulingInputs

POINTS_MAX: Final = 1_000
"""What people see as the score of an empty node."""

# Points are counted in units of 2^-44: even one byte of a node with a PiB is worth something, and nine bits of an int64
# are left for taints. The whole scale is just below 2^54.
_FRACTION_BITS: Final = 44
_SCALE: Final = POINTS_MAX << _FRACTION_BITS
_HALF_A_POINT: Final = 1 << (_FRACTION_BITS - 1)

# The number of pods counts a little, so that pods which request nothing spread as well.
_PERCENT: Final = {CPU_MILLIS: 45, MEMORY_BYTES: 45, PODS: 10}

_PREFERENCES_MAX: Final = 100  # more taints than this weigh no more; 101 scales fit an int64 five times

NEVER: Final = -(1 << 62)
"""Stands for the score of a node that the pod cannot go to."""
NEVER_ABOVE: Final = NEVER // 2
"""Scores below this one mean never, also after a standing was added; every other score is above."""


def worth(nodes: NodeColumns) -> Amounts:
    """How much of the scale one millicore, one byte and one pod are on each node."""
    scale = np.array([[_SCALE * _PERCENT[resource] // 100] for resource in range(RESOURCES)], dtype=np.int64)
    parts: Amounts = scale // np.maximum(nodes.allocatable, 1)
    return parts


def standing(free: Amounts, worth_each: Amounts) -> Amounts:
    """What is free on each node, in points. An overcommitted resource counts as used up."""
    total: Amounts = (np.maximum(free, 0) * worth_each).sum(axis=0)
    return total


def handicap(inputs: SchedulingInputs, nodes: NodeColumns, worth_each: Amounts) -> Amounts:
    """What to add to the standings to get the scores for pods of this shape; never positive.

    The number is meaningless for nodes that are smaller than the pod (it may overflow there): none of them can take it.
    """
    total: Amounts = -worth_each[PODS]
    total -= worth_each[CPU_MILLIS] * inputs.cpu_millis
    total -= worth_each[MEMORY_BYTES] * inputs.memory_bytes
    for taints, members in nodes.tainted:
        unwelcome = min(untolerated_preferences(inputs, taints), _PREFERENCES_MAX)
        if unwelcome:
            total[members] -= unwelcome * _SCALE
    return total


def points(score: int) -> int:
    """A score as people see it: 0 to 1000, and 1000 less for each PreferNoSchedule taint that is not tolerated."""
    return (score + _HALF_A_POINT) >> _FRACTION_BITS
