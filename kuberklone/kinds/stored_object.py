"""Records of all kinds that share the table `objects`: header, spec, status, and the rest of the document as JSON."""

from collections.abc import Callable
from typing import Any

import msgspec

from kuberklone.apimachinery.document import Document
from kuberklone.kinds import json_text, metadata_reading
from kuberklone.kinds.header import Header, metadata
from kuberklone.kinds.kind import STATUS, Kind

_OWN_COLUMNS = frozenset({"apiVersion", "kind", "metadata", "spec", "status"})


class StoredObject(Header, frozen=True, gc=False):
    """One row of `objects`. The API owns `spec` and `data`; `status` is the kind's controller's."""

    namespace: str = ""
    """Empty for kinds without one."""
    spec: str = "{}"
    status: str = "{}"
    data: str = "{}"
    """All other members of the document, such as the `data` of a ConfigMap, as one raw object."""


def declare(
    *,
    kind: str,
    resource: str,
    api_version: str = "v1",
    counts_generation: bool = True,
    first_status: Document | None = None,
    **rest: Any,
) -> Kind[StoredObject]:
    """The declaration of a kind that shares the table.

    `rest` are other fields of Kind; `first_status` is what a new record has, where the status is not the writer's.
    """
    group, _, _ = api_version.rpartition("/")
    reads_status = STATUS in rest.get("subresources", ())
    first = json_text.text(first_status) if first_status else json_text.EMPTY
    return Kind(
        record=StoredObject,
        kind=kind,
        resource=resource,
        group=group,
        api_version=api_version,
        document=_documents(api_version, kind, shows_status=reads_status),
        read=_reader(first_status=first if reads_status else None, counts_generation=counts_generation),
        read_status=_read_status if reads_status else None,
        resets_status=reads_status,
        **rest,
    )


def _documents(api_version: str, kind: str, *, shows_status: bool) -> Callable[[StoredObject], str]:
    """`shows_status`: also while it is empty, as Go writes it; clients reach for its members without a look."""
    head = f'{{"apiVersion":"{api_version}","kind":"{kind}",'

    def document(record: StoredObject) -> str:
        parts = [metadata(record, namespace=record.namespace)]
        if record.spec != json_text.EMPTY:
            parts.append(f'"spec":{record.spec}')
        if record.data != json_text.EMPTY:
            parts.append(json_text.members(record.data))
        if shows_status or record.status != json_text.EMPTY:
            parts.append(f'"status":{record.status}')
        return head + ",".join(parts) + "}"

    return document


def _reader(
    *, first_status: str | None, counts_generation: bool
) -> Callable[[Document, StoredObject | None], StoredObject]:
    """`first_status` None: the kind has no subresource, so its status is the writer's like everything else."""

    def read(document: Document, old: StoredObject | None) -> StoredObject:
        header = metadata_reading.read(document)
        spec = metadata_reading.section(document.get("spec"), None if old is None else old.spec)
        rest = {key: value for key, value in document.items() if key not in _OWN_COLUMNS}
        data = metadata_reading.section(rest, None if old is None else old.data)
        if first_status is None:
            status = metadata_reading.section(document.get("status"), None if old is None else old.status)
        else:
            status = first_status if old is None else old.status
        if old is None:
            return StoredObject(
                uid="",
                name=header.name,
                namespace=header.namespace,
                generation=1 if counts_generation else 0,
                spec=spec,
                status=status,
                data=data,
                **header.columns(None),
            )
        return msgspec.structs.replace(
            old,
            generation=old.generation + 1 if counts_generation and spec != old.spec else old.generation,
            spec=spec,
            status=status,
            data=data,
            **header.columns(old),
        )

    return read


def _read_status(document: Document, old: StoredObject) -> StoredObject:
    columns = metadata_reading.read(document).columns(old)
    return msgspec.structs.replace(old, status=metadata_reading.section(document.get("status"), old.status), **columns)
