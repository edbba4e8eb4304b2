"""Event (core/v1): something worth telling a person about a node or a pod.

What the scheduler decided is not kept as events: `decisions` holds it, and the view `v_events` shows both.
"""

from typing import Literal

from kuberklone.clock import timestamp
from kuberklone.kinds import json_text
from kuberklone.kinds.header import Header, metadata
from kuberklone.kinds.kind import Kind

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


def document(event: Event) -> str:
    """The event as the Kubernetes document v1/Event, without resourceVersion."""
    involved = (
        f'{{"kind":"{event.involved_kind}","apiVersion":"v1","name":"{event.involved_name}",'
        f'"uid":"{event.involved_uid}"'
        + (f',"namespace":"{event.namespace}"}}' if event.involved_kind != "Node" else "}")
    )
    return (
        f'{{"apiVersion":"v1","kind":"Event",{metadata(event, namespace=event.namespace)},'
        f'"involvedObject":{involved},"type":"{event.type}","reason":"{event.reason}",'
        f'"message":{json_text.quoted(event.message)},"count":{event.count},'
        f'"firstTimestamp":"{timestamp(event.created_ms)}","lastTimestamp":"{timestamp(event.last_ms)}",'
        f'"source":{{"component":"{event.source}"}},"reportingComponent":"{event.source}","reportingInstance":""}}'
    )


KIND = Kind(record=Event, resource=RESOURCE, document=document, table="events")
