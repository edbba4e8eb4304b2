"""Documents as metav1.Table: what `kubectl get` prints, column by column."""

from collections.abc import Iterable
from functools import cache
from typing import Any, Literal

from kuberklone.apimachinery.document import Document
from kuberklone.kinds import columns
from kuberklone.kinds.catalogue import Served
from kuberklone.kinds.kind import Column, Kind

_GROUP = "meta.k8s.io"
Include = Literal["Metadata", "Object", "None"]
INCLUDES: tuple[Include, ...] = ("Metadata", "Object", "None")


def table(
    served: Served,
    documents: Iterable[Document],
    now_ms: int,
    *,
    metadata: Document,
    include: Include = "Metadata",
    version: str = "v1",
    with_columns: bool = True,
) -> Document:
    """A table of documents of the version served; `metadata` is a list's, or that of a single object."""
    found: Document = {"kind": "Table", "apiVersion": f"{_GROUP}/{version}", "metadata": metadata}
    # Of a watch, only the first event tells the columns.
    found["columnDefinitions"] = definitions(served.kind) if with_columns else []
    found["rows"] = [row(served, document, now_ms, include=include, version=version) for document in documents]
    return found


def row(
    served: Served, document: Document, now_ms: int, *, include: Include = "Metadata", version: str = "v1"
) -> Document:
    """One row: the cells, and as much of the object as is asked for."""
    stored = served.stored(document)
    found: Document = {"cells": [column.value(stored, now_ms) for column in _columns(served.kind)]}
    if include == "Metadata":
        found["object"] = partial(document, version=version)
    elif include == "Object":
        found["object"] = document
    return found


def partial(document: Document, *, version: str = "v1") -> Document:
    """The metadata alone, as a document of its own."""
    kind = "PartialObjectMetadata"
    return {"kind": kind, "apiVersion": f"{_GROUP}/{version}", "metadata": document["metadata"]}


def _columns(kind: Kind[Any]) -> tuple[Column, ...]:
    """A kind that says nothing has the two columns that every object has."""
    return kind.columns or (columns.NAME, columns.AGE)


@cache
def _definitions(listed: tuple[Column, ...]) -> list[Document]:
    return [
        {
            "name": column.name,
            "type": column.type,
            "format": column.format,
            "description": column.description,
            "priority": column.priority,
        }
        for column in listed
    ]


def definitions(kind: Kind[Any]) -> list[Document]:
    """The columns of a kind, as tables tell them. Shared: do not change it."""
    return _definitions(_columns(kind))
