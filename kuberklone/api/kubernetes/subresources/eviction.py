"""POST pods/NAME/eviction: a pod is asked to go, as `kubectl drain` does; a disruption budget may refuse."""

from kuberklone.api.kubernetes import deleting, documents, options
from kuberklone.api.kubernetes.answers import Answer
from kuberklone.api.kubernetes.cluster import Cluster
from kuberklone.api.kubernetes.request import Request
from kuberklone.api.kubernetes.subresources import binding
from kuberklone.apimachinery import bodies
from kuberklone.errors import Malformed
from kuberklone.store.pod_operations import EvictPod

_API_VERSION, _KIND = "policy/v1", "Eviction"


async def evict(cluster: Cluster, request: Request) -> Answer:
    chosen = options.read(request, "CreateOptions")
    body = bodies.read(await request.body(), request.header(b"content-type"))
    sent = documents.checked(request, body.document, chosen, body.problems, api_version=_API_VERSION, kind=_KIND)
    name = request.path.name
    given = sent["metadata"].get("name") or name
    if given != name:
        raise Malformed(f"name in URL does not match name in Eviction object: {name[:80]!r} and {str(given)[:80]!r}")
    wanted = deleting.read_options(sent.get("deleteOptions") or {}, request.query)
    operation = EvictPod(
        namespace=request.path.namespace,
        name=name,
        uid=wanted.uid,
        revision=wanted.revision,
        grace_s=wanted.grace_s,
    )
    # `kubectl drain --dry-run=server` says so in the options of the deletion.
    return await binding.carry_out(cluster, request, operation, dry_run=chosen.dry_run or wanted.dry_run)
