"""`metadata.managedFields`: one entry for each manager, with the fields it has set and when."""

import functools
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Literal

from kuberklone.apimachinery.document import Document
from kuberklone.apimachinery.managed_fields import sets
from kuberklone.apimachinery.managed_fields.sets import FieldSet
from kuberklone.errors import Malformed

Operation = Literal["Apply", "Update"]

# A manager name that nobody chose would differ with each process; ten of them are remembered one by one.
UPDATERS_MAX = 10
_ANCIENT = "ancient-changes"


@dataclass(frozen=True, slots=True)
class Manager:
    """Whoever writes, by the way they write: the same program is another manager where it applies."""

    name: str
    operation: Operation
    api_version: str = ""
    """Of updates only: who applies is the same in every version."""
    subresource: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """What a manager has set."""

    api_version: str
    fields: FieldSet
    time: str = ""


Managed = dict[Manager, Entry]


def managed_fields(document: Document | None) -> Any:
    """The member as it stands in a document; None where it is missing."""
    metadata = (document or {}).get("metadata")
    return metadata.get("managedFields") if isinstance(metadata, dict) else None


def is_reset(given: Any) -> bool:
    """Whether a client asks to forget all managers: by an empty list, or one empty entry."""
    return given is not None and given in ([], [{}])


def decode(given: Any) -> Managed:
    """The managers of a list of entries; raises Malformed for one that says nothing."""
    found: Managed = {}
    for place, entry in enumerate(given or []):
        manager = _manager(entry, f"metadata.managedFields[{place}]")
        found[manager] = Entry(entry["apiVersion"], entry.get("fieldsV1") or {}, entry.get("time") or "")
    return found


def _manager(entry: Any, place: str) -> Manager:
    if not isinstance(entry, dict) or not entry.get("apiVersion"):
        raise Malformed(f"{place}.apiVersion must be given")
    if entry.get("fieldsType") != "FieldsV1":
        raise Malformed(f"{place}.fieldsType must be FieldsV1")
    name, subresource = entry.get("manager") or "", entry.get("subresource") or ""
    match entry.get("operation"):
        case "Apply":
            return Manager(name, "Apply", subresource=subresource)
        case "Update":
            return Manager(name, "Update", entry["apiVersion"], subresource)
    raise Malformed(f"{place}.operation must be Apply or Update")


def decode_or_forget(given: Any) -> Managed:
    """Like `decode`; entries that cannot be read are nobody's: a bad one shall not keep an object from changing."""
    try:
        return decode(given)
    except Malformed:
        return {}


def encode(managed: Managed) -> list[Document]:
    """The entries in the order of Kubernetes: those who apply first, then by time and name."""
    ordered = sorted(managed.items(), key=lambda item: _order(*item))
    return [_document(manager, entry) for manager, entry in ordered]


def _order(manager: Manager, entry: Entry) -> tuple[str, ...]:
    return manager.operation, entry.time, manager.name, entry.api_version, manager.subresource


def _document(manager: Manager, entry: Entry) -> Document:
    document = {
        "manager": manager.name,
        "operation": manager.operation,
        "apiVersion": entry.api_version,
        "time": entry.time,
        "fieldsType": "FieldsV1",
        "fieldsV1": entry.fields,
        "subresource": manager.subresource,
    }
    return {name: value for name, value in document.items() if value != ""}


def capped(managed: Managed) -> Managed:
    """With too many updaters, the oldest ones of each version become one."""
    updaters = sorted(
        (manager for manager in managed if manager.operation == "Update"),
        key=lambda manager: (managed[manager].time, manager.name),
    )
    excess = len(updaters) - UPDATERS_MAX
    if excess <= 0:
        return managed
    result = dict(managed)
    buckets: dict[str, list[Manager]] = {}
    for manager in updaters:
        bucket = buckets.setdefault(manager.api_version, [])
        bucket.append(manager)
        if len(bucket) > 1:
            excess -= 1
        if excess <= 0:
            break
    for api_version, members in buckets.items():
        if len(members) > 1:
            merged = _merged([result.pop(member) for member in members])
            result[Manager(_ANCIENT, "Update", api_version)] = merged
    return result


def _merged(ancient: Iterable[Entry]) -> Entry:
    *others, last = ancient
    return replace(last, fields=functools.reduce(sets.union, (entry.fields for entry in others), last.fields))
