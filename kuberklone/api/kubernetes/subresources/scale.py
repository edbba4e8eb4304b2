"""OBJECT/scale: how many there shall be, as autoscaling/v1 Scale, whatever the kind calls its own fields."""

from collections.abc import Callable
from typing import Any

import msgspec

from kuberklone.api.kubernetes import answers, documents, options, reading, replacing, shapes
from kuberklone.api.kubernetes.answers import Answer
from kuberklone.api.kubernetes.cluster import Cluster
from kuberklone.api.kubernetes.options import WriteOptions
from kuberklone.api.kubernetes.request import Request
from kuberklone.apimachinery import bodies, json_patch, merge_patch, schemas, strategic_patch
from kuberklone.apimachinery.bodies import Patch
from kuberklone.apimachinery.document import Document
from kuberklone.apimachinery.problem import Problem, invalid
from kuberklone.errors import Conflict, UnsupportedMediaType
from kuberklone.kinds import columns, rules, served
from kuberklone.kinds.header import Header
from kuberklone.store.object_operations import changed

_API_VERSION, _KIND = "autoscaling/v1", "Scale"
_SHOWN_METADATA = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")

Change = Callable[[Document], tuple[Document, list[Problem]]]
"""From the scale as it is to the one that is wanted, and what a strict reader says of it."""


async def show(cluster: Cluster, request: Request) -> Answer:
    return _answer(request, await reading.existing(cluster, request))


async def replace(cluster: Cluster, request: Request) -> Answer:
    chosen = options.read(request)
    body = bodies.read(await request.body(), request.header(b"content-type"), strict=chosen.validation != "Ignore")
    return await _write(cluster, request, chosen, lambda _: (body.document, body.problems))


async def patch(cluster: Cluster, request: Request) -> Answer:
    chosen = options.read(request, "PatchOptions")
    sent = bodies.read_patch(
        await request.body(), request.header(b"content-type"), strict=chosen.validation != "Ignore"
    )
    return await _write(cluster, request, chosen, lambda scale: (_patched(scale, sent), sent.problems))


async def _write(cluster: Cluster, request: Request, chosen: WriteOptions, change: Change) -> Answer:
    for tried in range(replacing.TRIES_MAX):
        old = await reading.existing(cluster, request)
        wanted, problems = change(scale_of(request, old))
        wanted = documents.checked(request, wanted, chosen, problems, api_version=_API_VERSION, kind=_KIND)
        replicas = _replicas(request, wanted)
        revision = replacing.revision_in(wanted)
        if revision is not None and revision != old.revision:
            raise changed(request.kind, old.name)
        document = _document(request, old)
        document["spec"] = {**document.get("spec", {}), "replicas": replicas}
        try:
            written = await replacing.write(cluster, request, document, old, chosen, subresource="scale")
        except Conflict:
            # Whoever named a revision is told at the next try that it is another one now.
            if tried == replacing.TRIES_MAX - 1:
                raise
            continue
        return _answer(request, written)
    raise AssertionError("the last try returns or raises")


def _patched(scale: Document, sent: Patch) -> Document:
    match sent.type:
        case "json":
            return json_patch.apply(scale, sent.content)
        case "merge":
            return merge_patch.apply(scale, sent.content)
        case "strategic":
            return strategic_patch.apply(scale, sent.content, schemas.schema_of(_API_VERSION, _KIND))
    raise UnsupportedMediaType("a scale cannot be applied; send a merge patch, a strategic merge patch or a JSON patch")


def _replicas(request: Request, wanted: Document) -> int:
    replicas = (wanted.get("spec") or {}).get("replicas") or 0
    if replicas < 0:
        problem = rules.invalid("spec.replicas", replicas, "must be greater than or equal to 0")
        raise invalid(_KIND, request.path.name, [problem])
    return int(replicas)


def scale_of(request: Request, record: Header) -> Document:
    """How many there shall be and are, and by which labels they are known."""
    document = _document(request, record)
    spec, status = document.get("spec", {}), document.get("status", {})
    metadata = {key: document["metadata"][key] for key in _SHOWN_METADATA if key in document["metadata"]}
    observed: dict[str, Any] = {"replicas": status.get("replicas", 0)}
    if spec.get("selector"):
        observed["selector"] = columns.selector_text(spec["selector"])
    return {
        "kind": _KIND,
        "apiVersion": _API_VERSION,
        "metadata": metadata,
        "spec": {"replicas": spec.get("replicas", 0)},
        "status": observed,
    }


def _document(request: Request, record: Header) -> Document:
    return served.decoded(served.text(request.kind.document(record), record.revision))


def _answer(request: Request, record: Header) -> Answer:
    form = answers.form(request.header(b"accept"), shapes=False)
    return shapes.plain(request, form, msgspec.json.encode(scale_of(request, record)))
