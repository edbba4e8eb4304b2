"""OBJECT/status: what was observed of an object, written by whoever observes it."""

from kuberklone.api.kubernetes import patching, reading, replacing
from kuberklone.api.kubernetes.answers import Answer
from kuberklone.api.kubernetes.cluster import Cluster
from kuberklone.api.kubernetes.request import Request

_STATUS = "status"


async def show(cluster: Cluster, request: Request) -> Answer:
    """The whole object: that is how Kubernetes answers."""
    return await reading.show(cluster, request)


async def replace(cluster: Cluster, request: Request) -> Answer:
    return await replacing.replace_part(cluster, request, subresource=_STATUS)


async def patch(cluster: Cluster, request: Request) -> Answer:
    return await patching.patch_part(cluster, request, subresource=_STATUS)
