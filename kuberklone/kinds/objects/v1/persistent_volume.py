"""PersistentVolume: storage that outlives pods."""

from collections.abc import Sequence

from kuberklone.apimachinery.document import Document
from kuberklone.apimachinery.problem import Problem
from kuberklone.kinds import amounts, columns, rules, volume_columns
from kuberklone.kinds.kind import STATUS, Column
from kuberklone.kinds.stored_object import declare

_POLICIES = ("Delete", "Recycle", "Retain")


def _default(document: Document) -> None:
    spec = document.setdefault("spec", {})
    spec["persistentVolumeReclaimPolicy"] = spec.get("persistentVolumeReclaimPolicy") or "Retain"
    spec["volumeMode"] = spec.get("volumeMode") or "Filesystem"


def _validate(document: Document, old: Document | None) -> Sequence[Problem]:
    spec, was = document.get("spec") or {}, (old or {}).get("spec") or {}
    problems = [
        *amounts.problems("spec.capacity", spec.get("capacity")),
        *rules.one_of("spec.persistentVolumeReclaimPolicy", spec.get("persistentVolumeReclaimPolicy"), _POLICIES),
    ]
    if not spec.get("accessModes"):
        problems.append(rules.required("spec.accessModes"))
    if not (spec.get("capacity") or {}).get("storage"):
        problems.append(rules.required("spec.capacity"))
    if old is not None:
        problems += rules.unchanged("spec.volumeMode", spec.get("volumeMode"), was.get("volumeMode"))
    return problems


def _modes(document: Document, now_ms: int) -> str:
    del now_ms
    return volume_columns.modes(columns.at(document, "spec.accessModes"))


def _claim(document: Document, now_ms: int) -> str:
    del now_ms
    claim = columns.at(document, "spec.claimRef")
    return f"{claim.get('namespace', '')}/{claim.get('name', '')}" if claim else ""


KIND = declare(
    kind="PersistentVolume",
    resource="persistentvolumes",
    namespaced=False,
    short_names=("pv",),
    subresources=(STATUS,),
    counts_generation=False,
    first_status={"phase": "Pending"},
    columns=(
        columns.NAME,
        Column(name="Capacity", description="How large it is.", value=columns.text("spec.capacity.storage")),
        Column(name="Access Modes", description="How it may be mounted.", value=_modes),
        Column(
            name="Reclaim Policy",
            description="What becomes of it without a claim.",
            value=columns.text("spec.persistentVolumeReclaimPolicy"),
        ),
        Column(name="Status", description="Whether it is taken.", value=volume_columns.status),
        Column(name="Claim", description="Whose it is.", value=_claim),
        Column(name="StorageClass", description="What it is made of.", value=volume_columns.storage_class),
        volume_columns.ATTRIBUTES_CLASS,
        Column(name="Reason", description="Why it failed.", value=columns.text("status.reason")),
        columns.AGE,
        volume_columns.MODE,
    ),
    default=_default,
    validate=_validate,
    delete_returns_object=True,
    acts="Kept. No claim is bound to it.",
    warning="no controller acts on persistent volumes yet: this one stays Pending",
)
