"""VolumeAttributesClass: how fast volumes are."""

from collections.abc import Sequence

from kuberklone.apimachinery.document import Document
from kuberklone.apimachinery.problem import Problem
from kuberklone.kinds import columns, rules
from kuberklone.kinds.kind import Column
from kuberklone.kinds.stored_object import declare


def _validate(document: Document, old: Document | None) -> Sequence[Problem]:
    if not document.get("driverName"):
        return [rules.required("driverName")]
    if old is None:
        return []
    problems = rules.unchanged("driverName", document["driverName"], old.get("driverName"))
    if (document.get("parameters") or {}) != (old.get("parameters") or {}):
        problems.append(rules.forbidden("parameters", "updates to parameters are forbidden."))
    return problems


KIND = declare(
    kind="VolumeAttributesClass",
    resource="volumeattributesclasses",
    api_version="storage.k8s.io/v1",
    namespaced=False,
    short_names=("vac",),
    counts_generation=False,
    columns=(
        columns.NAME,
        Column(name="DriverName", description="Whose volumes.", value=columns.text("driverName")),
        columns.AGE,
    ),
    validate=_validate,
    delete_returns_object=True,
    acts="Kept, as clients write it.",
)
