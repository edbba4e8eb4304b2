"""ServiceCIDR: addresses that services may get."""

from collections.abc import Sequence

from kuberklone.apimachinery.document import Document
from kuberklone.apimachinery.problem import Problem
from kuberklone.kinds import columns, rules
from kuberklone.kinds.kind import STATUS, Column
from kuberklone.kinds.stored_object import declare


def _ranges(document: Document, now_ms: int) -> str:
    del now_ms
    return ",".join(columns.at(document, "spec.cidrs") or [])


def _validate(document: Document, old: Document | None) -> Sequence[Problem]:
    ranges = columns.at(document, "spec.cidrs")
    if not ranges:
        return [rules.required("spec.cidrs", "at least one CIDR required")]
    return [] if old is None else rules.unchanged("spec.cidrs", ranges, columns.at(old, "spec.cidrs"))


KIND = declare(
    kind="ServiceCIDR",
    resource="servicecidrs",
    api_version="networking.k8s.io/v1",
    namespaced=False,
    subresources=(STATUS,),
    columns=(columns.NAME, Column(name="CIDRs", description="The ranges.", value=_ranges), columns.AGE),
    validate=_validate,
    acts="Kept. Services get no addresses of it.",
)
