"""What field selectors see in a document: text, empty when there is nothing."""

from typing import Any

from kuberklone.apimachinery.document import Document

# What a selector sees of values that documents leave out when they are false or nothing.
_WHEN_ABSENT = {
    "spec.unschedulable": "false",
    "spec.hostNetwork": "false",
    "status.replicas": "0",
    "status.successful": "0",
}
# Selectors whose path is not where the value stands.
_PLACES = {"source": "source.component", "status.successful": "status.succeeded"}


def field_value(document: Document, path: str) -> str:
    """The value at a path such as `spec.nodeName`."""
    value: Any = document
    for member in _PLACES.get(path, path).split("."):
        value = value.get(member) if isinstance(value, dict) else None
    if value is None:
        return _WHEN_ABSENT.get(path, "")
    return str(value).lower() if isinstance(value, bool) else str(value)
