"""Node: a machine that pods run on."""

from kuberklone.kinds import columns, node_document
from kuberklone.kinds.kind import STATUS, Kind, Subresource
from kuberklone.kinds.node import Node

KIND = Kind(
    kind="Node",
    resource="nodes",
    record=Node,
    table="nodes",
    namespaced=False,
    short_names=("no",),
    subresources=(STATUS, Subresource(name="proxy", kind="NodeProxyOptions", verbs=("get",))),
    document=node_document.document,
    read=node_document.read,
    read_status=node_document.read_status,
    resets_status=True,
    selectable={"spec.unschedulable": "unschedulable"},
    delete_returns_object=False,
    columns=(columns.NAME, columns.AGE),
)
