"""metrics.k8s.io: what nodes and pods use, for `kubectl top`."""

import asyncio
from collections.abc import Iterable

import msgspec

from kuberklone.api.kubernetes import answers, shapes, statuses
from kuberklone.api.kubernetes.answers import Answer, Handler
from kuberklone.api.kubernetes.cluster import Cluster
from kuberklone.api.kubernetes.request import Request
from kuberklone.apimachinery import selectors
from kuberklone.apimachinery.document import Document
from kuberklone.errors import NotFound
from kuberklone.kinds import metrics_documents
from kuberklone.kinds.metrics_documents import API_VERSION, Usage
from kuberklone.store import feed, moment, usage
from kuberklone.store.moment import Moment
from kuberklone.store.usage import Used

_encode = msgspec.json.Encoder().encode


async def show_nodes(cluster: Cluster, request: Request) -> Answer:
    """GET nodes and nodes/NAME."""
    if request.path.namespace:
        raise statuses.no_such_path()
    return await _shown(cluster, request, "NodeMetricsList")


async def show_pods(cluster: Cluster, request: Request) -> Answer:
    """GET pods, namespaces/NAMESPACE/pods and one of them."""
    if request.path.name and not request.path.namespace:
        raise statuses.no_such_path()
    return await _shown(cluster, request, "PodMetricsList")


HANDLERS: dict[tuple[str, str], dict[str, Handler]] = {
    (API_VERSION, "nodes"): {"GET": show_nodes},
    (API_VERSION, "pods"): {"GET": show_pods},
}


async def _shown(cluster: Cluster, request: Request, kind: str) -> Answer:
    form = answers.form(request.header(b"accept"), shapes=False)
    wanted = selectors.parse_labels(request.query.text("labelSelector"))
    found, revision = await asyncio.to_thread(_read, cluster, request)
    if request.path.name:
        if not found:
            resource, name = f"{request.path.resource}.metrics.k8s.io", request.path.name
            raise NotFound(f'{resource} "{name}" not found', resource=resource, name=name)
        return shapes.plain(request, form, _encode(found[0]))
    items = [each for each in found if wanted.matches(each["metadata"].get("labels", {}))]
    listed = {"kind": kind, "apiVersion": API_VERSION, "metadata": {"resourceVersion": str(revision)}, "items": items}
    return shapes.plain(request, form, _encode(listed))


def _read(cluster: Cluster, request: Request) -> tuple[list[Document], int]:
    path = request.path
    with moment.now(cluster.store) as at:
        if "\0" in path.namespace + path.name:
            found: Iterable[Document] = ()
        elif path.resource == "nodes":
            found = (
                metrics_documents.of_node(node, _usage(cluster, at, used))
                for node, used in usage.of_nodes(at.connection, name=path.name)
            )
        else:
            found = (
                metrics_documents.of_pod(pod, _usage(cluster, at, used))
                for pod, used in usage.of_pods(at.connection, namespace=path.namespace, name=path.name)
            )
        return list(found), feed.head(at.connection)


def _usage(cluster: Cluster, at: Moment, used: Used) -> Usage:
    return Usage(
        cpu_millis=used.cpu_millis,
        memory_bytes=used.memory_bytes,
        measured_ms=at.now_ms if used.measured_ms is None else used.measured_ms,
        # An agent measures with each heartbeat.
        window_s=cluster.settings.heartbeat_interval_s,
    )
