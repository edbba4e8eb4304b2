"""What brings a process to a crash point: work that is prepared while it is down, or asked of it once it runs."""

import signal
from collections.abc import Callable

from kuberklone.kinds.pod_request import PodRequest, TolerationRequest, build
from kuberklone.store.operations import CreatePods, DeleteNode, DeletePod, HealNode, InjectFault, RestartNode
from tests.faults import workloads
from tests.faults.cluster import TOLERATION_S, Cluster
from tests.faults.lab import NobodyAnsweredError
from tests.faults.nursery import DEADLINE_S
from tests.faults.oracles import HOPELESS
from tests.waiting import until

Provoke = Callable[[Cluster], None]

NODES = ("first", "second", "third")
_IMPATIENT, _PATIENT = "impatient", "patient"
# Longer than any of these tests: such a pod has a countdown, and stays.
_PATIENCE_S = 300


def fill(cluster: Cluster) -> None:
    """Three nodes and, spread over them, pods that leave a dead node at once and pods that stay; one fits nowhere."""
    cluster.add_nodes(NODES)
    for number in range(6):
        _add_lasting(cluster, f"{_IMPATIENT}-{number}", patience_s=0)
        _add_lasting(cluster, f"{_PATIENT}-{number}", patience_s=_PATIENCE_S)
    _create(cluster, PodRequest(name=f"{HOPELESS}-0", cpus=1000))
    workloads.fill(cluster)


def nothing(cluster: Cluster) -> None:
    """It gets there by itself."""


def heal(cluster: Cluster) -> None:
    """Every node that a provocation broke, but one that is on its way out."""
    broken = "SELECT n.name FROM nodes n JOIN faults f ON f.node_uid = n.uid WHERE n.deleting_ms IS NULL"
    for (name,) in cluster.sql(broken):
        cluster.apply(HealNode(name=name))


# -------------------------------------------------------------------------------------- prepared while it is down


def add_pods(cluster: Cluster) -> None:
    """Some to be placed, started and finished; one that fits nowhere, and is said why."""
    for _ in range(3):
        _create(cluster, PodRequest(name=cluster.new_name("passing"), cpus=0.1, run_seconds=0.1))
    _create(cluster, PodRequest(name=cluster.new_name(HOPELESS), cpus=1000))


def everything(cluster: Cluster) -> None:
    """Something to write for every controller."""
    add_pods(cluster)
    delete_a_running_pod(cluster)
    restart_a_node(cluster)
    replace_a_node(cluster)
    workloads.everything(cluster)


def add_a_node(cluster: Cluster) -> None:
    cluster.add_nodes([cluster.new_name("node")])


def delete_an_empty_node(cluster: Cluster) -> None:
    name = cluster.new_name("node")
    cluster.add_nodes([name])
    cluster.apply(DeleteNode(name=name))


def replace_a_node(cluster: Cluster) -> None:
    """One with pods on it goes; another one comes first."""
    add_a_node(cluster)
    cluster.apply(DeleteNode(name=_a_node_with(cluster, _IMPATIENT)))


def restart_a_node(cluster: Cluster) -> None:
    cluster.apply(RestartNode(name=_a_node_with(cluster, _IMPATIENT)))


def freeze_a_node(cluster: Cluster) -> None:
    """Its pods are on their way elsewhere."""
    name = _freeze(cluster, _IMPATIENT)
    _wait_for(
        cluster,
        "SELECT 1 FROM pods WHERE node_name = :name AND deletion_cause = 'NodeUnreachable'",
        name=name,
        what="its pods are to leave",
    )


def freeze_a_node_with_patient_pods(cluster: Cluster) -> None:
    """It was judged dead."""
    name = _freeze(cluster, _PATIENT)
    _wait_for(cluster, "SELECT 1 FROM nodes WHERE name = :name AND ready = 'Unknown'", name=name, what="it looks dead")


def delete_a_running_pod(cluster: Cluster) -> None:
    running = "SELECT name FROM pods WHERE phase = 'Running' AND deleting_ms IS NULL AND name LIKE '%patient-%' LIMIT 1"
    (name,) = next(iter(cluster.sql(running)))
    kind = name.partition("-")[0]
    _add_lasting(cluster, cluster.new_name(kind), patience_s=0 if kind == _IMPATIENT else _PATIENCE_S)
    cluster.apply(DeletePod(namespace="default", name=name))


def orphan_a_pod(cluster: Cluster) -> None:
    """As a hand in the tables, or a restore, may leave it: bound to a node that does not exist."""
    cluster.damage(f"UPDATE pods SET node_name = 'nowhere', bound_ms = 1 WHERE name = '{HOPELESS}-0'")


def add_a_waiting_pod(cluster: Cluster) -> None:
    _create(cluster, PodRequest(name=f"{HOPELESS}-waiting", cpus=1000))


# ------------------------------------------------------------------------------------------ asked of it when it runs


def add_pod_by_api(cluster: Cluster) -> None:
    """Keeps what was asked for, and whether it was acknowledged."""
    cluster.wait_until_it_works()
    name = cluster.new_name("passing")
    cluster.asked.append(name)
    try:
        status, answer = cluster.lab.ask("POST", "/add_pod", {"name": name, "cpus": 0.1, "run_seconds": 0.1})
    except NobodyAnsweredError:
        return
    assert status == 201, answer
    cluster.acknowledged.add(name)


def delete_a_waiting_pod_by_api(cluster: Cluster) -> None:
    cluster.wait_until_it_works()
    try:
        cluster.lab.ask("DELETE", "/delete_pod", {"name": f"{HOPELESS}-waiting"})
    except NobodyAnsweredError:
        return


def end_in_good_order(cluster: Cluster) -> None:
    """SIGTERM to the one that has started last, once it leads."""
    process = cluster.latest
    until(lambda: cluster.leads(process), within_s=DEADLINE_S, what=f"{process} leads")
    process.send(signal.SIGTERM)


# ---------------------------------------------------------------------------------------------------------- details


def _create(cluster: Cluster, request: PodRequest) -> None:
    cluster.apply(CreatePods(pods=build(request, toleration_s=TOLERATION_S)))


def _add_lasting(cluster: Cluster, name: str, *, patience_s: int) -> None:
    tolerations = [
        TolerationRequest(
            key=f"node.kubernetes.io/{what}", operator="Exists", effect="NoExecute", toleration_seconds=patience_s
        )
        for what in ("unreachable", "not-ready")
    ]
    _create(cluster, PodRequest(name=name, cpus=0.25, tolerations=tolerations))


def _a_node_with(cluster: Cluster, kind: str) -> str:
    found = cluster.sql(
        "SELECT p.node_name FROM pods p JOIN nodes n ON n.name = p.node_name WHERE p.name LIKE :kind "
        "AND p.phase = 'Running' AND n.deleting_ms IS NULL ORDER BY n.name",
        kind=f"{kind}-%",
    )
    return str(found[0][0])


def _freeze(cluster: Cluster, kind: str) -> str:
    name = _a_node_with(cluster, kind)
    cluster.apply(InjectFault(name=name, kind="freeze", restart=False))
    return name


def _wait_for(cluster: Cluster, question: str, *, what: str, name: str) -> None:
    until(lambda: bool(cluster.sql(question, name=name)), within_s=DEADLINE_S, what=what)
