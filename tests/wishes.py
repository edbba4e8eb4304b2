"""What people ask of the Kubernetes API, asked of the store as the API does: documents in, documents out."""

from typing import Any, Protocol

import msgspec

from kuberklone.apimachinery import merge_patch
from kuberklone.apimachinery.document import Document
from kuberklone.chance import Chance
from kuberklone.errors import Conflict
from kuberklone.kinds.catalogue import catalogue
from kuberklone.kinds.kind import Kind
from kuberklone.store.database import Store
from kuberklone.store.deletion import Propagation
from kuberklone.store.object_operations import CreateObject, DeleteObject, ReplaceObject
from kuberklone.store.operations import Operation
from kuberklone.store.records import table_of

_chance = Chance()
# Of loops that write a status in between, none does so five times in a row.
_TRIES = 5


class Cluster(Protocol):
    """Loops on virtual time, or real processes."""

    @property
    def store(self) -> Store: ...

    def apply(self, *operations: Operation) -> None: ...

    def settle(self) -> None:
        """Whatever is due is done when this returns, where that can be said."""
        ...


def kind_named(word: str) -> Kind[Any]:
    """By the word in documents: Deployment."""
    return next(kind for kind in catalogue().kinds if kind.kind == word)


def create(cluster: Cluster, word: str, name: str, *, namespace: str = "default", **sections: Any) -> None:
    """A new object; `sections` are the members of its document, `metadata` what it says beyond the name."""
    kind = kind_named(word)
    metadata = {"name": name, **sections.pop("metadata", {})}
    if kind.namespaced:
        metadata["namespace"] = namespace
    document: Document = {"apiVersion": kind.api_version, "kind": word, "metadata": metadata, **sections}
    kind.default(document)
    assert list(kind.validate(document, None)) == []
    record = msgspec.structs.replace(kind.read(document, None), uid=_chance.uid())
    cluster.apply(CreateObject(kind=kind, record=record))
    cluster.settle()


def change(cluster: Cluster, word: str, name: str, patch: Document, *, namespace: str = "default") -> None:
    """A merge patch of an object, tried again as the API does it when somebody else was quicker."""
    kind = kind_named(word)
    key = (namespace if kind.namespaced else "", name)
    for tries_left in reversed(range(_TRIES)):
        with cluster.store.snapshot() as connection:
            old = table_of(kind).named(connection, [key])[key]
        document = merge_patch.apply(msgspec.json.decode(kind.document(old)), patch)
        kind.default(document)
        try:
            cluster.apply(ReplaceObject(kind=kind, old=old, new=kind.read(document, old)))
        except Conflict:
            if not tries_left:
                raise
            continue
        break
    cluster.settle()


def delete(
    cluster: Cluster, word: str, name: str, *, namespace: str = "default", propagation: Propagation = "Background"
) -> None:
    kind = kind_named(word)
    namespace = namespace if kind.namespaced else ""
    cluster.apply(DeleteObject(kind=kind, namespace=namespace, name=name, propagation=propagation))
    cluster.settle()


def find(
    cluster: Cluster, word: str, *, name: str = "", namespace: str = "default", labels: dict[str, str] | None = None
) -> list[Document]:
    """The objects of a kind with this name and these labels, by name."""
    kind = kind_named(word)
    table = table_of(kind)
    with cluster.store.snapshot() as connection:
        found = [
            record
            for record in table.read(connection)
            if table.namespace_of(record) in ("", namespace) and name in ("", record.name)
        ]
    documents = [msgspec.json.decode(kind.document(record)) for record in sorted(found, key=lambda each: each.name)]
    wanted = (labels or {}).items()
    return [each for each in documents if wanted <= (each["metadata"].get("labels") or {}).items()]


def get(cluster: Cluster, word: str, name: str, *, namespace: str = "default") -> Document | None:
    return next(iter(find(cluster, word, name=name, namespace=namespace)), None)


def the(cluster: Cluster, word: str, name: str, *, namespace: str = "default") -> Document:
    found = get(cluster, word, name, namespace=namespace)
    assert found is not None, f"{word} {name} is there"
    return found


def pod_template(labels: dict[str, str], *, image: str = "web:1", cpu: str = "100m") -> Document:
    container = {"name": "main", "image": image, "resources": {"requests": {"cpu": cpu}}}
    return {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
