"""POST of a new object."""

import asyncio
from typing import Any

from kuberklone.api.kubernetes import documents, options, shapes
from kuberklone.api.kubernetes.answers import Answer
from kuberklone.api.kubernetes.cluster import Cluster
from kuberklone.api.kubernetes.request import Request
from kuberklone.apimachinery import bodies
from kuberklone.store import object_operations
from kuberklone.store.object_operations import CreateObject, ObjectOperation

_CREATED = 201


async def create(cluster: Cluster, request: Request) -> Answer:
    """The object as it was written, once it is durable."""
    chosen = options.read(request, "CreateOptions")
    body = bodies.read(await request.body(), request.header(b"content-type"), strict=chosen.validation != "Ignore")
    document = documents.sent(request, body.document, chosen, body.problems)
    record = await documents.new(cluster, request, document, chosen)
    written = await carry_out(cluster, CreateObject(kind=request.kind, record=record), dry_run=chosen.dry_run)
    return shapes.of_record(cluster, request, written, code=_CREATED)


async def carry_out(cluster: Cluster, operation: ObjectOperation, *, dry_run: bool) -> Any:
    """The record that an operation wrote, or would write."""
    if dry_run:
        return (await asyncio.to_thread(object_operations.try_out, cluster.store, operation))[0]
    written = await cluster.writes.object(operation)
    if operation.kind.resource == "priorityclasses":
        cluster.priorities.forget()
    return written
