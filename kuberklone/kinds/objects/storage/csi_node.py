"""CSINode: the storage drivers of a node."""

from kuberklone.apimachinery.document import Document
from kuberklone.kinds import columns
from kuberklone.kinds.kind import Column
from kuberklone.kinds.stored_object import declare


def _drivers(document: Document, now_ms: int) -> int:
    del now_ms
    return len(columns.at(document, "spec.drivers") or [])


KIND = declare(
    kind="CSINode",
    resource="csinodes",
    api_version="storage.k8s.io/v1",
    namespaced=False,
    counts_generation=False,
    columns=(
        columns.NAME,
        Column(name="Drivers", type="integer", description="How many there are.", value=_drivers),
        columns.AGE,
    ),
    delete_returns_object=True,
    acts="Kept, as clients write it.",
)
