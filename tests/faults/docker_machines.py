"""A node controller of real processes with a real engine, whose nodes are containers that say nothing.

Nobody else runs, so every state that the controller is to meet is written into the rows by the test.
"""

from collections.abc import Callable
from dataclasses import dataclass

from kuberklone.engine import labels
from kuberklone.engine.connection import Engine
from kuberklone.kinds.node import Node
from kuberklone.kinds.pod import Pod
from kuberklone.store import heartbeats, identity, nodes, pods, schema
from kuberklone.store.operations import CreateNodes, DeleteNode, RestartNode
from kuberklone.store.transaction import write
from tests import engine as engines
from tests.faults.cluster import Cluster
from tests.store import made
from tests.waiting import until

NODE = "node-1"
# Work at an engine that is busy with other tests as well.
_WITHIN_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class DockerMachines:
    cluster: Cluster
    engine: Engine
    image: str

    @property
    def id(self) -> str:
        with self.cluster.store.snapshot() as connection:
            return identity.cluster_id(connection)

    @property
    def node(self) -> Node:
        with self.cluster.store.snapshot() as connection:
            return nodes.named(connection, [NODE])[0]

    # ------------------------------------------------------------------------------------------------ what happens

    def add_a_node(self) -> None:
        self.cluster.apply(
            CreateNodes(
                nodes=(Node(uid=made.uid(), name=NODE, provider="docker", cpu_millis=4_000, memory_bytes=64 * 2**20),)
            )
        )

    def add_a_running_node(self) -> None:
        self.add_a_node()
        self.cluster.start("node")
        self.wait_until_it_runs()
        self.cluster.kill("node")

    def add_a_node_with_a_pod(self) -> None:
        self.add_a_running_node()
        pod = made.bound_pod(self.cluster.store, self.node, made.pod(), phase="Running")
        self.start_container_of(pod)

    def restart(self) -> None:
        self.cluster.apply(RestartNode(name=NODE))

    def delete(self) -> None:
        self.cluster.apply(DeleteNode(name=NODE))

    def lose_the_node(self) -> None:
        """Kill its container, let it be judged dead and its pod sent away."""
        with self.engine.asked("kill the node"):
            self.engine.api.kill(labels.node_container(self.id, NODE))
        self.silence()
        with write(self.cluster.store, reserve=1) as transaction:
            for pod in pods.on_nodes(transaction.connection, [NODE]):
                made.marked(transaction, pod, "NodeUnreachable")

    def silence(self) -> None:
        """It was heard, and is not any more; long enough ago that no grant holds, and not due for a restart."""
        node = self.node
        with write(self.cluster.store) as transaction:
            heartbeats.beat_path(transaction.connection, "api", now_ms=transaction.now_ms)
            heartbeats.register(
                transaction.connection,
                [(node.uid, node.boot_id or "")],
                path="api",
                now_ms=transaction.now_ms,
                granted_until_ms=transaction.now_ms,
            )
        made.change_node(
            self.cluster.store, node, ready="Unknown", ready_reason="NodeStatusUnknown", restart_at_ms=10**15
        )

    def start_container_of(self, pod: Pod) -> None:
        node = self.node
        marks = labels.of_pod_container(
            labels.of_node(self.id, uid=node.uid, name=node.name, boot_id=node.boot_id or ""),
            pod_uid=pod.uid,
            namespace=pod.namespace,
            pod=pod.name,
            container="main",
            attempt=0,
        )
        name = labels.pod_container(self.id, pod.uid, "main", 0)
        with self.engine.asked("start a pod's container"):
            machine = self.engine.api.inspect_container(labels.node_container(self.id, NODE))["Id"]
            host = self.engine.api.create_host_config(
                network_mode=f"container:{machine}", cgroup_parent=f"/docker/{machine}"
            )
            made_ = self.engine.api.create_container(self.image, name=name, labels=marks, host_config=host)
            self.engine.api.start(made_["Id"])

    # ------------------------------------------------------------------------------------------------ what must be

    def containers(self) -> list[dict]:
        return engines.containers(self.engine, self.id)

    def is_as_wanted(self) -> bool:
        """The row's boot runs in the one container there is, and its agent holds the one token there is."""
        node = self.node
        found = self.containers()
        if node.boot_id is None or node.machine == "Absent" or len(found) != 1:
            return False
        return found[0]["State"] == "running" and found[0]["Labels"][labels.BOOT_ID] == node.boot_id

    def wait_until_it_runs(self) -> None:
        self.wait(self.is_as_wanted, "the node runs the boot its row names, and nothing else is there")

    def wait(self, condition: Callable[[], object], what: str) -> None:
        until(condition, within_s=_WITHIN_S, what=what)

    def pods(self) -> list[Pod]:
        with self.cluster.store.snapshot() as connection:
            return list(pods.unbound(connection)) + pods.on_nodes(connection, [NODE])

    def holds_the_valid_token(self) -> bool:
        (found,) = self.containers()
        with self.engine.asked("inspect the node"):
            environment = self.engine.api.inspect_container(found["Id"])["Config"]["Env"]
        ids = {line.split(".")[1] for line in environment if line.startswith("KUBERKLONE_AGENT_TOKEN=kk.")}
        return ids == {row["id"] for row in made.rows(self.cluster.store, schema.tokens)}
