"""Owner references: by whom a record exists, read from the raw column and written back."""

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import msgspec

from kuberklone.kinds import json_text


class OwnerReference(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """One entry of `metadata.ownerReferences`."""

    api_version: str
    kind: str
    name: str
    uid: str
    controller: bool | None = None
    block_owner_deletion: bool | None = None

    @property
    def group(self) -> str:
        return self.api_version.rpartition("/")[0]


_DECODER = msgspec.json.Decoder(tuple[OwnerReference, ...])
NONE = "[]"


# All pods of a set carry the same text.
@lru_cache(maxsize=4096)
def read(raw: str) -> tuple[OwnerReference, ...]:
    """The references of a column; ValueError where it cannot be read."""
    return () if raw == NONE else _DECODER.decode(raw)


def controller_of(raw: str) -> OwnerReference | None:
    """The one owner that controls the record, if any does."""
    return next((reference for reference in read(raw) if reference.controller), None)


def text(references: Iterable[OwnerReference]) -> str:
    """The column's text."""
    return json_text.text(list(references))


def added(raw: str, reference: OwnerReference) -> str:
    """The column with one owner more; one of the same uid is replaced."""
    return text([*(each for each in read(raw) if each.uid != reference.uid), reference])


def removed(raw: str, uids: Iterable[str]) -> str:
    """The column without these owners."""
    gone = set(uids)
    return text(each for each in read(raw) if each.uid not in gone)


def unblocked(raw: str, uids: Iterable[str]) -> str:
    """The column with these owners as before, but not blocked in their deletion any more."""
    free = set(uids)
    return text(
        msgspec.structs.replace(each, block_owner_deletion=False) if each.uid in free else each for each in read(raw)
    )


def controlling(*, api_version: str, kind: str, name: str, uid: str) -> OwnerReference:
    """How a set owns its pods: it controls them, and, deleted in the foreground, goes after them."""
    members: dict[str, Any] = {"api_version": api_version, "kind": kind, "name": name, "uid": uid}
    return OwnerReference(**members, controller=True, block_owner_deletion=True)
