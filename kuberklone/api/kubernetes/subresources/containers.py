"""Which container of a pod is meant, and whether there is a real one that can be asked."""

from dataclasses import dataclass
from http import HTTPStatus

from kuberklone.api.kubernetes import reading
from kuberklone.api.kubernetes.cluster import Cluster
from kuberklone.api.kubernetes.request import Request
from kuberklone.api.kubernetes.statuses import StatusError
from kuberklone.apimachinery.document import Document
from kuberklone.errors import NodeUnreachable
from kuberklone.kinds import served
from kuberklone.kinds.node import Node
from kuberklone.kinds.objects.v1 import node as node_kind
from kuberklone.kinds.pod import Pod

_LISTS = ("containers", "initContainers")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A container on a node whose agent is heard."""

    pod: Pod
    document: Document
    container: str
    node: Node

    def status(self) -> Document:
        """What the agent says of the container; empty when it has not said anything yet."""
        found = self.document.get("status", {})
        lists = [found.get("containerStatuses") or [], found.get("initContainerStatuses") or []]
        return next((each for statuses in lists for each in statuses if each.get("name") == self.container), {})


async def find(cluster: Cluster, request: Request, *, what: str) -> Place:
    """The container that the request means; raises what says why it cannot be asked.

    `what` is what a container would have to do: "write a log".
    """
    pod: Pod = await reading.existing(cluster, request)
    document = served.decoded(request.kind.document(pod))
    container = _chosen(document, pod.name, request.query.text("container"))
    if pod.node_name is None:
        raise _bad_request(f"pod {pod.name} does not have a host assigned")
    node: Node | None = await cluster.reads.record(node_kind.KIND, "", pod.node_name)
    if node is None:
        raise NodeUnreachable(f"node {pod.node_name} of pod {pod.name} is gone")
    if node.provider == "simulated":
        raise _bad_request(
            f"pod {pod.name} runs on {node.name}, which is a simulated node: there is no program that could {what}; "
            "nodes of the provider docker run programs"
        )
    if node.ready != "True":
        raise NodeUnreachable(f"node {node.name} of pod {pod.name} is not heard; try again when it is Ready")
    return Place(pod=pod, document=document, container=container, node=node)


def _chosen(document: Document, pod_name: str, wanted: str) -> str:
    names = {each: [one["name"] for one in document["spec"].get(each) or []] for each in _LISTS}
    if wanted:
        if not any(wanted in found for found in names.values()):
            raise _bad_request(f"container {wanted[:80]} is not valid for pod {pod_name}")
        return wanted
    if len(names["containers"]) == 1:
        return str(names["containers"][0])
    choices = f"a container name must be specified for pod {pod_name}, choose one of: [{' '.join(names['containers'])}]"
    if names["initContainers"]:
        choices += f" or one of the init containers: [{' '.join(names['initContainers'])}]"
    raise _bad_request(choices)


def _bad_request(message: str) -> StatusError:
    return StatusError(HTTPStatus.BAD_REQUEST, "BadRequest", message)
