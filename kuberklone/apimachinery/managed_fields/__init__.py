"""Field management: who owns which field (`metadata.managedFields`), and server-side apply."""

import msgspec

from kuberklone.apimachinery.document import Document
from kuberklone.apimachinery.managed_fields import applying, creating, entries, merging, writing
from kuberklone.apimachinery.managed_fields.names import manager_of
from kuberklone.apimachinery.managed_fields.writing import Write
from kuberklone.errors import Malformed

__all__ = ["Write", "apply", "manager_of", "record_creation", "record_update"]

# Objects begin with these, empty, so that nobody is said to have made them.
_EMPTY: Document = {"metadata": {}, "spec": {}, "status": {}}


def record_update(old: Document | None, new: Document, write: Write) -> list[Document]:
    """`metadata.managedFields` of an object that was created (`old` is None), replaced or patched.

    Both documents may hold their own managedFields. An object whose fields nobody was recorded for stays so.
    """
    managed = _managed(old, new, write)
    if not managed and old is not None:
        return []
    before = {**_EMPTY, "apiVersion": "", "kind": ""} if old is None else _bare(old)
    return entries.encode(writing.record(managed, before, _bare(new), write))


def record_creation(new: Document, write: Write) -> str:
    """What `record_update` says of an object that is new, as JSON text."""
    bare = _bare(new)
    if _managed(None, new, write) or not creating.can_tell(bare, write.schema):
        return msgspec.json.encode(record_update(None, new, write)).decode()
    return creating.text(bare, write)


def _managed(old: Document | None, new: Document, write: Write) -> entries.Managed:
    """The managers a client sends count (Helm moves them so), except by a subresource; none means the stored ones."""
    if not write.subresource:
        given = entries.managed_fields(new)
        if entries.is_reset(given):
            return {}
        sent = entries.decode_or_forget(given)
        if sent:
            return sent
    return entries.decode_or_forget(entries.managed_fields(old))


def apply(live: Document | None, applied: Document, write: Write, *, force: bool = False) -> Document:
    """The object after a server-side apply, with its managedFields; `live` is None where it does not exist yet.

    Raises ApplyConflict when others own fields it would change, and Malformed for an applied document that names items
    twice or brings managedFields. Where nothing changes but managers, the times stay as they are.
    """
    if entries.managed_fields(applied) is not None:
        raise Malformed("metadata.managedFields must be nil")
    managed = entries.decode_or_forget(entries.managed_fields(live))
    here = {"apiVersion": applied.get("apiVersion"), "kind": applied.get("kind")} if live is None else _bare(live)
    result, managed = applying.applied(managed, here, applied, write, force=force)
    result = merging.without_nulls(result, write.schema)
    result = applying.with_annotation(result, applied, write.manager)
    metadata = {**(result.get("metadata") or {}), "managedFields": entries.encode(managed)}
    return {**result, "metadata": metadata}


def _bare(document: Document) -> Document:
    """The document without managedFields, which nobody owns."""
    metadata = document.get("metadata")
    if not isinstance(metadata, dict) or "managedFields" not in metadata:
        return document
    return {**document, "metadata": {name: value for name, value in metadata.items() if name != "managedFields"}}
