"""Service: one address for the pods that a selector chooses. (`service` alone would say nothing as a name.)"""

from collections.abc import Sequence

from kuberklone.apimachinery.document import Document
from kuberklone.apimachinery.problem import Problem
from kuberklone.kinds import columns, rules
from kuberklone.kinds.kind import STATUS, Column
from kuberklone.kinds.stored_object import declare

_TYPES = ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort")
_AFFINITIES = ("ClientIP", "None")
_PROTOCOLS = ("SCTP", "TCP", "UDP")
_STICKY_SECONDS = 10_800  # three hours, as in Kubernetes


def _default(document: Document) -> None:
    spec = document.setdefault("spec", {})
    kind = spec["type"] = spec.get("type") or "ClusterIP"
    affinity = spec["sessionAffinity"] = spec.get("sessionAffinity") or "None"
    if affinity == "ClientIP" and not spec.get("sessionAffinityConfig"):
        spec["sessionAffinityConfig"] = {"clientIP": {"timeoutSeconds": _STICKY_SECONDS}}
    for port in spec.get("ports") or []:
        port["protocol"] = port.get("protocol") or "TCP"
        if port.get("targetPort") in (None, 0, ""):
            port["targetPort"] = port.get("port")
        if port.get("nodePort") == 0:
            # Go programs send it for none.
            del port["nodePort"]
    if kind in ("NodePort", "LoadBalancer"):
        spec["externalTrafficPolicy"] = spec.get("externalTrafficPolicy") or "Cluster"
    if kind == "LoadBalancer" and spec.get("allocateLoadBalancerNodePorts") is None:
        spec["allocateLoadBalancerNodePorts"] = True
    if kind != "ExternalName":
        spec["internalTrafficPolicy"] = spec.get("internalTrafficPolicy") or "Cluster"


def _validate(document: Document, old: Document | None) -> Sequence[Problem]:
    spec = document.get("spec") or {}
    ports, kind = spec.get("ports") or [], spec.get("type")
    problems = [
        *rules.one_of("spec.type", kind, _TYPES),
        *rules.one_of("spec.sessionAffinity", spec.get("sessionAffinity"), _AFFINITIES),
        *rules.labels("spec.selector", spec.get("selector") or {}),
        *_ports(ports),
    ]
    if not ports and kind != "ExternalName" and spec.get("clusterIP") != "None":
        problems.append(rules.required("spec.ports"))
    if kind == "ExternalName" and not spec.get("externalName"):
        problems.append(rules.required("spec.externalName"))
    was = (old or {}).get("spec") or {}
    if was.get("clusterIP") and was.get("type") != "ExternalName" and kind != "ExternalName":
        problems += rules.unchanged("spec.clusterIP", spec.get("clusterIP"), was["clusterIP"])
    return problems


def _ports(ports: list[Document]) -> list[Problem]:
    problems = []
    names: set[str] = set()
    for place, port in enumerate(ports):
        here, name = f"spec.ports[{place}]", port.get("name") or ""
        if name:
            problems += rules.dns_label(f"{here}.name", name)
        elif len(ports) > 1:
            problems.append(rules.required(f"{here}.name"))
        if name in names:
            problems.append(rules.duplicate(f"{here}.name", name))
        names.add(name)
        problems += rules.port(f"{here}.port", port.get("port"))
        problems += rules.port_or_name(f"{here}.targetPort", port.get("targetPort"))
        problems += rules.one_of(f"{here}.protocol", port.get("protocol"), _PROTOCOLS)
    return problems


def _external(document: Document, now_ms: int) -> str:
    del now_ms
    spec = document.get("spec") or {}
    if spec.get("type") == "ExternalName":
        return str(spec.get("externalName") or columns.UNSET)
    addresses = list(spec.get("externalIPs") or [])
    if spec.get("type") == "LoadBalancer":
        ingress = columns.at(document, "status.loadBalancer.ingress") or []
        addresses = [each.get("ip") or each.get("hostname") or "" for each in ingress] + addresses
        return ",".join(addresses) or "<pending>"
    return ",".join(addresses) or columns.UNSET


def _shown_ports(document: Document, now_ms: int) -> str:
    del now_ms
    shown = []
    for port in columns.at(document, "spec.ports") or []:
        node = f":{port['nodePort']}" if port.get("nodePort") else ""
        shown.append(f"{port.get('port')}{node}/{port.get('protocol', 'TCP')}")
    return ",".join(shown) or columns.UNSET


KIND = declare(
    kind="Service",
    resource="services",
    short_names=("svc",),
    categories=("all",),
    subresources=(STATUS,),
    counts_generation=False,
    first_status={"loadBalancer": {}},
    columns=(
        columns.NAME,
        Column(name="Type", description="How it is reached.", value=columns.text("spec.type")),
        Column(
            name="Cluster-IP",
            description="Its address inside the cluster.",
            value=columns.text("spec.clusterIP", columns.UNSET),
        ),
        Column(name="External-IP", description="Its addresses outside.", value=_external),
        Column(name="Port(s)", description="Its ports.", value=_shown_ports),
        columns.AGE,
        columns.SELECTOR,
    ),
    default=_default,
    validate=_validate,
    delete_returns_object=True,
    acts="Kept. It gets no endpoints, and nothing sends traffic to its pods.",
    warning="no controller acts on services yet: nothing sends traffic to the pods of this one",
)
