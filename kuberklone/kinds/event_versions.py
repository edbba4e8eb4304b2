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
    return {_TO_CORE.get(member, member): value for member, value in document.items()}


def from_core(document: Document) -> Document:
    """A kept event as events.k8s.io/v1 says it.

    Its `eventTime` has to be there: where a component counted instead, it is the time of the first one. (Kubernetes
    sends null, which the typed Python client refuses.)
    """
    found = {_TO_NEW.get(member, member): value for member, value in document.items()}
    if not found.get("eventTime"):
        first = document.get("firstTimestamp") or document["metadata"].get("creationTimestamp")
        # Times of this field have microseconds.
        found["eventTime"] = first.replace("Z", ".000000Z") if first and "." not in first else first
    return found
