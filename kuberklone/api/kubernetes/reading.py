"""GET of one object."""

from typing import Any

from kuberklone.api.kubernetes import shapes
from kuberklone.api.kubernetes.answers import Answer
from kuberklone.api.kubernetes.cluster import Cluster
from kuberklone.api.kubernetes.request import Request
from kuberklone.apimachinery.naming import NAME_LENGTH_MAX
from kuberklone.kinds.kind import Kind
from kuberklone.store.object_operations import not_found


async def show(cluster: Cluster, request: Request) -> Answer:
    """The object in the form that is asked for."""
    return shapes.of_record(cluster, request, await existing(cluster, request))


async def existing(cluster: Cluster, request: Request) -> Any:
    """The record that the path names; raises NotFound."""
    path = request.path
    refuse_impossible(request.kind, path.namespace, path.name)
    record = await cluster.reads.record(request.kind, path.namespace, path.name)
    if record is None:
        raise not_found(request.kind, path.name)
    return record


def refuse_impossible(kind: Kind[Any], namespace: str, name: str) -> None:
    """Raises NotFound for a name that no object can have, so that no odd character reaches the database."""
    if len(name) > NAME_LENGTH_MAX or len(namespace) > NAME_LENGTH_MAX or not (name + namespace).isprintable():
        raise not_found(kind, name[:NAME_LENGTH_MAX])
