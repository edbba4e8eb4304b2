"""VolumeAttachment: a volume that shall be on a node."""

from kuberklone.apimachinery.document import Document
from kuberklone.kinds import columns
from kuberklone.kinds.kind import STATUS, Column
from kuberklone.kinds.stored_object import declare


def _attached(document: Document, now_ms: int) -> bool:
    del now_ms
    return bool(columns.at(document, "status.attached"))


KIND = declare(
    kind="VolumeAttachment",
    resource="volumeattachments",
    api_version="storage.k8s.io/v1",
    namespaced=False,
    subresources=(STATUS,),
    counts_generation=False,
    columns=(
        columns.NAME,
        Column(name="Attacher", description="Who does it.", value=columns.text("spec.attacher")),
        Column(name="PV", description="What.", value=columns.text("spec.source.persistentVolumeName")),
        Column(name="Node", description="Where.", value=columns.text("spec.nodeName")),
        Column(name="Attached", type="boolean", description="Whether it is.", value=_attached),
        columns.AGE,
    ),
    first_status={"attached": False},
    delete_returns_object=True,
    acts="Kept, as clients write it.",
)
