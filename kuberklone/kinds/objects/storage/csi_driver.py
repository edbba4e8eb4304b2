"""CSIDriver: what a storage driver can do."""

from kuberklone.apimachinery.document import Document
from kuberklone.kinds import columns
from kuberklone.kinds.kind import Column
from kuberklone.kinds.stored_object import declare

_DEFAULTS = {
    "attachRequired": True,
    "podInfoOnMount": False,
    "storageCapacity": False,
    "requiresRepublish": False,
    "seLinuxMount": False,
}


def _default(document: Document) -> None:
    spec = document.setdefault("spec", {})
    for field, value in _DEFAULTS.items():
        if spec.get(field) is None:
            spec[field] = value
    spec["fsGroupPolicy"] = spec.get("fsGroupPolicy") or "ReadWriteOnceWithFSType"
    spec["volumeLifecycleModes"] = spec.get("volumeLifecycleModes") or ["Persistent"]


def _flag(name: str, member: str, description: str) -> Column:
    def cell(document: Document, now_ms: int) -> bool:
        del now_ms
        return bool(columns.at(document, f"spec.{member}"))

    return Column(name=name, type="boolean", description=description, value=cell)


def _tokens(document: Document, now_ms: int) -> str:
    del now_ms
    requests = columns.at(document, "spec.tokenRequests") or []
    return ",".join(each.get("audience", "") for each in requests) or "<unset>"


def _modes(document: Document, now_ms: int) -> str:
    del now_ms
    return ",".join(columns.at(document, "spec.volumeLifecycleModes") or []) or columns.UNSET


KIND = declare(
    kind="CSIDriver",
    resource="csidrivers",
    api_version="storage.k8s.io/v1",
    namespaced=False,
    counts_generation=False,
    columns=(
        columns.NAME,
        _flag("AttachRequired", "attachRequired", "Whether a node must be told."),
        _flag("PodInfoOnMount", "podInfoOnMount", "Whether it is told of the pod."),
        _flag("StorageCapacity", "storageCapacity", "Whether it says what room there is."),
        Column(name="TokenRequests", description="For whom it needs tokens.", value=_tokens),
        _flag("RequiresRepublish", "requiresRepublish", "Whether it is called again and again."),
        Column(name="Modes", description="How long its volumes live.", value=_modes),
        columns.AGE,
    ),
    default=_default,
    delete_returns_object=True,
    acts="Kept, as clients write it.",
)
