"""What a kind is: a record's struct and document, its names, and the table that keeps it.

Each module of a kind ends with its `KIND`. Everything else (reading and writing, the change log, the feed, compaction)
follows from that declaration.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from kuberklone.kinds.header import Header

R = TypeVar("R", bound=Header)

SHARED_TABLE = "objects"
"""Keeps all kinds that no controller has to search by more than their key; such a kind needs no migration."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind(Generic[R]):
    record: type[R]
    """Its fields are columns of the table."""
    resource: str
    """The plural, as in paths and in `changes.resource`."""
    group: str = ""
    api_version: str = "v1"
    """The version in which documents stand in the change log."""
    namespaced: bool = True
    table: str = SHARED_TABLE
    document: Callable[[R], str]
    """The object as watchers see it, without resourceVersion."""
    selectable: Mapping[str, str] = field(default_factory=dict)
    """Field selectors, and the column each looks at."""
