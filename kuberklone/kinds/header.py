"""What every record begins with, whatever its kind: identity, labels, ownership and the marks of deletion."""

import msgspec

from kuberklone.clock import timestamp
from kuberklone.kinds import json_text


class Header(msgspec.Struct, frozen=True, gc=False):
    """Columns shared by all tables of records. JSON columns hold raw text."""

    uid: str
    name: str
    revision: int = 0
    """The revision of the last write; 0 until the store has written the record."""
    generation: int = 1
    """Counts the changes of what is wanted; 0 for kinds that do not count them, such as ConfigMap."""
    created_ms: int = 0
    labels: str = "{}"
    annotations: str = "{}"
    finalizers: str = "[]"
    owner_references: str = "[]"
    managed_fields: str = "[]"
    deleting_ms: int | None = None
    """Cluster time at which deletion was asked for; the record goes once whoever must let go of it has done so."""
    deletion_cause: str | None = None
    generate_name: str = ""
    """What the name was generated from, kept because documents show it."""


def metadata(record: Header, *, namespace: str = "", grace_s: int | None = None) -> str:
    """The `"metadata":{…}` member of a document, without resourceVersion (the log is shared by all revisions)."""
    parts = [f'"name":"{record.name}"']
    if namespace:
        parts.append(f'"namespace":"{namespace}"')
    if record.generate_name:
        parts.append(f'"generateName":{json_text.quoted(record.generate_name)}')
    counted = f'"generation":{record.generation},' if record.generation else ""
    parts.append(f'"uid":"{record.uid}",{counted}"creationTimestamp":"{timestamp(record.created_ms)}"')
    if record.labels != "{}":
        parts.append(f'"labels":{record.labels}')
    if record.annotations != "{}":
        parts.append(f'"annotations":{record.annotations}')
    if record.owner_references != "[]":
        parts.append(f'"ownerReferences":{record.owner_references}')
    if record.finalizers != "[]":
        parts.append(f'"finalizers":{record.finalizers}')
    if record.managed_fields != "[]":
        parts.append(f'"managedFields":{record.managed_fields}')
    if record.deleting_ms is not None:
        ends_ms = record.deleting_ms + 1000 * (grace_s or 0)
        parts.append(f'"deletionTimestamp":"{timestamp(ends_ms)}","deletionGracePeriodSeconds":{grace_s or 0}')
    return '"metadata":{' + ",".join(parts) + "}"
