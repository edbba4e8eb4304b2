"""Server-side apply: the applied document laid over the live one, unless that takes fields from somebody else."""

import functools
from collections.abc import Mapping
from typing import Any

import msgspec

from kuberklone.apimachinery.document import Document, same
from kuberklone.apimachinery.managed_fields import comparison, elements, merging, sets, writing
from kuberklone.apimachinery.managed_fields.entries import Entry, Managed, Manager
from kuberklone.apimachinery.managed_fields.sets import FieldSet
from kuberklone.apimachinery.managed_fields.writing import Write
from kuberklone.apimachinery.schemas import Schema
from kuberklone.errors import ApplyConflict, Cause

KUBECTL = "kubectl"
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_BEFORE = "before-first-apply"
# kubectl prints every one of them; a person reads the first few.
_CONFLICTS_MAX = 100


def applied(
    managed: Managed, live: Document, wanted: Document, write: Write, *, force: bool
) -> tuple[Document, Managed]:
    """The object and its managers after an apply; raises ApplyConflict and Malformed."""
    if not managed:
        # Whatever is there was written by those who were not recorded.
        managed = writing.record({}, {}, live, _by(write, _BEFORE))
    try:
        return _applied(managed, live, wanted, write, force=force)
    except _Conflicts as error:
        left = error.without(_taken_over(live, write)) if write.manager == KUBECTL else error.fields
        if left:
            raise _refusal(left) from None
    return _applied(managed, live, wanted, write, force=True)


def _by(write: Write, manager: str) -> Write:
    return Write(
        manager=manager,
        api_version=write.api_version,
        now=write.now,
        schema=write.schema,
        subresource=write.subresource,
        ignored=write.ignored,
    )


class _Conflicts(Exception):
    """Fields that others own, by manager."""

    def __init__(self, fields: Mapping[Manager, FieldSet]) -> None:
        super().__init__()
        self.fields = fields

    def without(self, fields: FieldSet) -> Mapping[Manager, FieldSet]:
        left = {manager: sets.difference(owned, fields) for manager, owned in self.fields.items()}
        return {manager: owned for manager, owned in left.items() if owned}


def _applied(
    managed: Managed, live: Document, wanted: Document, write: Write, *, force: bool
) -> tuple[Document, Managed]:
    applier = Manager(write.manager or "unknown", "Apply", subresource=write.subresource)
    last = managed.get(applier)
    fields = sets.without_below(comparison.fields_of(wanted, write.schema), write.ignored_here)
    managed = {**managed, applier: Entry(write.api_version, fields, last.time if last is not None else "")}
    merged = merging.merge(live, wanted, write.schema)
    if last is not None and last.fields:
        merged = _pruned(merged, managed, last.fields, write.schema)
    changes = write.compare(live, merged)
    conflicts = writing.conflicts(managed, changes, applier)
    if conflicts and not force:
        raise _Conflicts(conflicts)
    managed = writing.yielded(managed, changes, besides=applier)
    mine = managed.pop(applier, None)
    changed = not same(live, merged)
    if mine is not None and (owned := writing.owned(mine.fields)):
        # A time says when something changed, not when somebody asked.
        managed[applier] = Entry(mine.api_version, owned, write.now if changed else mine.time)
    return (merged if changed else live), managed


def _pruned(merged: Document, managed: Managed, last: FieldSet, schema: Schema) -> Document:
    """Without what the applier applied last time, does not apply now, and nobody else owns."""
    everybodys = functools.reduce(sets.union, (entry.fields for entry in managed.values()))
    all_fields = _named(comparison.fields_of(merged, schema), schema)
    pruned = merging.remove(merged, _named(last, schema), schema)
    # What others own comes back, ...
    kept = sets.union(_named(comparison.fields_of(pruned, schema), schema), _named(everybodys, schema))
    pruned = merging.remove(merged, sets.difference(all_fields, kept), schema)
    # ... and so does what the applier never owned.
    gone = sets.difference(all_fields, _named(comparison.fields_of(pruned, schema), schema))
    return merging.remove(merged, sets.intersection(gone, _named(last, schema)), schema)


def _named(fields: FieldSet, schema: Schema) -> FieldSet:
    """The set with every field of a type as a member that something below is a member of."""
    result: FieldSet = {}
    for name, below in fields.items():
        kind, _, rest = name.partition(":")
        if name == sets.MEMBER or not below:
            result[name] = below
            continue
        inner = schema.field(rest) if kind == "f" else schema.items
        named = _named(below, inner)
        if kind == "f" and rest in schema.properties and sets.MEMBER not in named:
            named = {sets.MEMBER: {}, **named}
        result[name] = named
    return result


# ---------------------------------------------------------------------------------------------- kubectl's annotation


def _annotation(document: Document) -> str:
    annotations = (document.get("metadata") or {}).get("annotations") or {}
    found: str = annotations.get(LAST_APPLIED) or ""
    return found


def _taken_over(live: Document, write: Write) -> FieldSet:
    """What `kubectl apply` owned before it applied on the server: what its annotation says and still holds."""
    text = _annotation(live)
    try:
        before: Any = msgspec.json.decode(text.encode()) if text else None
    except (msgspec.DecodeError, RecursionError):
        return {}
    if not isinstance(before, dict) or before.get("apiVersion") != write.api_version:
        return {}
    changes = comparison.compare(before, live, write.schema)
    fields = sets.difference(comparison.fields_of(before, write.schema), changes.written)
    return sets.difference(fields, changes.removed)


def with_annotation(document: Document, wanted: Document, manager: str) -> Document:
    """Keeps kubectl's annotation true, where there is one, for a `kubectl apply` that comes later."""
    if manager != KUBECTL or not _annotation(document):
        return document
    metadata = wanted.get("metadata") or {}
    annotations = {key: value for key, value in (metadata.get("annotations") or {}).items() if key != LAST_APPLIED}
    bare = {**wanted, "metadata": {**metadata, "annotations": annotations}}
    text = msgspec.json.encode(bare).decode() + "\n"
    here = document["metadata"]
    return {**document, "metadata": {**here, "annotations": {**here["annotations"], LAST_APPLIED: text}}}


# --------------------------------------------------------------------------------------------------------- conflicts


def _refusal(conflicts: Mapping[Manager, FieldSet]) -> ApplyConflict:
    found = [
        (_spelled(manager), elements.spelled(path))
        for manager, fields in sorted(conflicts.items(), key=lambda item: _spelled(item[0]))
        for path in sets.paths(fields)
    ]
    causes = tuple(
        Cause(field=path, reason="FieldManagerConflict", message=f"conflict with {manager}")
        for manager, path in found[:_CONFLICTS_MAX]
    )
    if len(found) == 1:
        said = f"1 conflict: conflict with {found[0][0]}: {found[0][1]}"
    else:
        lines: dict[str, list[str]] = {}
        for manager, path in found[:_CONFLICTS_MAX]:
            lines.setdefault(f"conflicts with {manager}:", []).append(f"- {path}")
        said = f"{len(found)} conflicts: " + "\n".join(line for head, rest in lines.items() for line in (head, *rest))
    return ApplyConflict(f"Apply failed with {said}", causes=causes)


def _spelled(manager: Manager) -> str:
    subresource = f' with subresource "{manager.subresource}"' if manager.subresource else ""
    version = f" using {manager.api_version}" if manager.operation == "Update" else ""
    return f'"{manager.name}"{subresource}{version}'
