"""What `kubectl get events` prints of an event (`printEvent` in pkg/printers/internalversion of Kubernetes)."""

from typing import Any

from kuberklone.apimachinery.document import Document
from kuberklone.kinds import columns, durations
from kuberklone.kinds.kind import Column

_UNKNOWN = "<unknown>"


def _last(document: Document, now_ms: int) -> str:
    series = document.get("series") or {}
    moments = (series.get("lastObservedTime"), document.get("lastTimestamp"), *_firsts(document))
    return durations.since(_first_of(moments), now_ms, unset=_UNKNOWN)


def _first(document: Document, now_ms: int) -> str:
    return durations.since(_first_of(_firsts(document)), now_ms, unset=_UNKNOWN)


def _firsts(document: Document) -> tuple[Any, ...]:
    return document.get("firstTimestamp"), document.get("eventTime")


def _first_of(moments: tuple[Any, ...]) -> Any:
    return next((moment for moment in moments if moment), None)


def _object(document: Document, now_ms: int) -> str:
    del now_ms
    involved = document.get("involvedObject") or {}
    kind = str(involved.get("kind") or "").lower()
    return f"{kind}/{involved['name']}" if involved.get("name") else kind


def _source(document: Document, now_ms: int) -> str:
    del now_ms
    source = document.get("source") or {}
    component = source.get("component") or document.get("reportingComponent") or ""
    host = source.get("host") or document.get("reportingInstance") or ""
    return f"{component}, {host}" if host else str(component)


def _message(document: Document, now_ms: int) -> str:
    del now_ms
    return str(document.get("message") or "").strip()


def _count(document: Document, now_ms: int) -> int:
    del now_ms
    return (document.get("series") or {}).get("count") or document.get("count") or 1


COLUMNS = (
    Column(name="Last Seen", description="When it was said last.", value=_last),
    Column(name="Type", description="Normal or Warning.", value=columns.text("type")),
    Column(name="Reason", description="What it is about, in a word.", value=columns.text("reason")),
    Column(name="Object", description="What it is said of.", value=_object),
    Column(name="Subobject", priority=1, description="The part of it.", value=columns.text("involvedObject.fieldPath")),
    Column(name="Source", priority=1, description="Who says it.", value=_source),
    Column(name="Message", description="What is said.", value=_message),
    Column(name="First Seen", priority=1, description="When it was said first.", value=_first),
    Column(name="Count", type="integer", priority=1, description="How often it was said.", value=_count),
    Column(
        name="Name",
        format="name",
        priority=1,
        description="Unique within its namespace.",
        value=columns.text("metadata.name"),
    ),
)
