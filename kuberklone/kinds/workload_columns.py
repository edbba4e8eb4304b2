"""Columns of kinds that keep a number of pods."""

from kuberklone.apimachinery.document import Document
from kuberklone.kinds import columns
from kuberklone.kinds.kind import Column


def count(name: str, path: str, description: str) -> Column:
    """A whole number at a path."""
    return Column(name=name, type="integer", description=description, value=columns.number(path))


def ready_of_wanted(document: Document, now_ms: int) -> str:
    """`2/3`: pods that are ready, of those wanted."""
    del now_ms
    ready = columns.at(document, "status.readyReplicas") or 0
    return f"{ready}/{columns.at(document, 'spec.replicas') or 0}"


REPLICAS = (
    columns.NAME,
    count("Desired", "spec.replicas", "Pods wanted."),
    count("Current", "status.replicas", "Pods there are."),
    count("Ready", "status.readyReplicas", "Pods that are ready."),
    columns.AGE,
    *columns.containers(),
    columns.SELECTOR,
)
