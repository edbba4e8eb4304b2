"""What Kubernetes has below an object and this cluster has not, and why: a sentence is better than "not found"."""

from http import HTTPStatus

from kuberklone.api.kubernetes import statuses
from kuberklone.api.kubernetes.statuses import StatusError

_WHY = {
    "pods/ephemeralcontainers": "containers cannot be added to a pod that was made; run another pod",
    "pods/portforward": "ports of pods are not forwarded; kubectl exec reaches programs on Docker nodes",
    "pods/proxy": "the API carries no requests to pods",
    "pods/resize": "what a pod asks for cannot be changed once it was made; replace the pod",
    "services/proxy": "the API carries no requests to services",
    "nodes/proxy": "nodes have no API of their own here; /apis/metrics.k8s.io/v1beta1/nodes tells what they use",
}


def refusal(resource: str, subresource: str) -> StatusError:
    """A 501 with the reason; a 404 for what Kubernetes has not either."""
    why = _WHY.get(f"{resource}/{subresource}")
    if why is None:
        return statuses.no_such_path()
    return StatusError(HTTPStatus.NOT_IMPLEMENTED, "NotImplemented", f"{resource}/{subresource} is not served: {why}")
