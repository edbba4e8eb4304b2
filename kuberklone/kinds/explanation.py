"""Why a pod is pending, in the words that people know from kube-scheduler."""

from collections.abc import Mapping


def explanation(*, nodes_evaluated: int, reasons: Mapping[str, int]) -> str:
    """The sentence of an event: `0/3 nodes are available: 3 Insufficient cpu.` (`FitError`, `ErrNoNodesAvailable`)."""
    if not nodes_evaluated:
        return "no nodes available to schedule pods"
    return f"0/{nodes_evaluated} nodes are available: {_histogram(reasons)}."


def short_explanation(*, nodes_evaluated: int, reasons: Mapping[str, int]) -> str:
    """The same for one line of a terminal."""
    if not nodes_evaluated:
        return "no nodes"
    return f"0/{nodes_evaluated} nodes: {_histogram(reasons)}"


def _histogram(reasons: Mapping[str, int]) -> str:
    """Sorted as text, like in Kubernetes: the same counts always give the same sentence."""
    return ", ".join(sorted(f"{count} {reason}" for reason, count in reasons.items()))
