"""Names and labels of everything we make in an engine, by which it is found again and told from what is not ours."""

from typing import Literal

Role = Literal["node", "pod", "network"]

_PREFIX = "io.kuberklone."
CLUSTER = _PREFIX + "cluster"
ROLE = _PREFIX + "role"
NODE_UID = _PREFIX + "node-uid"
NODE_NAME = _PREFIX + "node-name"
BOOT_ID = _PREFIX + "boot-id"
POD_UID = _PREFIX + "pod-uid"
POD_NAMESPACE = _PREFIX + "pod-namespace"
POD_NAME = _PREFIX + "pod-name"
CONTAINER_NAME = _PREFIX + "container-name"
ATTEMPT = _PREFIX + "attempt"
RESTART_DELAY_MS = _PREFIX + "restart-delay-ms"
ON_NODE_FAILURE = _PREFIX + "on-node-failure"


def of_node(cluster: str, *, uid: str, name: str, boot_id: str) -> dict[str, str]:
    """Labels of the container that is a node."""
    return {CLUSTER: cluster, ROLE: "node", NODE_UID: uid, NODE_NAME: name, BOOT_ID: boot_id}


def of_network(cluster: str) -> dict[str, str]:
    """Labels of the network of a cluster's nodes."""
    return {CLUSTER: cluster, ROLE: "network"}


def query(cluster: str, role: Role | None = None, **more: str) -> list[str]:
    """The `label` filter for what belongs to a cluster: `query(cluster, "pod", node_uid=uid)`."""
    wanted = {CLUSTER: cluster} | ({} if role is None else {ROLE: role})
    wanted |= {_PREFIX + name.replace("_", "-"): value for name, value in more.items()}
    return [f"{label}={value}" for label, value in wanted.items()]


def node_container(cluster: str, node: str) -> str:
    """The name of the container that is a node: the engine allows each name once, so a node exists once."""
    return f"kuberklone-{cluster}-{node}"


def pod_container(cluster: str, pod_uid: str, container: str, attempt: int) -> str:
    """The name of one run of a pod's container. A repeated create meets its own name instead of starting a second."""
    return f"kuberklone-{cluster}-{pod_uid}-{container}-{attempt}"


def network(cluster: str) -> str:
    """The name of the network of a cluster's nodes."""
    return f"kuberklone-{cluster}"


def of_pod_container(
    node: dict[str, str], *, pod_uid: str, namespace: str, pod: str, container: str, attempt: int
) -> dict[str, str]:
    """Labels of one run of a pod's container; `node` are those of the node that it runs on."""
    return node | {
        ROLE: "pod",
        POD_UID: pod_uid,
        POD_NAMESPACE: namespace,
        POD_NAME: pod,
        CONTAINER_NAME: container,
        ATTEMPT: str(attempt),
    }
