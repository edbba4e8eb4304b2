"""DELETE of one object or of all that a selector chooses."""

import asyncio
from dataclasses import dataclass, replace
from typing import Any

from kuberklone.api.kubernetes import answers, listing, options, reading, shapes, statuses
from kuberklone.api.kubernetes.answers import Answer
from kuberklone.api.kubernetes.cluster import Cluster
from kuberklone.api.kubernetes.creating import carry_out
from kuberklone.api.kubernetes.lists import Layout, Pages
from kuberklone.api.kubernetes.replacing import revision_in
from kuberklone.api.kubernetes.request import Query, Request
from kuberklone.apimachinery import bodies
from kuberklone.apimachinery.document import Document
from kuberklone.apimachinery.problem import Problem, invalid
from kuberklone.errors import Malformed, NotFound
from kuberklone.kinds import rules
from kuberklone.kinds.header import Header
from kuberklone.store.deletion import Propagation
from kuberklone.store.object_operations import DeleteObject
from kuberklone.store.watch_feed import WholeChange

_PROPAGATIONS: dict[str, Propagation] = {"Background": "Background", "Foreground": "Foreground", "Orphan": "Orphan"}
_GRACE_S_MAX = 2**31 - 1
# Deletions of a collection that wait for their commit at once: as many as one transaction takes.
_TOGETHER = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteOptions:
    dry_run: bool = False
    grace_s: int | None = None
    propagation: Propagation | None = None
    uid: str | None = None
    revision: int | None = None


async def delete(cluster: Cluster, request: Request) -> Answer:
    """What is deleted, or the Status that says so, as clients of the kind expect it."""
    chosen = await _options(request)
    gone = await _delete_one(cluster, request, request.path.namespace, request.path.name, chosen)
    if request.kind.delete_returns_object:
        return shapes.of_record(cluster, request, gone)
    kind = request.kind
    body = statuses.success(name=gone.name, group=request.path.group, resource=kind.resource, uid=gone.uid)
    form = answers.form(request.header(b"accept"))
    return shapes.plain(request, answers.OBJECT if form.name != "object" else form, body)


async def _delete_one(cluster: Cluster, request: Request, namespace: str, name: str, chosen: DeleteOptions) -> Header:
    reading.refuse_impossible(request.kind, namespace, name)
    operation = DeleteObject(
        kind=request.kind,
        namespace=namespace,
        name=name,
        uid=chosen.uid,
        revision=chosen.revision,
        grace_s=chosen.grace_s,
        propagation=chosen.propagation,
    )
    gone: Header = await carry_out(cluster, operation, dry_run=chosen.dry_run)
    return gone


async def delete_collection(cluster: Cluster, request: Request) -> Answer:
    """The list of what was there, all of which is deleted or on its way out."""
    chosen = await _options(request)
    # Preconditions are about one object.
    each_chosen = replace(chosen, uid=None, revision=None)
    wanted = listing.read(request)
    layout = Layout(request, answers.OBJECT)
    pages = Pages(cluster.store, wanted)
    parts: list[bytes] = []
    while not pages.at_end:
        found = await pages.following()
        for start in range(0, len(found), _TOGETHER):
            batch = found[start : start + _TOGETHER]
            await asyncio.gather(*(_delete_if_there(cluster, request, each, each_chosen) for each in batch))
        parts += [layout.items([each], pages.now_ms, is_first=True) for each in found]
    body = layout.head(pages.revision, None) + b",".join(parts) + layout.tail()
    return shapes.plain(request, layout.form, body)


async def _delete_if_there(cluster: Cluster, request: Request, each: WholeChange, chosen: DeleteOptions) -> None:
    try:
        # The one that was read, and not another one that has taken its name since.
        await _delete_one(cluster, request, each.namespace, each.name, replace(chosen, uid=each.uid))
    except NotFound:
        return


async def _options(request: Request) -> DeleteOptions:
    """From the body, as kubectl sends them, or the query, as other clients do; raises Malformed or Invalid."""
    raw = await request.body()
    body: Document = {}
    if raw:
        body = bodies.read(raw, request.header(b"content-type"), strict=False).document
        if body.get("kind") not in (None, "", "DeleteOptions"):
            raise Malformed(f"the body of a DELETE is DeleteOptions; got {str(body['kind'])[:80]!r}")
    return read_options(body, request.query)


def read_options(body: Document, query: Query) -> DeleteOptions:
    """DeleteOptions, where the body does not say it by the query; raises Malformed or Invalid."""
    problems: list[Problem] = []
    dry_run = _texts(body, "dryRun") + query.texts("dryRun")
    problems += options.dry_run_problems(dry_run)
    grace_s = _integer(body, "gracePeriodSeconds")
    if grace_s is None:
        grace_s = query.integer("gracePeriodSeconds")
    if grace_s is not None and not 0 <= grace_s <= _GRACE_S_MAX:
        problems.append(rules.invalid("gracePeriodSeconds", grace_s, "must be greater than or equal to 0"))
    propagation = body.get("propagationPolicy") or query.text("propagationPolicy")
    orphan = body.get("orphanDependents")
    if orphan is None and query.given("orphanDependents"):
        orphan = query.flag("orphanDependents")
    if orphan is not None and propagation:
        problems.append(
            rules.invalid(
                "propagationPolicy", propagation, "orphanDependents and deletionPropagation cannot be both set"
            )
        )
    if propagation and propagation not in _PROPAGATIONS:
        problems.append(rules.unsupported("propagationPolicy", propagation, [*_PROPAGATIONS, "nil"]))
    if problems:
        raise invalid("DeleteOptions", "", problems)
    chosen = _PROPAGATIONS[propagation] if propagation else None
    if orphan is not None:
        chosen = "Orphan" if orphan else "Background"
    uid, revision = _preconditions(body)
    return DeleteOptions(dry_run="All" in dry_run, grace_s=grace_s, propagation=chosen, uid=uid, revision=revision)


def _preconditions(body: Document) -> tuple[str | None, int | None]:
    given: Any = body.get("preconditions") or {}
    if not isinstance(given, dict):
        raise Malformed("preconditions: send an object with uid or resourceVersion")
    uid = given.get("uid")
    if uid is not None and not isinstance(uid, str):
        raise Malformed("preconditions.uid: send a text")
    return uid, revision_in({"metadata": given})


def _integer(body: Document, field: str) -> int | None:
    value = body.get(field)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool):
        raise Malformed(f"{field}: send a whole number; got {str(value)[:80]!r}")
    return value


def _texts(body: Document, field: str) -> list[str]:
    value = body.get(field) or []
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise Malformed(f"{field}: send a list of texts")
    return value
