"""PUT of an object that exists."""

from typing import Any

from kuberklone.api.kubernetes import documents, options, reading, shapes
from kuberklone.api.kubernetes.answers import Answer
from kuberklone.api.kubernetes.cluster import Cluster
from kuberklone.api.kubernetes.creating import carry_out
from kuberklone.api.kubernetes.options import WriteOptions
from kuberklone.api.kubernetes.request import Request
from kuberklone.apimachinery import bodies
from kuberklone.apimachinery.document import Document
from kuberklone.errors import Conflict, Malformed
from kuberklone.kinds.catalogue import Served
from kuberklone.kinds.header import Header
from kuberklone.store.object_operations import ReplaceObject, changed

# A writer who names no revision means whatever is there. Each try loses only to somebody else's write that won; as in
# Kubernetes (MaxRetryWhenPatchConflicts), five in a row mean that others write all the time.
TRIES_MAX = 5


async def replace(cluster: Cluster, request: Request) -> Answer:
    """The object as it is now; a write that changes nothing writes nothing."""
    return await replace_part(cluster, request, subresource="")


async def replace_part(cluster: Cluster, request: Request, *, subresource: str) -> Answer:
    """The same for a part that has a path of its own, such as `status`."""
    chosen = options.read(request)
    body = bodies.read(await request.body(), request.header(b"content-type"), strict=chosen.validation != "Ignore")
    document = documents.sent(request, body.document, chosen, body.problems)
    revision = revision_in(document)
    for tried in range(TRIES_MAX):
        old = await reading.existing(cluster, request)
        if revision is not None and revision != old.revision:
            raise changed(request.kind, old.name)
        try:
            written = await write(cluster, request, document, old, chosen, subresource=subresource)
        except Conflict:
            if revision is not None or tried == TRIES_MAX - 1:
                raise
            continue
        return shapes.of_record(cluster, request, written)
    raise AssertionError("the last try returns or raises")


async def write(
    cluster: Cluster,
    request: Request,
    document: Document,
    old: Header,
    chosen: WriteOptions,
    *,
    found: Served | None = None,
    subresource: str = "",
    is_applied: bool = False,
) -> Any:
    """Write a document over a record; the record as it is then. Raises Conflict when somebody else was first.

    The document is of the version `found`, which is the path's where nothing else is said.
    """
    found = found or request.served
    new = documents.changed(cluster, found, document, old, chosen, subresource=subresource, is_applied=is_applied)
    if new == old:
        return old
    return await carry_out(cluster, ReplaceObject(kind=request.kind, old=old, new=new), dry_run=chosen.dry_run)


def revision_in(document: Document) -> int | None:
    """The resourceVersion that a writer has read; None where none is given, which means: whatever is there."""
    given = document["metadata"].get("resourceVersion")
    if given in (None, "", "0"):
        return None
    if not isinstance(given, str) or not given.isascii() or not given.isdecimal():
        raise Malformed(f"metadata.resourceVersion: send one that a read has answered; got {str(given)[:80]!r}")
    return int(given)
