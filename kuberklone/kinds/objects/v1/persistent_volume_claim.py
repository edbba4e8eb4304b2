"""PersistentVolumeClaim: a pod's wish for storage that outlives it."""

from collections.abc import Sequence

from kuberklone.apimachinery.document import Document
from kuberklone.apimachinery.problem import Problem
from kuberklone.kinds import amounts, columns, rules, volume_columns
from kuberklone.kinds.kind import STATUS, Column
from kuberklone.kinds.stored_object import declare

_CHANGEABLE = ("resources", "volumeAttributesClassName")
_UPDATE = "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims"


def default_spec(spec: Document) -> None:
    """Fills in a claim, or the template of one in a StatefulSet."""
    spec["volumeMode"] = spec.get("volumeMode") or "Filesystem"


def _default(document: Document) -> None:
    default_spec(document.setdefault("spec", {}))


def _validate(document: Document, old: Document | None) -> Sequence[Problem]:
    spec = document.get("spec") or {}
    requests = columns.at(spec, "resources.requests") or {}
    problems = list(amounts.problems("spec.resources.requests", requests))
    if not spec.get("accessModes"):
        problems.append(rules.required("spec.accessModes", "at least 1 access mode is required"))
    if not requests.get("storage"):
        problems.append(rules.required("spec.resources[storage]"))
    was = (old or {}).get("spec") or {}
    # A claim that is not bound yet is given its volume and its class by whoever binds it.
    if old is not None and was.get("volumeName"):
        fixed = [{key: value for key, value in each.items() if key not in _CHANGEABLE} for each in (spec, was)]
        if fixed[0] != fixed[1]:
            problems.append(rules.forbidden("spec", _UPDATE))
    return problems


def _capacity(document: Document, now_ms: int) -> str:
    del now_ms
    return str(columns.at(document, "status.capacity.storage") or "") if columns.at(document, "spec.volumeName") else ""


def _modes(document: Document, now_ms: int) -> str:
    del now_ms
    is_bound = columns.at(document, "spec.volumeName")
    return volume_columns.modes(columns.at(document, "status.accessModes")) if is_bound else ""


KIND = declare(
    kind="PersistentVolumeClaim",
    resource="persistentvolumeclaims",
    short_names=("pvc",),
    subresources=(STATUS,),
    counts_generation=False,
    first_status={"phase": "Pending"},
    columns=(
        columns.NAME,
        Column(name="Status", description="Whether it has its volume.", value=volume_columns.status),
        Column(name="Volume", description="The volume it has.", value=columns.text("spec.volumeName")),
        Column(name="Capacity", description="How large that is.", value=_capacity),
        Column(name="Access Modes", description="How it may be mounted.", value=_modes),
        Column(name="StorageClass", description="What it is made of.", value=volume_columns.storage_class),
        volume_columns.ATTRIBUTES_CLASS,
        columns.AGE,
        volume_columns.MODE,
    ),
    default=_default,
    validate=_validate,
    delete_returns_object=True,
    acts="Kept, always Pending. Pods that name it are placed all the same.",
    warning="no controller acts on persistent volume claims yet: this one stays Pending",
)
