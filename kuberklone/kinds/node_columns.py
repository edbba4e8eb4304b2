"""What `kubectl get nodes` prints of a node (`printNode` in pkg/printers/internalversion of Kubernetes)."""

from kuberklone.apimachinery.document import Document
from kuberklone.kinds import columns
from kuberklone.kinds.kind import Column

_ROLE = "node-role.kubernetes.io/"
_ROLE_BY_VALUE = "kubernetes.io/role"
_UNKNOWN = "<unknown>"


def _status(document: Document, now_ms: int) -> str:
    del now_ms
    conditions = columns.at(document, "status.conditions") or []
    ready = next((each for each in conditions if each.get("type") == "Ready"), None)
    if ready is None:
        word = "Unknown"
    else:
        word = "Ready" if ready.get("status") == "True" else "NotReady"
    return f"{word},SchedulingDisabled" if columns.at(document, "spec.unschedulable") else word


def _roles(document: Document, now_ms: int) -> str:
    del now_ms
    labels = document["metadata"].get("labels") or {}
    roles = {key.removeprefix(_ROLE) for key in labels if key.startswith(_ROLE) and key != _ROLE}
    if labels.get(_ROLE_BY_VALUE):
        roles.add(labels[_ROLE_BY_VALUE])
    return ",".join(sorted(roles)) or columns.UNSET


def _address(document: Document, kind: str) -> str:
    addresses = columns.at(document, "status.addresses") or []
    return next((each["address"] for each in addresses if each.get("type") == kind), columns.UNSET)


def _internal(document: Document, now_ms: int) -> str:
    del now_ms
    return _address(document, "InternalIP")


def _external(document: Document, now_ms: int) -> str:
    del now_ms
    return _address(document, "ExternalIP")


def _system(name: str, member: str, description: str) -> Column:
    value = columns.text(f"status.nodeInfo.{member}", _UNKNOWN)
    return Column(name=name, priority=1, description=description, value=value)


COLUMNS = (
    columns.NAME,
    Column(name="Status", description="Whether it is ready for pods, and whether it is cordoned.", value=_status),
    Column(name="Roles", description="By its labels.", value=_roles),
    columns.AGE,
    Column(name="Version", description="Of its agent.", value=columns.text("status.nodeInfo.kubeletVersion", _UNKNOWN)),
    Column(name="Internal-IP", priority=1, description="Its address inside the cluster.", value=_internal),
    Column(name="External-IP", priority=1, description="Its address outside.", value=_external),
    _system("OS-Image", "osImage", "Its system."),
    _system("Kernel-Version", "kernelVersion", "Its kernel."),
    _system("Container-Runtime", "containerRuntimeVersion", "What runs its containers."),
)
