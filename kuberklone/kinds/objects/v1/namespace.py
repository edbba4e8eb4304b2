"""Namespace: a scope for names."""

from kuberklone.apimachinery.document import Document
from kuberklone.kinds import columns
from kuberklone.kinds.kind import STATUS, Column, Subresource
from kuberklone.kinds.stored_object import StoredObject, declare

RESOURCE = "namespaces"
DEFAULT = "default"

_NAME_LABEL = "kubernetes.io/metadata.name"
_SPEC = '{"finalizers":["kubernetes"]}'
_STATUS = '{"phase":"Active"}'


def named(name: str, *, uid: str) -> StoredObject:
    """An active namespace, as one made through the API is."""
    labels = f'{{"{_NAME_LABEL}":"{name}"}}'
    return StoredObject(uid=uid, name=name, generation=0, labels=labels, spec=_SPEC, status=_STATUS)


def _default(document: Document) -> None:
    metadata = document.setdefault("metadata", {})
    if metadata.get("name"):
        # So that selectors of namespaces can name one.
        metadata["labels"] = {**(metadata.get("labels") or {}), _NAME_LABEL: metadata["name"]}
    spec = document.setdefault("spec", {})
    # Whoever takes this finalizer away says that nothing is left inside.
    spec.setdefault("finalizers", ["kubernetes"])


KIND = declare(
    kind="Namespace",
    resource=RESOURCE,
    namespaced=False,
    short_names=("ns",),
    verbs=("create", "delete", "get", "list", "patch", "update", "watch"),
    subresources=(STATUS, Subresource(name="finalize", verbs=("update",))),
    columns=(
        columns.NAME,
        Column(name="Status", description="Active or Terminating.", value=columns.text("status.phase")),
        columns.AGE,
    ),
    selectable_paths=("status.phase",),
    counts_generation=False,
    first_status={"phase": "Active"},
    default=_default,
    acts="`namespace` fills each with its default ServiceAccount and `kube-root-ca.crt`, and empties one that is "
    "deleted before it goes.",
)
