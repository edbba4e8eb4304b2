"""Ingress: which service answers for which host and path."""

from collections.abc import Sequence

from kuberklone.apimachinery.document import Document
from kuberklone.apimachinery.problem import Problem
from kuberklone.kinds import columns, rules
from kuberklone.kinds.kind import STATUS, Column
from kuberklone.kinds.stored_object import declare

_PATH_TYPES = ("Exact", "ImplementationSpecific", "Prefix")
_SHOWN_MAX = 3  # as many as fit into a line


def _validate(document: Document, old: Document | None) -> Sequence[Problem]:
    del old
    spec = document.get("spec") or {}
    problems = []
    if not spec.get("rules") and not spec.get("defaultBackend"):
        problems.append(rules.invalid("spec", spec, "either `defaultBackend` or `rules` must be specified"))
    for place, rule in enumerate(spec.get("rules") or []):
        for number, path in enumerate((rule.get("http") or {}).get("paths") or []):
            here = f"spec.rules[{place}].http.paths[{number}]"
            kind, text = path.get("pathType"), path.get("path") or ""
            if not kind:
                problems.append(rules.required(f"{here}.pathType", "pathType must be specified"))
            problems += rules.one_of(f"{here}.pathType", kind, _PATH_TYPES)
            if kind in ("Exact", "Prefix") and not text.startswith("/"):
                problems.append(rules.invalid(f"{here}.path", text, "must be an absolute path"))
    return problems


def _class(document: Document, now_ms: int) -> str:
    del now_ms
    annotations = document["metadata"].get("annotations") or {}
    found = columns.at(document, "spec.ingressClassName") or annotations.get("kubernetes.io/ingress.class")
    return str(found or columns.UNSET)


def _hosts(document: Document, now_ms: int) -> str:
    del now_ms
    hosts = [rule["host"] for rule in columns.at(document, "spec.rules") or [] if rule.get("host")]
    more = f" + {len(hosts) - _SHOWN_MAX} more..." if len(hosts) > _SHOWN_MAX else ""
    return ",".join(hosts[:_SHOWN_MAX]) + more or "*"


def _address(document: Document, now_ms: int) -> str:
    del now_ms
    ingress = columns.at(document, "status.loadBalancer.ingress") or []
    return ",".join(each.get("ip") or each.get("hostname") or "" for each in ingress)


def _ports(document: Document, now_ms: int) -> str:
    del now_ms
    return "80, 443" if columns.at(document, "spec.tls") else "80"


KIND = declare(
    kind="Ingress",
    resource="ingresses",
    api_version="networking.k8s.io/v1",
    short_names=("ing",),
    subresources=(STATUS,),
    columns=(
        columns.NAME,
        Column(name="Class", description="Who acts on it.", value=_class),
        Column(name="Hosts", description="For whom it answers.", value=_hosts),
        Column(name="Address", description="Where it answers.", value=_address),
        Column(name="Ports", description="Its ports.", value=_ports),
        columns.AGE,
    ),
    first_status={"loadBalancer": {}},
    validate=_validate,
    acts="Kept. Nothing answers.",
    warning="no controller acts on ingresses yet: nothing answers",
)
