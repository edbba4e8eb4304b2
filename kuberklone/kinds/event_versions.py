"""Events in their two versions: core/v1, in which they are kept, and events.k8s.io/v1, which renames most of it.

Source: the conversion functions in pkg/apis/events/v1 of Kubernetes.
"""

from kuberklone.apimachinery.document import Document

API_VERSION = "events.k8s.io/v1"
# A name in core/v1, and what the newer version calls it.
_NAMES = (
    ("involvedObject", "regarding"),
    ("message", "note"),
    ("reportingComponent", "reportingController"),
    ("source", "deprecatedSource"),
    ("firstTimestamp", "deprecatedFirstTimestamp"),
    ("lastTimestamp", "deprecatedLastTimestamp"),
    ("count", "deprecatedCount"),
)
_TO_NEW = dict(_NAMES)
_TO_CORE = {new: core for core, new in _NAMES}


def to_core(document: Document) -> Document:
    """An event of events.k8s.io/v1 as it is kept."""
    found = {_TO_CORE.get(member, member): value for member, value in document.items()}
    if found.get("eventTime") is None or found["eventTime"] == _first(found):
        # It was put there by us.
        found.pop("eventTime", None)
    return found


def from_core(document: Document) -> Document:
    """A kept event as events.k8s.io/v1 says it.

    Its `eventTime` has to be there: where a component counted instead, it is the time of the first one. (Kubernetes
    sends null, which the typed Python client refuses.)
    """
    found = {_TO_NEW.get(member, member): value for member, value in document.items()}
    if not found.get("eventTime"):
        found["eventTime"] = _first(document)
    return found


def _first(event: Document) -> str | None:
    """When a kept event was said first, in the microseconds of `eventTime`."""
    first: str | None = event.get("firstTimestamp") or event["metadata"].get("creationTimestamp")
    return first.replace("Z", ".000000Z") if first and "." not in first else first
