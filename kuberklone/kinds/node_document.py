"""A node's record as the Kubernetes document v1/Node, and back."""

from functools import lru_cache
from typing import Any, get_args

import msgspec

from kuberklone.apimachinery import problem
from kuberklone.apimachinery.document import Document
from kuberklone.clock import timestamp
from kuberklone.kinds import amounts, durations, json_text, metadata_reading, node_rules, rules, taints
from kuberklone.kinds.header import metadata
from kuberklone.kinds.node import (
    CPU_MILLIS_DEFAULT,
    MEMORY_BYTES_DEFAULT,
    PODS_MAX_DEFAULT,
    Node,
    Provider,
    effective_taints,
)
from kuberklone.kinds.release import KUBERNETES_VERSION
from kuberklone.kinds.taints import Taint

PROVIDER = "kuberklone.io/provider"
"""Annotation: what makes the machine of a node that is created through the Kubernetes API; simulated by default."""

_DERIVED_TAINTS = frozenset({taints.NOT_READY, taints.UNREACHABLE, taints.UNSCHEDULABLE})
_PRESSURES = (
    ("MemoryPressure", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
    ("DiskPressure", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
    ("PIDPressure", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
)
_CONDITIONS = (*[word for word, _, _ in _PRESSURES], "Ready")
_SILENT = "Kubelet stopped posting node status."
_COUNTED = ("cpu", "memory", "pods")

_decode = msgspec.json.Decoder().decode


def document(node: Node) -> str:
    """The node as a document, without resourceVersion."""
    listed = ",".join(_taint_document(taint) for taint in effective_taints(node))
    spec = json_text.joined(
        "" if '"providerID":' in node.spec else f'"providerID":{json_text.quoted(f"{node.provider}://{node.name}")}',
        '"unschedulable":true' if node.unschedulable else "",
        f'"taints":[{listed}]' if listed else "",
        json_text.members(node.spec),
    )
    if node.status == json_text.EMPTY:
        counted = _counted(node)
        parts = [
            f'"capacity":{counted},"allocatable":{counted}',
            f'"conditions":[{_conditions(node)}]',
            f'"addresses":[{{"type":"Hostname","address":{json_text.quoted(node.name)}}}]',
            '"daemonEndpoints":{"kubeletEndpoint":{"Port":0}}',
            f'"nodeInfo":{_node_info(node.provider, node.boot_id or "")}',
        ]
        state = "{" + ",".join(parts) + "}"
    else:
        state = _with_written_status(node)
    return f'{{"apiVersion":"v1","kind":"Node",{metadata(node)},"spec":{spec},"status":{state}}}'


def _counted(node: Node) -> str:
    cpu, memory = amounts.cpu_text(node.cpu_millis), amounts.memory_text(node.memory_bytes)
    return f'{{"cpu":"{cpu}","memory":"{memory}","pods":"{node.pods_max}"}}'


def _conditions(node: Node) -> str:
    since = f'"lastTransitionTime":"{timestamp(node.ready_since_ms)}"'
    if node.ready == "Unknown":
        said = f'"status":"Unknown","reason":"{node.ready_reason}","message":{json_text.quoted(_SILENT)},{since}'
        return ",".join(f'{{"type":"{word}",{said}}}' for word in _CONDITIONS)
    # Heartbeats are not in the log, but at the moment of the change there was one.
    moments = f'"lastHeartbeatTime":"{timestamp(node.ready_since_ms)}",{since}'
    pressures = [
        f'{{"type":"{word}","status":"False","reason":"{reason}","message":"{words}",{moments}}}'
        for word, reason, words in _PRESSURES
    ]
    words = "kubelet is posting ready status" if node.ready == "True" else "kubelet is not ready"
    ready = f'"status":"{node.ready}","reason":"{node.ready_reason}","message":"{words}"'
    return ",".join([*pressures, f'{{"type":"Ready",{ready},{moments}}}'])


@lru_cache(maxsize=1024)
def _node_info(provider: str, boot_id: str) -> str:
    """What `describe` shows of the system; typed clients need each member, so none is left out."""
    return json_text.text(
        {
            "machineID": "",
            "systemUUID": "",
            "bootID": boot_id,
            "kernelVersion": "",
            "osImage": f"KuberKlone ({provider})",
            "containerRuntimeVersion": f"{provider}://1",
            "kubeletVersion": KUBERNETES_VERSION,
            "kubeProxyVersion": "",
            "operatingSystem": "linux",
            "architecture": "amd64",
        }
    )


def _with_written_status(node: Node) -> str:
    """The same where a client or an agent has said more: its own members, and entries besides the derived ones."""
    written = _decode(node.status)
    counted = _decode(_counted(node))
    derived = {
        "capacity": {**written.get("capacity", {}), **counted},
        "allocatable": {**written.get("allocatable", {}), **counted},
        "conditions": [*written.get("conditions", []), *_decode(f"[{_conditions(node)}]")],
        "nodeInfo": {**_decode(_node_info(node.provider, node.boot_id or "")), **written.get("nodeInfo", {})},
    }
    if not written.get("addresses"):
        derived["addresses"] = [{"type": "Hostname", "address": node.name}]
    return json_text.text({**written, **derived})


def _taint_document(taint: Taint) -> str:
    value = f',"value":{json_text.quoted(taint.value)}' if taint.value else ""
    added = f',"timeAdded":"{timestamp(taint.time_added_ms)}"' if taint.time_added_ms is not None else ""
    return f'{{"key":"{taint.key}"{value},"effect":"{taint.effect}"{added}}}'


# ------------------------------------------------------------------------------------------------------------- reading


def read(document: Document, old: Node | None) -> Node:
    """The record that a document asks for.

    Taints that follow from health and cordon are in every document that a client has read, and come back with it: they
    are derived, so they are not kept. Capacity is the status's, except when the node is created with it.
    """
    header = metadata_reading.read(document)
    spec: Document = dict(document.get("spec") or {})
    unschedulable = bool(spec.pop("unschedulable", False))
    wanted = [_taint(taint) for taint in spec.pop("taints", None) or [] if taint.get("key") not in _DERIVED_TAINTS]
    annotations = header.sections.get("annotations") or {}
    provider = _provider(annotations, spec.get("providerID") or "", header.name) if old is None else old.provider
    if spec.get("providerID") == f"{provider}://{header.name}":
        del spec["providerID"]
    said = {
        "unschedulable": unschedulable,
        "taints": metadata_reading.section(wanted, None if old is None else old.taints, empty="[]"),
        "spec": metadata_reading.section(spec, None if old is None else old.spec),
        **header.columns(old),
    }
    if old is not None:
        return msgspec.structs.replace(old, **said)
    new = Node(uid="", name=header.name, generation=0, provider=provider, **said)
    return _with_status(document.get("status") or {}, new)


def read_status(document: Document, old: Node) -> Node:
    """The record with what a write of `/status` says; readiness is judged from heartbeats and cannot be written."""
    columns = metadata_reading.read(document).columns(old)
    status = document.get("status") or {}
    if problems := node_rules.of_status(status):
        raise problem.invalid("Node", old.name, problems)
    return msgspec.structs.replace(_with_status(status, old), **columns)


def _with_status(status: Document, node: Node) -> Node:
    kept = {key: value for key, value in status.items() if key not in {"conditions", "daemonEndpoints"}}
    # The scheduler counts what may be given away; where both are said and differ, that is less than there is.
    counted = {**(status.get("capacity") or {}), **(status.get("allocatable") or {})}
    for section in ("capacity", "allocatable"):
        kept[section] = {key: value for key, value in (status.get(section) or {}).items() if key not in _COUNTED}
        if not kept[section]:
            del kept[section]
    if kept.get("addresses") == [{"type": "Hostname", "address": node.name}]:
        del kept["addresses"]
    if kept.get("nodeInfo") == _decode(_node_info(node.provider, node.boot_id or "")):
        del kept["nodeInfo"]
    others = [each for each in status.get("conditions") or [] if each.get("type") not in _CONDITIONS]
    if others:
        kept["conditions"] = others
    return msgspec.structs.replace(
        node,
        cpu_millis=_units(counted, "cpu", node.cpu_millis or CPU_MILLIS_DEFAULT),
        memory_bytes=_units(counted, "memory", node.memory_bytes or MEMORY_BYTES_DEFAULT),
        pods_max=_units(counted, "pods", node.pods_max or PODS_MAX_DEFAULT),
        status=metadata_reading.section(kept, node.status),
    )


def _units(counted: Document, resource: str, unsaid: int) -> int:
    return amounts.units(amounts.exact(counted, resource), resource) if resource in counted else unsaid


def _taint(taint: Document) -> Document:
    # As the column holds them: the members of `taints.Taint`.
    found: dict[str, Any] = {
        "key": taint.get("key") or "",
        "value": taint.get("value") or "",
        "effect": taint["effect"],
    }
    return {**found, "time_added_ms": durations.moment_ms(taint.get("timeAdded"))}


def _provider(annotations: dict[str, str], provider_id: str, name: str) -> Provider:
    """By the annotation, else by a provider id of ours, else simulated."""
    words: dict[str, Provider] = {word: word for word in get_args(Provider)}
    said = annotations.get(PROVIDER)
    if said is None:
        return words.get(provider_id.partition("://")[0], "simulated")
    if said not in words:
        path = f"metadata.annotations[{PROVIDER}]"
        raise problem.invalid("Node", name, [rules.unsupported(path, said, words)])
    return words[said]
