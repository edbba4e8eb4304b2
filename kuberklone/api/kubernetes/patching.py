"""PATCH: a change to whatever is there, by one of four languages, tried again when somebody else writes in between."""

from typing import Any

from kuberklone.api.kubernetes import documents, options, reading, shapes
from kuberklone.api.kubernetes.answers import Answer
from kuberklone.api.kubernetes.cluster import Cluster
from kuberklone.api.kubernetes.creating import carry_out
from kuberklone.api.kubernetes.options import WriteOptions
from kuberklone.api.kubernetes.replacing import TRIES_MAX, revision_in, write
from kuberklone.api.kubernetes.request import Request
from kuberklone.apimachinery import bodies, json_patch, merge_patch, schemas, strategic_patch
from kuberklone.apimachinery.bodies import Patch
from kuberklone.apimachinery.document import Document
from kuberklone.clock import timestamp
from kuberklone.errors import AlreadyExists, ApplyConflict, Conflict, Malformed, NotFound, UnsupportedMediaType
from kuberklone.kinds import served
from kuberklone.kinds.header import Header
from kuberklone.store.object_operations import CreateObject, changed

_CREATED = 201


async def patch(cluster: Cluster, request: Request) -> Answer:
    """The object as it is now; a patch that changes nothing writes nothing."""
    return await patch_part(cluster, request, subresource="")


async def patch_part(cluster: Cluster, request: Request, *, subresource: str) -> Answer:
    """The same for a part that has a path of its own, such as `status`."""
    chosen = options.read(request, "PatchOptions")
    sent = bodies.read_patch(
        await request.body(), request.header(b"content-type"), strict=chosen.validation != "Ignore"
    )
    if sent.type == "apply":
        if not chosen.manager_given:
            raise Malformed("fieldManager is required for an apply patch; send ?fieldManager=NAME")
        sent = Patch(sent.type, _applied(request, sent, chosen), sent.problems)
    elif chosen.force:
        raise Malformed("force may be set for an apply patch only")
    for tried in range(TRIES_MAX):
        try:
            return await _once(cluster, request, sent, chosen, subresource)
        except ApplyConflict:
            raise
        except (AlreadyExists, Conflict):
            if tried == TRIES_MAX - 1 or _expects_revision(sent):
                raise
    raise AssertionError("the last try returns or raises")


async def _once(cluster: Cluster, request: Request, sent: Patch, chosen: WriteOptions, subresource: str) -> Answer:
    try:
        old = await reading.existing(cluster, request)
    except NotFound:
        if sent.type != "apply" or subresource or "create" not in request.kind.verbs:
            raise
        return await _create_applied(cluster, request, sent, chosen)
    current = served.decoded(served.text(request.kind.document(old), old.revision, request.served))
    document = _patched(cluster, request, current, sent, chosen, subresource)
    given = revision_in(document)
    if given is not None and given != old.revision:
        raise changed(request.kind, old.name)
    if sent.type == "apply":
        written = await _write_applied(cluster, request, document, old, chosen)
    else:
        written = await write(cluster, request, document, old, chosen, subresource=subresource)
    return shapes.of_record(cluster, request, written)


def _patched(  # noqa: PLR0917 - what a patch is made of
    cluster: Cluster, request: Request, current: Document, sent: Patch, chosen: WriteOptions, subresource: str
) -> Document:
    """The whole object as it shall be."""
    found = request.served
    schema = schemas.schema_of(found.api_version, found.kind.kind)
    match sent.type:
        case "json":
            result = json_patch.apply(current, sent.content)
        case "merge":
            result = merge_patch.apply(current, sent.content)
        case "strategic":
            if not schemas.knows(found.api_version, found.kind.kind):
                raise UnsupportedMediaType("the kind has no schema of its own; send a merge patch or a JSON patch")
            result = strategic_patch.apply(current, sent.content, schema)
        case "apply":
            return _no_apply(
                current,
                sent.content,
                manager=chosen.manager,
                force=chosen.force,
                api_version=found.api_version,
                now=timestamp(cluster.store.clock.wall_ms()),
                schema=schema,
                subresource=subresource,
            )
    return documents.sent(request, result, chosen, sent.problems)


def _applied(request: Request, sent: Patch, chosen: WriteOptions) -> Document:
    """What is applied, as one of the path's objects."""
    document = documents.sent(request, sent.content, chosen, sent.problems)
    if document["metadata"].get("managedFields"):
        raise Malformed("metadata.managedFields must be nil")
    return document


async def _create_applied(cluster: Cluster, request: Request, sent: Patch, chosen: WriteOptions) -> Answer:
    found = request.served
    document = _no_apply(
        None,
        sent.content,
        manager=chosen.manager,
        force=chosen.force,
        api_version=found.api_version,
        now=timestamp(cluster.store.clock.wall_ms()),
        schema=schemas.schema_of(found.api_version, found.kind.kind),
    )
    record = await documents.new(cluster, request, document, chosen)
    written = await carry_out(cluster, CreateObject(kind=request.kind, record=record), dry_run=chosen.dry_run)
    return shapes.of_record(cluster, request, written, code=_CREATED)


async def _write_applied(
    cluster: Cluster, request: Request, document: Document, old: Header, chosen: WriteOptions
) -> Any:
    """An apply has noted its fields already."""
    return await write(cluster, request, document, old, chosen)


def _expects_revision(sent: Patch) -> bool:
    """Whether the patch itself names the revision that it is for: then another one is no reason to try again."""
    if isinstance(sent.content, dict):
        return bool((sent.content.get("metadata") or {}).get("resourceVersion"))
    return any(str(operation.get("path")) == "/metadata/resourceVersion" for operation in sent.content)


def _no_apply(*_: Any, **__: Any) -> Document:
    raise UnsupportedMediaType("server-side apply is not there yet")
