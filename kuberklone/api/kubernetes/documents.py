"""From a document that was sent to the record that it asks for: checked, completed, admitted."""

from typing import Any

import msgspec

from kuberklone.api.kubernetes import admission
from kuberklone.api.kubernetes.cluster import Cluster
from kuberklone.api.kubernetes.options import WriteOptions
from kuberklone.api.kubernetes.request import Request
from kuberklone.apimachinery import managed_fields, schemas
from kuberklone.apimachinery.document import Document
from kuberklone.apimachinery.managed_fields import Write
from kuberklone.apimachinery.problem import Problem, refusal, strict_error, warnings
from kuberklone.apimachinery.schemas import Schema
from kuberklone.clock import timestamp
from kuberklone.errors import Malformed
from kuberklone.kinds import json_text, metadata_rules, served
from kuberklone.kinds.catalogue import Served
from kuberklone.kinds.header import Header
from kuberklone.kinds.preparing import prepared


def checked(
    request: Request,
    document: Document,
    options: WriteOptions,
    given_twice: list[Problem],
    *,
    api_version: str = "",
    kind: str = "",
    is_whole: bool = True,
) -> Document:
    """The document as one of the kind that the path names, without what its schema does not know.

    Raises Malformed or Invalid; adds warnings where fieldValidation asks for them. One that is not whole yet may lack
    what defaults or a merge will bring, and is checked again by `new` or `changed`.
    """
    api_version = api_version or request.served.api_version
    kind = kind or request.kind.kind
    document = _typed(document, api_version, kind)
    problems = schemas.validate(api_version, kind, document)
    strict = [*(problem for problem in problems if problem.is_strict), *given_twice]
    if strict:
        if options.validation == "Strict" and (error := strict_error(strict)) is not None:
            raise error
        if options.validation == "Warn":
            request.warnings += warnings(strict)
        document = _known(document, schemas.schema_of(api_version, kind))
    wrong = problems if is_whole else [problem for problem in problems if problem.reason == "type"]
    if wrong and (refused := refusal(api_version, kind, _name(document), wrong)) is not None:
        raise refused
    return document


def _typed(document: Document, api_version: str, kind: str) -> Document:
    """The document with its type; one that says nothing of it is taken for what the path names."""
    given_version, given_kind = document.get("apiVersion") or api_version, document.get("kind") or kind
    if given_version != api_version:
        raise Malformed(
            f"the API version in the data ({str(given_version)[:80]}) does not match the expected API version "
            f"({api_version})"
        )
    if given_kind != kind:
        raise Malformed(f"the kind in the data ({str(given_kind)[:80]}) does not match the expected kind ({kind})")
    if not isinstance(document.get("metadata", {}), dict | None):
        raise Malformed(f"{kind} in version {api_version!r} cannot be handled as a {kind}: metadata must be an object")
    return {**document, "apiVersion": api_version, "kind": kind, "metadata": document.get("metadata") or {}}


def _name(document: Document) -> str:
    name = document["metadata"].get("name")
    return name if isinstance(name, str) else ""


def _known(value: Any, schema: Schema) -> Any:
    """A copy without the fields that the schema does not have."""
    if isinstance(value, list):
        return [_known(inner, schema.items) for inner in value]
    if not isinstance(value, dict):
        return value
    fields = schema.properties
    return {key: _known(inner, schema.field(key)) for key, inner in value.items() if not fields or key in fields}


def sent(request: Request, document: Document, options: WriteOptions, given_twice: list[Problem]) -> Document:
    """What a write of the path's object says: readable and in its place, not yet whole."""
    return placed(request, checked(request, document, options, given_twice, is_whole=False))


def placed(request: Request, document: Document) -> Document:
    """The document in the namespace and under the name of the path; raises Malformed where they differ."""
    metadata = document["metadata"]
    path = request.path
    namespace = metadata.get("namespace") or ""
    if request.kind.namespaced:
        if namespace and namespace != path.namespace:
            raise Malformed("the namespace of the provided object does not match the namespace sent on the request")
        metadata = {**metadata, "namespace": path.namespace}
    elif namespace:
        raise Malformed("namespace must not be set on an object of a kind that has none")
    if path.name:
        name = metadata.get("name")
        if not name:
            raise Malformed("name must be provided: metadata.name is that of the URL")
        if name != path.name:
            raise Malformed(
                f"the name of the object ({str(name)[:80]}) does not match the name on the URL ({path.name[:80]})"
            )
    return {**document, "metadata": metadata}


async def new(
    cluster: Cluster, request: Request, document: Document, options: WriteOptions, *, is_applied: bool = False
) -> Header:
    """The record of a document that is new, admitted; raises Invalid and Forbidden.

    One that is applied says itself who manages which of its fields.
    """
    found = request.served
    document = prepared(found, document)
    metadata = document["metadata"]
    if metadata.get("resourceVersion"):
        raise Malformed("resourceVersion should not be set on objects to be created")
    # What people are told first is what they forgot; rules may then rely on what the schema says.
    _refuse(found, _of_schema(found, document), metadata)
    if not is_applied:
        # Before admission: what the cluster decides is nobody's, so an apply that does not say it takes nothing away.
        write = write_of(cluster, found, options)
        # As text: the record keeps it so, and nobody looks inside before that.
        metadata["managedFields"] = msgspec.Raw(managed_fields.record_creation(document, write).encode())
    await admission.admit_new(cluster, request, document)
    _refuse(found, [*metadata_rules.problems(found.kind, metadata), *found.kind.validate(document, None)], metadata)
    record: Header = found.kind.read(document, None)
    return msgspec.structs.replace(record, uid=admission.new_uid())


def changed(
    cluster: Cluster,
    found: Served,
    document: Document,
    old: Header,
    options: WriteOptions,
    *,
    subresource: str = "",
    is_applied: bool = False,
) -> Header:
    """The record that a document makes of an old one, equal to it where it changes nothing; raises Invalid.

    `document` is of the version asked for and complete: what it leaves out is to be gone.
    """
    kind = found.kind
    before = served.decoded(kind.document(old))
    document = prepared(found, document)
    metadata = document["metadata"]
    _keep_identity(metadata, before["metadata"])
    _refuse(found, _of_schema(found, document), metadata)
    if not subresource:
        admission.admit_changed(cluster, kind, document, before)
    problems = [*metadata_rules.changes(metadata, before["metadata"]), *metadata_rules.problems(kind, metadata)]
    if not subresource:
        problems += kind.validate(document, before)
    _refuse(found, problems, metadata)
    if metadata.get("managedFields") is None:
        metadata["managedFields"] = before["metadata"].get("managedFields")
    read = kind.read_status if subresource == "status" and kind.read_status is not None else kind.read
    record: Header = read(document, old)
    if record == old or is_applied:
        return record
    after = served.decoded(kind.document(record))
    noted = managed_fields.record_update(before, after, write_of(cluster, found, options, subresource=subresource))
    return msgspec.structs.replace(record, managed_fields=json_text.text(noted))


def _of_schema(found: Served, document: Document) -> list[Problem]:
    return schemas.validate(found.kind.api_version, found.kind.kind, document)


def _keep_identity(metadata: Document, before: Document) -> None:
    """What no writer decides is as it was, whatever the document says; null and nothing mean the same."""
    for field in ("creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generation", "generateName"):
        metadata.pop(field, None)
        if field in before:
            metadata[field] = before[field]


def _refuse(found: Served, problems: list[Problem], metadata: Document) -> None:
    if problems:
        error = refusal(found.api_version, found.kind.kind, metadata.get("name") or "", problems)
        if error is not None:
            raise error


def write_of(cluster: Cluster, found: Served, options: WriteOptions, *, subresource: str = "") -> Write:
    """Who writes, for the bookkeeping of fields: in the version that is kept, so that all versions say the same."""
    kind = found.kind
    return Write(
        manager=options.manager,
        api_version=kind.api_version,
        now=timestamp(cluster.store.clock.wall_ms()),
        schema=schemas.schema_of(kind.api_version, kind.kind),
        subresource=subresource,
        ignored=("status",) if kind.resets_status else (),
    )
