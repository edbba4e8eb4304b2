"""Who owns what after a write: the rules of Kubernetes' field management (structured-merge-diff)."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from kuberklone.apimachinery.document import Document
from kuberklone.apimachinery.managed_fields import comparison, entries, sets
from kuberklone.apimachinery.managed_fields.comparison import Comparison
from kuberklone.apimachinery.managed_fields.entries import Entry, Managed, Manager
from kuberklone.apimachinery.managed_fields.sets import FieldSet
from kuberklone.apimachinery.schemas import Schema

# Nobody owns what identifies an object, nor what the server alone writes.
NOBODYS_METADATA = frozenset(
    {
        *("name", "namespace", "creationTimestamp", "selfLink", "uid", "clusterName", "generation"),
        *("managedFields", "resourceVersion"),
    }
)
_NOBODYS = sets.of_paths(
    ("f:apiVersion",),
    ("f:kind",),
    ("f:metadata",),
    *(("f:metadata", f"f:{name}") for name in sorted(NOBODYS_METADATA)),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """Who writes what, when, and by which door."""

    manager: str
    api_version: str
    now: str
    """In RFC 3339."""
    schema: Schema
    subresource: str = ""
    ignored: tuple[str, ...] = field(default=("status",))
    """Top-level fields that this door does not write, whatever the document says."""

    @property
    def ignored_here(self) -> tuple[str, ...]:
        return () if self.subresource else self.ignored

    def compare(self, old: Document, new: Document) -> Comparison:
        found = comparison.compare(old, new, self.schema)
        ignored = self.ignored_here
        return Comparison(
            sets.without_below(found.removed, ignored),
            sets.without_below(found.modified, ignored),
            sets.without_below(found.added, ignored),
        )


def record(managed: Managed, old: Document, new: Document, write: Write) -> Managed:
    """The managers after an update: whoever wrote owns what is new or different, and the others no longer do."""
    changes = write.compare(old, new)
    result = yielded(managed, changes)
    written = owned(changes.written)
    if written:
        manager = Manager(write.manager or "unknown", "Update", write.api_version, write.subresource)
        previous = result.get(manager)
        fields = sets.union(previous.fields, written) if previous is not None else written
        result[manager] = Entry(write.api_version, fields, write.now)
    return entries.capped(result)


def conflicts(managed: Managed, changes: Comparison, applier: Manager) -> Mapping[Manager, FieldSet]:
    """The fields that a write changes although another manager owns them."""
    written = changes.written
    found = {
        manager: sets.intersection(entry.fields, written) for manager, entry in managed.items() if manager != applier
    }
    return {manager: fields for manager, fields in found.items() if fields}


def yielded(managed: Managed, changes: Comparison, *, besides: Manager | None = None) -> Managed:
    """The managers without what was taken from them, and without those who own nothing any more."""
    written = changes.written
    result: Managed = {}
    for manager, entry in managed.items():
        if manager != besides:
            left = sets.difference(sets.difference(entry.fields, written), changes.removed)
            entry = entry if left == entry.fields else replace(entry, fields=left)
        if entry.fields:
            result[manager] = entry
    return result


def owned(fields: FieldSet) -> FieldSet:
    """The part of a set that a manager can own."""
    return sets.difference(fields, _NOBODYS)
