"""EndpointSlice: some of the addresses behind a service."""

from collections.abc import Sequence

from kuberklone.apimachinery.document import Document
from kuberklone.apimachinery.problem import Problem
from kuberklone.kinds import columns, rules
from kuberklone.kinds.kind import Column
from kuberklone.kinds.stored_object import declare

_TYPES = ("FQDN", "IPv4", "IPv6")
_SHOWN_MAX = 3  # as many as fit into a line


def _default(document: Document) -> None:
    for port in document.get("ports") or []:
        port["protocol"] = port.get("protocol") or "TCP"
        port["name"] = port.get("name") or ""


def _validate(document: Document, old: Document | None) -> Sequence[Problem]:
    problems = rules.one_of("addressType", document.get("addressType"), _TYPES)
    if old is not None:
        problems += rules.unchanged("addressType", document.get("addressType"), old.get("addressType"))
    return problems


def _few(found: list[str]) -> str:
    if not found:
        return "<unset>"
    more = f" + {len(found) - _SHOWN_MAX} more..." if len(found) > _SHOWN_MAX else ""
    return ",".join(found[:_SHOWN_MAX]) + more


def _ports(document: Document, now_ms: int) -> str:
    del now_ms
    return _few([str(port.get("port") or "*") for port in document.get("ports") or []])


def _endpoints(document: Document, now_ms: int) -> str:
    del now_ms
    return _few([address for each in document.get("endpoints") or [] for address in each.get("addresses") or []])


KIND = declare(
    kind="EndpointSlice",
    resource="endpointslices",
    api_version="discovery.k8s.io/v1",
    columns=(
        columns.NAME,
        Column(name="AddressType", description="What its addresses are.", value=columns.text("addressType")),
        Column(name="Ports", description="Its ports.", value=_ports),
        Column(name="Endpoints", description="Its addresses.", value=_endpoints),
        columns.AGE,
    ),
    default=_default,
    validate=_validate,
    acts="Kept, as clients write it.",
)
