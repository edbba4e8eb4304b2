"""Endpoints: the addresses behind a service, in one object; EndpointSlice is its successor."""

from kuberklone.apimachinery.document import Document
from kuberklone.kinds import columns
from kuberklone.kinds.kind import Column
from kuberklone.kinds.stored_object import declare

_SHOWN_MAX = 3  # as many as fit into a line


def _default(document: Document) -> None:
    for subset in document.get("subsets") or []:
        for port in subset.get("ports") or []:
            port["protocol"] = port.get("protocol") or "TCP"


def _endpoints(document: Document, now_ms: int) -> str:
    del now_ms
    found: list[str] = []
    for subset in document.get("subsets") or []:
        addresses = [each.get("ip", "") for each in subset.get("addresses") or []]
        ports = [each.get("port") for each in subset.get("ports") or []]
        found += [f"{address}:{port}" for port in ports for address in addresses] if ports else addresses
    more = f" + {len(found) - _SHOWN_MAX} more..." if len(found) > _SHOWN_MAX else ""
    return ",".join(found[:_SHOWN_MAX]) + more or columns.UNSET


KIND = declare(
    kind="Endpoints",
    resource="endpoints",
    singular="endpoints",
    short_names=("ep",),
    counts_generation=False,
    columns=(
        columns.NAME,
        Column(name="Endpoints", description="Addresses and ports that are ready.", value=_endpoints),
        columns.AGE,
    ),
    default=_default,
    acts="Kept, as clients write it.",
)
