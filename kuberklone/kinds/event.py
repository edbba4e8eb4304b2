"""Event (core/v1): something worth telling a person about a node, a pod, or whatever a client tells of.

What the scheduler decided is not kept as events: `decisions` holds it, and the view `v_events` shows both.
"""

from typing import Any, Literal

import msgspec

from kuberklone.apimachinery.document import Document
from kuberklone.clock import timestamp
from kuberklone.kinds import durations, json_text, metadata_reading
from kuberklone.kinds.header import Header, metadata

RESOURCE = "events"
EventType = Literal["Normal", "Warning"]


class Event(Header, frozen=True, gc=False):
    """One row of `events`. The same thing said again raises `count` and `last_ms`."""

    namespace: str = "default"
    involved_kind: str = ""
    involved_name: str = ""
    involved_uid: str = ""
    type: str = "Normal"
    reason: str = ""
    message: str = ""
    count: int = 1
    last_ms: int = 0
    source: str = ""
    """The component that says it, such as `node-health`."""
    data: str = "{}"
    """What a client's event says beyond the columns; empty for those of the cluster's own components."""


# Members that columns hold. Others of a client's event are kept as it wrote them.
_IN_COLUMNS = frozenset({"apiVersion", "kind", "metadata", "type", "reason", "message", "count", "lastTimestamp"})


def document(event: Event) -> str:
    """The event as the Kubernetes document v1/Event, without resourceVersion."""
    if event.data != json_text.EMPTY:
        members = json_text.members(event.data)
    else:
        placed = f',"namespace":"{event.namespace}"' if event.involved_kind != "Node" else ""
        members = (
            f'"involvedObject":{{"kind":"{event.involved_kind}","apiVersion":"{_api_version(event.involved_kind)}",'
            f'"name":"{event.involved_name}",'
            f'"uid":"{event.involved_uid}"{placed}}},"firstTimestamp":"{timestamp(event.created_ms)}",'
            f'"source":{{"component":"{event.source}"}},"reportingComponent":"{event.source}","reportingInstance":""'
        )
    last = f',"lastTimestamp":"{timestamp(event.last_ms)}"' if event.last_ms else ""
    return (
        f'{{"apiVersion":"v1","kind":"Event",{metadata(event, namespace=event.namespace)},{members},'
        f'"type":{json_text.quoted(event.type)},"reason":{json_text.quoted(event.reason)},'
        f'"message":{json_text.quoted(event.message)},"count":{event.count}{last}}}'
    )


# Of the kinds outside the core group that the cluster's own components tell something about.
_API_VERSIONS = {"Deployment": "apps/v1", "ReplicaSet": "apps/v1", "PodDisruptionBudget": "policy/v1"}


def _api_version(kind: str) -> str:
    return _API_VERSIONS.get(kind, "v1")


def read(document: Document, old: Event | None) -> Event:
    """The record of a client's event."""
    header = metadata_reading.read(document)
    involved = document.get("involvedObject") or {}
    source = document.get("source") or {}
    kept: dict[str, Any] = {key: value for key, value in document.items() if key not in _IN_COLUMNS}
    said: dict[str, Any] = {
        "involved_kind": involved.get("kind") or "",
        "involved_name": involved.get("name") or "",
        "involved_uid": involved.get("uid") or "",
        "type": document.get("type") or "Normal",
        "reason": document.get("reason") or "",
        "message": document.get("message") or "",
        "count": document.get("count") or 1,
        "last_ms": durations.moment_ms(document.get("lastTimestamp")) or 0,
        "source": document.get("reportingComponent") or source.get("component") or "",
    }
    if old is None:
        columns = header.columns(None)
        return Event(
            uid="",
            name=header.name,
            namespace=header.namespace,
            generation=0,
            data=json_text.text(kept),
            **said,
            **columns,
        )
    data = metadata_reading.section(kept, old.data)
    return msgspec.structs.replace(old, data=data, **said, **header.columns(old))
