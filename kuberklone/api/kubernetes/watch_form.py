"""How one event of a watch goes over the wire: an object, a table with one row, or metadata alone."""

from dataclasses import dataclass, field
from typing import Any

import msgspec

from kuberklone.api.kubernetes.answers import Form
from kuberklone.api.kubernetes.shared_change import SharedChange
from kuberklone.kinds import served as served_documents
from kuberklone.kinds import tables
from kuberklone.kinds.catalogue import Served
from kuberklone.kinds.tables import Include

_encode = msgspec.json.Encoder().encode
_END_OF_INITIAL_EVENTS = "k8s.io/initial-events-end"


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchForm:
    """Equal forms are of the same kind in the same version."""

    served: Served = field(compare=False)
    resource: str
    api_version: str
    form: Form
    include: Include = "Metadata"
    """What a row of a table holds of its object."""

    @property
    def has_columns(self) -> bool:
        return self.form.name == "Table"

    def encode(self, type: str, change: SharedChange, *, first: bool) -> bytes:
        row = change.row
        if self.form.name == "object":
            text = served_documents.text(row.object, row.revision, self.served)
            return f'{{"type":"{type}","object":{text}}}\n'.encode()
        document = self.served.shown(change.document)
        revision = {"resourceVersion": str(row.revision)}
        document = {**document, "metadata": {**document["metadata"], **revision}}
        if self.form.name == "PartialObjectMetadata":
            return _event(type, tables.partial(document, version=self.form.version))
        table = tables.table(
            self.served,
            [document],
            change.now_ms,
            metadata=revision,
            include=self.include,
            version=self.form.version,
            with_columns=first,
        )
        return _event(type, table)

    def bookmark(self, revision: int, *, ends_initial: bool) -> bytes:
        """Says that everything up to a revision was told."""
        metadata: dict[str, Any] = {"resourceVersion": str(revision), "creationTimestamp": None}
        if ends_initial:
            metadata["annotations"] = {_END_OF_INITIAL_EVENTS: "true"}
        kind, api_version = self.served.kind.kind, self.api_version
        if self.form.name != "object":
            kind, api_version = self.form.name, f"meta.k8s.io/{self.form.version}"
        document: dict[str, Any] = {"kind": kind, "apiVersion": api_version, "metadata": metadata}
        if self.form.name == "Table":
            document |= {"columnDefinitions": [], "rows": []}
        return _event("BOOKMARK", document)


def error(status: bytes) -> bytes:
    """Ends a watch with a metav1.Status."""
    return b'{"type":"ERROR","object":' + status + b"}\n"


def _event(type: str, document: Any) -> bytes:
    return b'{"type":"' + type.encode() + b'","object":' + _encode(document) + b"}\n"
