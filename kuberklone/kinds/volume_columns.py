"""Columns of volumes and of claims to them."""

from kuberklone.apimachinery.document import Document
from kuberklone.kinds import columns
from kuberklone.kinds.kind import Column

_MODES = {"ReadWriteOnce": "RWO", "ReadOnlyMany": "ROX", "ReadWriteMany": "RWX", "ReadWriteOncePod": "RWOP"}
# How storage classes were named before they had a field.
_CLASS = "volume.beta.kubernetes.io/storage-class"


def modes(found: list[str] | None) -> str:
    """`RWO,ROX`: in the short words that people know, in their usual order."""
    return ",".join(short for mode, short in _MODES.items() if mode in (found or []))


def status(document: Document, now_ms: int) -> str:
    """The phase, or that it is on its way out."""
    del now_ms
    if document["metadata"].get("deletionTimestamp"):
        return "Terminating"
    return str(columns.at(document, "status.phase") or "")


def storage_class(document: Document, now_ms: int) -> str:
    del now_ms
    annotations = document["metadata"].get("annotations") or {}
    return str(annotations.get(_CLASS) or columns.at(document, "spec.storageClassName") or "")


ATTRIBUTES_CLASS = Column(
    name="VolumeAttributesClass",
    description="How fast it is.",
    value=columns.text("spec.volumeAttributesClassName", "<unset>"),
)
MODE = Column(
    name="VolumeMode",
    priority=1,
    description="Filesystem or Block.",
    value=columns.text("spec.volumeMode", "<unset>"),
)
