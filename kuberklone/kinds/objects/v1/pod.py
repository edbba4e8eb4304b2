"""Pod: containers that run together on one node."""

from kuberklone.kinds import columns, pod_document, pod_reading
from kuberklone.kinds.kind import STATUS, Kind, Subresource
from kuberklone.kinds.pod import Pod

KIND = Kind(
    kind="Pod",
    resource="pods",
    record=Pod,
    table="pods",
    short_names=("po",),
    categories=("all",),
    subresources=(
        STATUS,
        Subresource(name="binding", kind="Binding", api_version="v1", verbs=("create",)),
        Subresource(name="eviction", kind="Eviction", api_version="policy/v1", verbs=("create",)),
        Subresource(name="log", verbs=("get",)),
        Subresource(name="exec", kind="PodExecOptions", verbs=("create", "get")),
        Subresource(name="attach", kind="PodAttachOptions", verbs=("create", "get")),
        Subresource(name="ephemeralcontainers"),
    ),
    document=pod_document.document,
    read=pod_reading.read,
    read_status=pod_reading.read_status,
    resets_status=True,
    # Columns whose change moves an object in or out of a field selector.
    selectable={"spec.nodeName": "node_name", "status.phase": "phase", "status.podIP": "pod_ip"},
    selectable_paths=(
        "spec.restartPolicy",
        "spec.schedulerName",
        "spec.serviceAccountName",
        "spec.hostNetwork",
        "status.nominatedNodeName",
    ),
    grace=True,
    delete_returns_object=True,
    columns=(columns.NAME, columns.AGE),
)
