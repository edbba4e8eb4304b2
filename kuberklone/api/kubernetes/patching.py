"""PATCH: a change to whatever is there, by one of four languages, tried again when somebody else writes in between."""

from dataclasses import dataclass
from typing import Any

from kuberklone.api.kubernetes import documents, options, reading, shapes
from kuberklone.api.kubernetes.answers import Answer
from kuberklone.api.kubernetes.cluster import Cluster
from kuberklone.api.kubernetes.creating import carry_out
from kuberklone.api.kubernetes.options import WriteOptions
from kuberklone.api.kubernetes.replacing import TRIES_MAX, revision_in, write
from kuberklone.api.kubernetes.request import Request
from kuberklone.apimachinery import bodies, json_patch, managed_fields, merge_patch, schemas, strategic_patch
from kuberklone.apimachinery.bodies import Patch
from kuberklone.apimachinery.document import Document
from kuberklone.errors import AlreadyExists, ApplyConflict, Conflict, Malformed, NotFound, UnsupportedMediaType
from kuberklone.kinds import served
from kuberklone.kinds.catalogue import Served
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
        way: _Change | _Apply = _Apply.of(cluster, request, sent, chosen, subresource)
    elif chosen.force:
        raise Malformed("force may be set for an apply patch only")
    else:
        way = _Change(cluster, request, sent, chosen, subresource)
    for tried in range(TRIES_MAX):
        try:
            return await way.once()
        except ApplyConflict:
            raise
        except (AlreadyExists, Conflict):
            if tried == TRIES_MAX - 1 or _expects_revision(sent):
                raise
    raise AssertionError("the last try returns or raises")


@dataclass(frozen=True, slots=True)
class _Change:
    """A patch that says what is to be different, in the version of the path."""

    cluster: Cluster
    request: Request
    sent: Patch
    chosen: WriteOptions
    subresource: str

    async def once(self) -> Answer:
        request = self.request
        old = await reading.existing(self.cluster, request)
        current = served.decoded(served.text(request.kind.document(old), old.revision, request.served))
        document = documents.sent(request, self._patched(current), self.chosen, self.sent.problems)
        _check_revision(document, old, request)
        written = await write(self.cluster, request, document, old, self.chosen, subresource=self.subresource)
        return shapes.of_record(self.cluster, request, written)

    def _patched(self, current: Document) -> Document:
        """The whole object as it shall be."""
        found = self.request.served
        if self.sent.type == "json":
            return json_patch.apply(current, self.sent.content)
        if self.sent.type == "merge":
            return merge_patch.apply(current, self.sent.content)
        if not schemas.knows(found.api_version, found.kind.kind):
            raise UnsupportedMediaType("the kind has no schema of its own; send a merge patch or a JSON patch")
        return strategic_patch.apply(current, self.sent.content, schemas.schema_of(found.api_version, found.kind.kind))


@dataclass(frozen=True, slots=True)
class _Apply:
    """A patch that says what its manager wants, in the version that is kept; the object may have to be made."""

    cluster: Cluster
    request: Request
    applied: Document
    chosen: WriteOptions
    subresource: str

    @classmethod
    def of(cls, cluster: Cluster, request: Request, sent: Patch, chosen: WriteOptions, subresource: str) -> "_Apply":
        applied = documents.sent(request, sent.content, chosen, sent.problems)
        return cls(cluster, request, request.served.stored(applied), chosen, subresource)

    async def once(self) -> Answer:
        try:
            old = await reading.existing(self.cluster, self.request)
        except NotFound:
            if self.subresource or "create" not in self.request.kind.verbs:
                raise
            return await self._create()
        kind = self.request.kind
        live = served.decoded(served.text(kind.document(old), old.revision))
        document = self._merged(live)
        _check_revision(document, old, self.request)
        written = await write(
            self.cluster,
            self.request,
            document,
            old,
            self.chosen,
            found=self._stored(),
            subresource=self.subresource,
            is_applied=True,
        )
        return shapes.of_record(self.cluster, self.request, written)

    async def _create(self) -> Answer:
        """Make the object; whoever applied it manages what it says."""
        document = self.request.served.shown(self._merged(None))
        record = await documents.new(self.cluster, self.request, document, self.chosen, is_applied=True)
        operation = CreateObject(kind=self.request.kind, record=record)
        written = await carry_out(self.cluster, operation, dry_run=self.chosen.dry_run)
        return shapes.of_record(self.cluster, self.request, written, code=_CREATED)

    def _merged(self, live: Document | None) -> Document:
        asked = documents.write_of(self.cluster, self._stored(), self.chosen, subresource=self.subresource)
        return managed_fields.apply(live, self.applied, asked, force=self.chosen.force)

    def _stored(self) -> Served:
        kind = self.request.kind
        found = self.cluster.catalogue.find(kind.group, kind.version, kind.resource)
        assert found is not None, "a kind is served in the version in which it is kept"
        return found


def _check_revision(document: Document, old: Header, request: Request) -> None:
    given = revision_in(document)
    if given is not None and given != old.revision:
        raise changed(request.kind, old.name)


def _expects_revision(sent: Patch) -> bool:
    """Whether the patch itself names the revision that it is for: then another one is no reason to try again."""
    content: Any = sent.content
    if isinstance(content, dict):
        metadata = content.get("metadata")
        return isinstance(metadata, dict) and bool(metadata.get("resourceVersion"))
    return any(operation.get("path") == "/metadata/resourceVersion" for operation in content)
