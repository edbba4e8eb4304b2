"""Node: a machine that pods run on."""

from kuberklone.kinds import node_columns, node_document, node_rules
from kuberklone.kinds.kind import STATUS, Kind
from kuberklone.kinds.node import Node

KIND = Kind(
    kind="Node",
    resource="nodes",
    record=Node,
    table="nodes",
    namespaced=False,
    short_names=("no",),
    subresources=(STATUS,),
    document=node_document.document,
    read=node_document.read,
    read_status=node_document.read_status,
    resets_status=True,
    # Columns whose change moves an object in or out of a field selector.
    selectable={"spec.unschedulable": "unschedulable"},
    default=node_rules.default,
    validate=node_rules.validate,
    columns=node_columns.COLUMNS,
    acts="`node` makes its machine, `node_health` judges whether it is ready, `scheduler` places pods on it. One that "
    "is created here is simulated, unless its annotation `kuberklone.io/provider` says otherwise.",
)
