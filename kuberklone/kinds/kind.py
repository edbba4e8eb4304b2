"""What a kind is: its names, how a record becomes a document and back, its columns, its rules, and the table it is in.

Each module of a kind ends with its `KIND`. Everything else (reading and writing, the change log, the feed, compaction,
the Kubernetes API with its discovery, tables and schemas) follows from that declaration.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypeVar

from kuberklone.apimachinery.document import Document
from kuberklone.apimachinery.problem import Problem
from kuberklone.kinds.header import Header

R = TypeVar("R", bound=Header)

SHARED_TABLE = "objects"
"""Keeps all kinds that no controller has to search by more than their key; such a kind needs no migration."""

ALL_VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of `kubectl get`, which asks the server for tables and knows no kind itself."""

    name: str
    type: Literal["string", "integer", "number", "boolean", "date"] = "string"
    format: str = ""
    """`name` in the column whose text kubectl prefixes with the resource when several kinds are listed."""
    priority: int = 0
    """Above 0: shown with `-o wide` only."""
    description: str = ""
    value: Callable[[Document, int], Any]
    """The cell, of the document and the cluster time in milliseconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subresource:
    name: str
    kind: str = ""
    """The kind of its body; empty where it is the parent's own."""
    api_version: str = ""
    """The version of that kind, where it is not the parent's."""
    verbs: tuple[str, ...] = ("get", "patch", "update")


STATUS = Subresource(name="status")
SCALE = Subresource(name="scale", kind="Scale", api_version="autoscaling/v1")


def _unchanged(document: Document) -> Document:
    return document


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """A version in which documents are served besides the stored one, and the ways between the two.

    Neither way changes the document it is given.
    """

    api_version: str
    to_stored: Callable[[Document], Document] = _unchanged
    from_stored: Callable[[Document], Document] = _unchanged


def _no_default(document: Document) -> None:
    del document


def _no_rule(document: Document, old: Document | None) -> Sequence[Problem]:
    del document, old
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind(Generic[R]):
    kind: str
    """The word in documents, such as ConfigMap."""
    resource: str
    """The plural, as in paths and in `changes.resource`."""
    record: type[R]
    """Its fields are columns of the table."""
    group: str = ""
    api_version: str = "v1"
    """The version in which documents stand in the change log."""
    versions: tuple[Version, ...] = ()
    """Other versions, of this or another group, in which the same records are served."""
    namespaced: bool = True
    table: str = SHARED_TABLE
    singular: str = ""
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    verbs: tuple[str, ...] = ALL_VERBS
    subresources: tuple[Subresource, ...] = ()
    columns: tuple[Column, ...] = ()
    document: Callable[[R], str]
    """The object as watchers see it, without resourceVersion."""
    read: Callable[[Document, R | None], R]
    """The record that a document asks for, of the record as it was: keeps identity, marks of deletion and all owned
    columns of the old one, and its status where the kind has the subresource. Equal to the old record where nothing
    changed; generation is raised where the spec did. Of a new record the uid is empty. Raises Invalid."""
    read_status: Callable[[Document, R], R] | None = None
    """The same for a write of `/status`: keeps everything of the old record but status and metadata."""
    selectable: Mapping[str, str] = field(default_factory=dict)
    """Field selectors, and the column each looks at."""
    selectable_paths: tuple[str, ...] = ()
    """Field selectors that are looked up in the document, such as `status.phase`."""
    default: Callable[[Document], None] = _no_default
    """Fills in what Kubernetes fills in; changes the document it is given. Doing it twice changes nothing."""
    validate: Callable[[Document, Document | None], Sequence[Problem]] = _no_rule
    """What the schema cannot say, of the new document (with defaults) and the old one: rules across fields, fields that
    never change."""
    resets_status: bool = False
    """Whether a create or an update ignores `status`: kinds that have the subresource."""
    grace: bool = False
    """Whether deletion leaves time to end: pods only."""
    delete_returns_object: bool = False
    """Whether DELETE answers the object that went, and not a Status: typed clients depend on which."""
    acts: str = ""
    """What acts on it, in a sentence of `docs/kubernetes.md`."""
    warning: str | None = None
    """Sent with a create while nothing acts on the kind that people expect to act."""

    @property
    def version(self) -> str:
        """Without the group: `v1`."""
        return self.api_version.rpartition("/")[2]

    @property
    def singular_name(self) -> str:
        return self.singular or self.kind.lower()

    def subresource(self, name: str) -> Subresource | None:
        return next((each for each in self.subresources if each.name == name), None)
