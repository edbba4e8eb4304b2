"""In which order pods are given up when a set has too many: the least loss first.

Source: Kubernetes' `ActivePodsWithRanks`. Ages are compared by the power of two they lie in (its LogarithmicScaleDown),
so that which of several old pods goes is left to chance, here to the uid, and not always the youngest zone.
"""

from controllers.replicaset.facts import PodFacts

_PHASES = {"Pending": 0, "Running": 2}

Key = tuple[bool, int, bool, int, int, int, int, int, str]


def key(pod: PodFacts, neighbours: int, *, now_ms: int) -> Key:
    """Sorts first what goes first. `neighbours`: pods of the same family on its node."""
    return (
        pod.node_name is not None,  # what has no node yet costs nothing
        _PHASES.get(pod.phase, 1),
        pod.ready_since_ms is not None,
        pod.deletion_cost,
        -neighbours,  # where several are, so that the rest stays spread
        0 if pod.ready_since_ms is None else _age_class(pod.ready_since_ms, now_ms),  # ready for the shortest time
        -pod.restarts,
        _age_class(pod.created_ms, now_ms),
        pod.uid,
    )


def _age_class(since_ms: int, now_ms: int) -> int:
    return max(0, now_ms - since_ms).bit_length()
