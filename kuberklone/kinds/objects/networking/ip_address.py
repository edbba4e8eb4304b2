"""IPAddress: an address that something has taken."""

from kuberklone.apimachinery.document import Document
from kuberklone.kinds import columns
from kuberklone.kinds.kind import Column
from kuberklone.kinds.stored_object import declare


def _parent(document: Document, now_ms: int) -> str:
    del now_ms
    parent = columns.at(document, "spec.parentRef") or {}
    parts = [parent.get(member) for member in ("resource", "group", "namespace", "name")]
    return "/".join(part for part in parts if part)


KIND = declare(
    kind="IPAddress",
    resource="ipaddresses",
    api_version="networking.k8s.io/v1",
    namespaced=False,
    short_names=("ip",),
    columns=(
        columns.NAME,
        Column(name="ParentRef", description="What has taken it.", value=_parent),
        columns.AGE,
    ),
    acts="Kept, as clients write it.",
)
