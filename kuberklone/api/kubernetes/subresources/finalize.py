"""PUT namespaces/NAME/finalize: whoever has emptied a namespace takes its finalizer away."""

from kuberklone.api.kubernetes import documents, options, reading, replacing, shapes
from kuberklone.api.kubernetes.answers import Answer
from kuberklone.api.kubernetes.cluster import Cluster
from kuberklone.api.kubernetes.request import Request
from kuberklone.apimachinery import bodies
from kuberklone.errors import Conflict
from kuberklone.kinds import served
from kuberklone.store.object_operations import changed


async def replace(cluster: Cluster, request: Request) -> Answer:
    """The namespace with the finalizers of the body; everything else of the body is ignored."""
    chosen = options.read(request)
    body = bodies.read(await request.body(), request.header(b"content-type"), strict=chosen.validation != "Ignore")
    sent = documents.placed(request, documents.checked(request, body.document, chosen, body.problems))
    revision = replacing.revision_in(sent)
    finalizers = (sent.get("spec") or {}).get("finalizers") or []
    for tried in range(replacing.TRIES_MAX):
        old = await reading.existing(cluster, request)
        if revision is not None and revision != old.revision:
            raise changed(request.kind, old.name)
        document = served.decoded(request.kind.document(old))
        document["spec"] = {**document.get("spec", {}), "finalizers": finalizers}
        try:
            written = await replacing.write(cluster, request, document, old, chosen, subresource="finalize")
        except Conflict:
            if tried == replacing.TRIES_MAX - 1:
                raise
            continue
        return shapes.of_record(cluster, request, written)
    raise AssertionError("the last try returns or raises")
