"""StorageClass: what new volumes are made of."""

from collections.abc import Sequence

from kuberklone.apimachinery.document import Document
from kuberklone.apimachinery.problem import Problem
from kuberklone.kinds import columns, rules
from kuberklone.kinds.kind import Column
from kuberklone.kinds.stored_object import declare

_DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"
_POLICIES = ("Delete", "Retain")
_MODES = ("Immediate", "WaitForFirstConsumer")
_FIXED = ("provisioner", "reclaimPolicy", "volumeBindingMode")


def _default(document: Document) -> None:
    document["reclaimPolicy"] = document.get("reclaimPolicy") or "Delete"
    document["volumeBindingMode"] = document.get("volumeBindingMode") or "Immediate"


def _validate(document: Document, old: Document | None) -> Sequence[Problem]:
    problems = [
        *rules.one_of("reclaimPolicy", document.get("reclaimPolicy"), _POLICIES),
        *rules.one_of("volumeBindingMode", document.get("volumeBindingMode"), _MODES),
    ]
    if not document.get("provisioner"):
        problems.append(rules.required("provisioner"))
    if old is not None:
        for field in _FIXED:
            problems += rules.unchanged(field, document.get(field), old.get(field))
        if (document.get("parameters") or {}) != (old.get("parameters") or {}):
            problems.append(rules.forbidden("parameters", "updates to parameters are forbidden."))
    return problems


def _name(document: Document, now_ms: int) -> str:
    del now_ms
    metadata = document["metadata"]
    is_default = (metadata.get("annotations") or {}).get(_DEFAULT_CLASS) == "true"
    return f"{metadata['name']} (default)" if is_default else str(metadata["name"])


def _expands(document: Document, now_ms: int) -> bool:
    del now_ms
    return bool(document.get("allowVolumeExpansion"))


KIND = declare(
    kind="StorageClass",
    resource="storageclasses",
    api_version="storage.k8s.io/v1",
    namespaced=False,
    short_names=("sc",),
    counts_generation=False,
    columns=(
        Column(name="Name", format="name", description="Unique, with a word for the default.", value=_name),
        Column(name="Provisioner", description="Who makes them.", value=columns.text("provisioner")),
        Column(name="ReclaimPolicy", description="What becomes of them at last.", value=columns.text("reclaimPolicy")),
        Column(name="VolumeBindingMode", description="When they are made.", value=columns.text("volumeBindingMode")),
        Column(name="AllowVolumeExpansion", type="boolean", description="Whether they may grow.", value=_expands),
        columns.AGE,
    ),
    default=_default,
    validate=_validate,
    delete_returns_object=True,
    acts="Kept. No volumes are made.",
)
