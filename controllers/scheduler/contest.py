"""The nodes of one pass, competing for one pod after the other.

Each pod takes the best node there is for it when its turn comes. What makes that fast is that a score consists of a
part that depends on the shape of the pod, kept as one row per shape, and of the node's standing, which all shapes
share (`scoring.py`). A turn is one addition and a few maxima over an array of all nodes, and taking room changes one
standing.

Whether a node has room is asked when it comes out best, not of all nodes at every turn. If it has none, all nodes that
have become too small for this shape are struck from its row at once. Nothing is given back in the course of a pass, so
they stay struck, a shape that fits nowhere will not fit later either, and no turn strikes twice.
"""

from collections import Counter
from typing import Final

import numpy as np

from controllers.scheduler import scoring
from controllers.scheduler.columns import Amounts, NodeColumns
from controllers.scheduler.filters import FILTERS
from controllers.scheduler.room import Room
from kuberklone.kinds.pod import SchedulingInputs

BEST_NODES: Final = 3
"""How many nodes a decision names. The two after the first cost a pod about a microsecond on 5,000 nodes."""

# Rows kept at a time hold at most this many numbers (64 MiB), for passes in which every pod has a shape of its own. A
# row that was dropped and is needed again is computed again, about 50 µs on 5,000 nodes.
CELLS_MAX: Final = 8 * 2**20


class Contest:
    def __init__(self, nodes: NodeColumns, *, cells_max: int = CELLS_MAX) -> None:
        self._nodes = nodes
        self._room = Room(nodes)
        self._scores: Amounts = np.zeros(len(nodes), dtype=np.int64)
        self._score_at = self._scores.data
        self._rows: dict[str, Amounts] = {}
        self._rows_max = max(1, cells_max // max(1, len(nodes)))
        self._fits_nowhere: set[str] = set()
        self._best_count = min(BEST_NODES, len(nodes))

    def place(self, shape: str, inputs: SchedulingInputs) -> list[tuple[int, int]]:
        """Takes room for one pod on the best node; the best few as (position, score), or nothing if it fits nowhere."""
        if shape in self._fits_nowhere:
            return []
        row = self._rows.get(shape)
        if row is None:
            row = self._new_row(shape, inputs)
        best = self._best(row, inputs)
        if best:
            self._room.take(inputs, best[0][0])
        else:
            self._fits_nowhere.add(shape)
            del self._rows[shape]
        return best

    def reasons(self, inputs: SchedulingInputs) -> dict[str, int]:
        """How many nodes now refuse pods of this shape, by cause.

        As in kube-scheduler, a node counts for the first filter that refuses it; only shortages are told in full.
        """
        found: Counter[str] = Counter()
        remaining = ~self._nodes.nowhere()
        for rejections in (*(refuse(inputs, self._nodes) for refuse in FILTERS), self._room.shortages(inputs)):
            refused = self._nodes.nowhere()
            for rejection in rejections:
                found[rejection.reason] += int(np.count_nonzero(rejection.nodes & remaining))
                refused |= rejection.nodes
            remaining &= ~refused
        return {reason: count for reason, count in found.items() if count}

    def _best(self, row: Amounts, inputs: SchedulingInputs) -> list[tuple[int, int]]:
        scores, score_at = self._scores, self._score_at
        np.add(row, self._room.standing, out=scores)
        best: list[tuple[int, int]] = []
        for _ in range(self._best_count):
            position = int(scores.argmax())
            score = score_at[position]
            if score > scoring.NEVER_ABOVE and not self._room.fits(inputs, position):
                too_small = self._room.too_small(inputs)
                row[too_small] = scoring.NEVER
                scores[too_small] = scoring.NEVER
                position = int(scores.argmax())
                score = score_at[position]
            if score <= scoring.NEVER_ABOVE:
                break
            best.append((position, score))
            score_at[position] = scoring.NEVER
        return best

    def _new_row(self, shape: str, inputs: SchedulingInputs) -> Amounts:
        row = scoring.handicap(inputs, self._nodes, self._room.worth)
        row[self._room.too_small(inputs)] = scoring.NEVER
        for refuse in FILTERS:
            for rejection in refuse(inputs, self._nodes):
                row[rejection.nodes] = scoring.NEVER
        while len(self._rows) >= self._rows_max:
            del self._rows[next(iter(self._rows))]
        self._rows[shape] = row
        return row
