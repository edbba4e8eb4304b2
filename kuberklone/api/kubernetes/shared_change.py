"""One change as all who watch it share it: decoded once for all selectors, encoded once for all who get equal bytes."""

from collections.abc import Mapping
from typing import Any, Literal, Protocol

import msgspec

from kuberklone.apimachinery.document import Document
from kuberklone.apimachinery.selectors import FieldSelector, LabelSelector
from kuberklone.kinds.catalogue import Served
from kuberklone.kinds.field_values import field_value
from kuberklone.store.watch_feed import WholeChange

EventType = Literal["ADDED", "MODIFIED", "DELETED"]

_TYPES: dict[str, EventType] = {"ADDED": "ADDED", "MODIFIED": "MODIFIED", "DELETED": "DELETED"}
_NOTHING: Mapping[str, Any] = {}
_decode = msgspec.json.Decoder().decode


class Form(Protocol):
    """In what a watcher wants its objects; equal forms give equal bytes."""

    @property
    def has_columns(self) -> bool:
        """Whether the first event of a watch is longer, since it tells the columns of a table."""

    def encode(self, type: str, change: "SharedChange", *, first: bool) -> bytes:
        """One event, as it goes over the wire."""


class SharedChange:
    """A row of the change log, with what was made of it so far."""

    __slots__ = ("_before", "_document", "_encoded", "now_ms", "row")

    def __init__(self, row: WholeChange, now_ms: int) -> None:
        self.row = row
        self.now_ms = now_ms
        """Cluster time when it was read; tables say ages."""
        self._document: Document | None = None
        self._before: Mapping[str, Any] | None = None
        self._encoded: dict[tuple[Form, str, bool], bytes] = {}

    @property
    def document(self) -> Document:
        """The object after the change, in the version in which it is kept, without resourceVersion."""
        if self._document is None:
            self._document = _decode(self.row.object)
        return self._document

    def labels(self) -> Mapping[str, str]:
        found: Mapping[str, str] = self.document["metadata"].get("labels", _NOTHING)
        return found

    def labels_before(self) -> Mapping[str, str]:
        before = self._previous().get("labels")
        return self.labels() if before is None else before

    def field(self, path: str, served: Served) -> str:
        """What a field selector of this version sees after the change."""
        return field_value(served.shown(self.document), path)

    def field_before(self, path: str, served: Served) -> str:
        before: str | None = self._previous().get("fields", _NOTHING).get(path)
        return self.field(path, served) if before is None else before

    def encoded(self, form: Form, type: EventType, *, first: bool) -> bytes:
        first = first and form.has_columns
        key = (form, type, first)
        found = self._encoded.get(key)
        if found is None:
            found = self._encoded[key] = form.encode(type, self, first=first)
        return found

    def _previous(self) -> Mapping[str, Any]:
        if self._before is None:
            self._before = _NOTHING if self.row.previous is None else _decode(self.row.previous)
        return self._before


def event_type(change: SharedChange, served: Served, labels: LabelSelector, fields: FieldSelector) -> EventType | None:
    """What the change is to somebody who sees only what the selectors match; None when it is nothing."""
    is_in = labels.matches(change.labels()) if not labels.is_everything else True
    is_in = is_in and (fields.is_everything or fields.matches(lambda path: change.field(path, served)))
    type = _TYPES[change.row.type]
    if type != "MODIFIED" or change.row.previous is None:
        return type if is_in else None
    was_in = labels.is_everything or labels.matches(change.labels_before())
    was_in = was_in and (fields.is_everything or fields.matches(lambda path: change.field_before(path, served)))
    if is_in:
        return "MODIFIED" if was_in else "ADDED"
    return "DELETED" if was_in else None
