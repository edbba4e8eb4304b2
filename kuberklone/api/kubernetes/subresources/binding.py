"""POST of a Binding: a scheduler from outside says where a pod goes. The store refuses what a node has no room for."""

import asyncio

from kuberklone.api.kubernetes import answers, documents, options, replacing, shapes, statuses
from kuberklone.api.kubernetes.answers import Answer
from kuberklone.api.kubernetes.cluster import Cluster
from kuberklone.api.kubernetes.request import Request
from kuberklone.apimachinery import bodies
from kuberklone.apimachinery.problem import Problem, invalid
from kuberklone.errors import Malformed
from kuberklone.kinds import rules
from kuberklone.store import object_operations, pod_operations
from kuberklone.store.pod_operations import BindPod, PodOperation

_KIND = "Binding"
_CREATED = 201


async def bind(cluster: Cluster, request: Request) -> Answer:
    """POST pods/NAME/binding."""
    return await _bind(cluster, request, request.path.name)


async def bind_named(cluster: Cluster, request: Request) -> Answer:
    """POST bindings: the older way, in which the body names the pod."""
    if not request.path.namespace or request.path.name:
        raise statuses.no_such_path()
    return await _bind(cluster, request, "")


async def carry_out(cluster: Cluster, request: Request, operation: PodOperation, *, dry_run: bool) -> Answer:
    """Do it, or find out whether it could be done; answers a Status, as for everything that is no object."""
    if dry_run:
        await asyncio.to_thread(
            object_operations.undone,
            cluster.store,
            lambda transaction: pod_operations.apply(transaction, operation),
        )
    else:
        await cluster.writes.object(operation)
    form = answers.form(request.header(b"accept"), shapes=False)
    return shapes.plain(request, form, statuses.done(), _CREATED)


async def _bind(cluster: Cluster, request: Request, name: str) -> Answer:
    chosen = options.read(request, "CreateOptions")
    body = bodies.read(await request.body(), request.header(b"content-type"))
    sent = documents.checked(request, body.document, chosen, body.problems, api_version="v1", kind=_KIND)
    metadata, target = sent["metadata"], sent.get("target") or {}
    given = metadata.get("name") or name
    if name and given != name:
        raise Malformed(f"the name of the object ({str(given)[:80]}) does not match the name on the URL ({name[:80]})")
    if metadata.get("namespace") not in (None, "", request.path.namespace):
        raise Malformed("the namespace of the provided object does not match the namespace sent on the request")
    problems: list[Problem] = []
    if target.get("kind") not in (None, "", "Node"):
        problems.append(rules.unsupported("target.kind", target["kind"], ["Node"]))
    if not target.get("name"):
        problems.append(rules.required("target.name"))
    if not given:
        problems.append(rules.required("metadata.name"))
    if problems:
        raise invalid(_KIND, given, problems)
    operation = BindPod(
        namespace=request.path.namespace,
        name=given,
        node_name=target["name"],
        uid=metadata.get("uid") or None,
        revision=replacing.revision_in(sent),
    )
    return await carry_out(cluster, request, operation, dry_run=chosen.dry_run)
