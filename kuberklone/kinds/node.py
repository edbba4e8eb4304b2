"""Node (core/v1): a machine that pods run on."""

from typing import Literal, get_args

import msgspec

from kuberklone.kinds import json_text, taints
from kuberklone.kinds.header import Header
from kuberklone.kinds.taints import Taint

RESOURCE = "nodes"

CPU_MILLIS_DEFAULT = 4_000
MEMORY_BYTES_DEFAULT = 8 * 2**30  # 8 GiB
PODS_MAX_DEFAULT = 110  # the kubelet's --max-pods

Provider = Literal["simulated", "docker", "external"]
Machine = Literal["Absent", "Running", "Restarting", "Failed"]
Readiness = Literal["Unknown", "True", "False"]
Status = Literal["Pending", "Ready", "NotReady", "Restarting", "Failed", "Terminating"]

NEVER_HEARD = "NeverHeard"
HEARD = "KubeletReady"
SILENT = "NodeStatusUnknown"  # what kube-controller-manager writes when a kubelet stops posting


class Node(Header, frozen=True, gc=False):
    """One row of `nodes`.

    Owners: the desired state the API; `machine` to `restart_at_ms` controllers/node; `ready*` controllers/node_health.
    """

    spec: str = "{}"
    status: str = "{}"
    provider: str = "simulated"
    cpu_millis: int = CPU_MILLIS_DEFAULT
    memory_bytes: int = MEMORY_BYTES_DEFAULT
    pods_max: int = PODS_MAX_DEFAULT
    unschedulable: bool = False
    taints: str = "[]"
    """The taints a person set; those that follow from health are derived (`effective_taints`)."""
    restarts_wanted: int = 0
    machine: str = "Absent"
    boot_id: str | None = None
    restarts: int = 0
    restarts_done: int = 0
    restart_attempts: int = 0
    restart_at_ms: int | None = None
    ready: str = "Unknown"
    ready_reason: str = NEVER_HEARD
    ready_since_ms: int = 0


_MACHINES: dict[str, Machine] = {word: word for word in get_args(Machine)}
_READINESS: dict[str, Readiness] = {word: word for word in get_args(Readiness)}
_PROVIDERS: dict[str, Provider] = {word: word for word in get_args(Provider)}


def machine(word: str) -> Machine:
    """The state that a row names; KeyError for a word that none of our programs writes."""
    return _MACHINES[word]


def readiness(word: str) -> Readiness:
    """Like `machine`, for the column `ready`."""
    return _READINESS[word]


def provider(word: str) -> Provider:
    """Like `machine`, for the column `provider`."""
    return _PROVIDERS[word]


def path(node: Node) -> str:
    """The way by which the node's agent reports: simulated ones by the simulator, all others by the API."""
    return path_of(node.provider)


def path_of(provider: str) -> str:
    """Like `path`, where only the provider is known."""
    return "simulator" if provider == "simulated" else "api"


_TAINTS = msgspec.json.Decoder(list[Taint])


def effective_taints(node: Node) -> list[Taint]:
    """The user's taints and those that follow from health and cordon.

    Source: `TaintNodeByCondition` and the node lifecycle controller of Kubernetes. They are derived, never stored, so
    a node's health has one place.
    """
    found = _TAINTS.decode(node.taints) if node.taints != "[]" else []
    if node.unschedulable:
        found.append(Taint(key=taints.UNSCHEDULABLE, effect="NoSchedule"))
    if node.ready == "True":
        return found
    if node.ready_reason == NEVER_HEARD:
        return [*found, Taint(key=taints.NOT_READY, effect="NoSchedule")]
    key = taints.UNREACHABLE if node.ready == "Unknown" else taints.NOT_READY
    return [
        *found,
        Taint(key=key, effect="NoSchedule"),
        Taint(key=key, effect="NoExecute", time_added_ms=node.ready_since_ms),
    ]


def status(node: Node) -> Status:
    """The one word for a node; the view `v_nodes` says the same in SQL."""
    if node.deleting_ms is not None:
        return "Terminating"
    if node.machine == "Failed":
        return "Failed"
    if node.machine == "Restarting":
        return "Restarting"
    if node.ready == "Unknown" and node.ready_reason == NEVER_HEARD:
        return "Pending"
    return "Ready" if node.ready == "True" else "NotReady"


def described(info: dict[str, str], addresses: list[dict[str, str]]) -> str:
    """The section `status` of a node whose agent said what its machine is."""
    return json_text.text({"nodeInfo": info, "addresses": addresses})
