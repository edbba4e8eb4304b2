"""Reading `metadata` of a document: what a writer may say of a record's header."""

from dataclasses import dataclass
from typing import Any

import msgspec

from kuberklone.apimachinery.document import Document
from kuberklone.kinds import json_text
from kuberklone.kinds.header import Header

_decode = msgspec.json.Decoder().decode

# Member of the metadata, column of the header, and the text of an empty one.
_SECTIONS = (
    ("labels", "labels", "{}"),
    ("annotations", "annotations", "{}"),
    ("finalizers", "finalizers", "[]"),
    ("ownerReferences", "owner_references", "[]"),
    ("managedFields", "managed_fields", "[]"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenMetadata:
    """What the metadata of a document says; identity, times and revision are the store's and are not read."""

    name: str
    namespace: str
    generate_name: str
    sections: dict[str, Any]

    def columns(self, old: Header | None) -> dict[str, Any]:
        """The header's columns that a writer decides; the old text where it says the same."""
        found: dict[str, Any] = {}
        for member, column, empty in _SECTIONS:
            found[column] = section(
                self.sections.get(member), None if old is None else getattr(old, column), empty=empty
            )
        if old is None and self.generate_name:
            found["generate_name"] = self.generate_name
        return found


def section(value: Any, old: str | None, *, empty: str = json_text.EMPTY) -> str:
    """The text of a section; the old text where it says the same, so that writing the same again is no change."""
    if not value:
        return empty
    if old is not None and _decode(old) == value:
        return old
    return json_text.text(value)


def read(document: Document) -> WrittenMetadata:
    """The metadata of a document that fits its schema."""
    found = document.get("metadata") or {}
    return WrittenMetadata(
        name=found.get("name") or "",
        namespace=found.get("namespace") or "",
        generate_name=found.get("generateName") or "",
        sections=found,
    )
