"""Containers that are nodes, in one engine: listed, made, started and ended, each call once and safe to repeat.

Whoever is no container of this cluster is never seen by these calls, and never touched.
"""

import stat
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

from kuberklone.engine import cgroups, labels
from kuberklone.engine.connection import Engine
from kuberklone.errors import ContainerMissing, NameTaken, WrongState

# A hundredth of a core and what the engine itself accepts: below it refuses to make the container.
_CPU_QUOTA_US_MIN = 1_000
_MEMORY_BYTES_MIN = 6 * 2**20
_CPU_PERIOD_US = 100_000
# Docker's own limit for the host name in a container is the kernel's.
_HOSTNAME_LENGTH_MAX = 63
# An agent says little; a disk is not to be filled by one that fails in a loop.
_LOG = {"Type": "json-file", "Config": {"max-size": "5m", "max-file": "2"}}
_SOCKET_INSIDE = "/var/run/docker.sock"

State = Literal["Made", "Running", "Frozen", "Dead"]
_STATES: dict[str, State] = {"created": "Made", "running": "Running", "restarting": "Running", "paused": "Frozen"}


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeContainer:
    """A container that is a node, as the engine lists it."""

    id: str
    name: str
    """The node's name."""
    uid: str
    boot_id: str
    state: State


@dataclass(frozen=True, slots=True, kw_only=True)
class PodContainer:
    """A container of a pod, as far as it matters to the machine it is on."""

    id: str
    pod_uid: str
    node_uid: str
    node_name: str
    boot_id: str
    ended: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Everything a node's container is made of."""

    name: str
    uid: str
    boot_id: str
    image: str
    command: Sequence[str]
    cpu_millis: int
    memory_bytes: int
    environment: Mapping[str, str]
    hosts: Mapping[str, str]
    """Addresses of names that no server of names knows."""


class Machines:
    """The nodes of one cluster in one engine, and the containers of their pods."""

    def __init__(self, engine: Engine, *, cluster: str) -> None:
        self._engine = engine
        self._api = engine.api
        self._cluster = cluster

    def nodes(self) -> list[NodeContainer]:
        """Every container that is a node, whatever its state."""
        return [
            NodeContainer(
                id=each["Id"],
                name=each["Labels"][labels.NODE_NAME],
                uid=each["Labels"][labels.NODE_UID],
                boot_id=each["Labels"][labels.BOOT_ID],
                state=_STATES.get(each["State"], "Dead"),
            )
            for each in self._listed(labels.query(self._cluster, "node"))
        ]

    def pods(self, node_uid: str | None = None) -> list[PodContainer]:
        """Every container of a pod, of one node or of all."""
        of_node = {} if node_uid is None else {"node_uid": node_uid}
        return [
            PodContainer(
                id=each["Id"],
                pod_uid=each["Labels"][labels.POD_UID],
                node_uid=each["Labels"][labels.NODE_UID],
                node_name=each["Labels"][labels.NODE_NAME],
                boot_id=each["Labels"][labels.BOOT_ID],
                ended=each["State"] in ("exited", "dead", "created"),
            )
            for each in self._listed(labels.query(self._cluster, "pod", **of_node))
        ]

    def _listed(self, wanted: list[str]) -> list[dict[str, Any]]:
        def ask() -> list[dict[str, Any]]:
            with self._engine.asked("list the containers of nodes"):
                return cast(list[dict[str, Any]], self._api.containers(all=True, filters={"label": wanted}))

        try:
            return ask()
        except ContainerMissing:
            # One that is removed while the engine puts the list together makes it answer 404; asked again, it is gone.
            return ask()

    def found(self, node: str) -> NodeContainer | None:
        """The container of this node's name; raises NameTaken when somebody else's has that name."""
        name = labels.node_container(self._cluster, node)
        try:
            with self._engine.asked(f"inspect the container {name}"):
                found: dict[str, Any] = self._api.inspect_container(name)
        except ContainerMissing:
            return None
        carried: dict[str, str] = found["Config"]["Labels"] or {}
        if carried.get(labels.CLUSTER) != self._cluster or carried.get(labels.ROLE) != "node":
            raise NameTaken(f"the name {name} is taken by a container that is not this cluster's; remove or rename it.")
        return NodeContainer(
            id=found["Id"],
            name=carried[labels.NODE_NAME],
            uid=carried[labels.NODE_UID],
            boot_id=carried[labels.BOOT_ID],
            state=_STATES.get(found["State"]["Status"], "Dead"),
        )

    def make(self, wanted: Wanted) -> str:
        """Make the container and return its id; raises NameTaken when one of that name exists, ImageMissing, …"""
        name = labels.node_container(self._cluster, wanted.name)
        with self._engine.asked(f"create the container {name}"):
            made = self._api.create_container_from_config(self._config(wanted), name)
        return cast(str, made["Id"])

    def start(self, container_id: str) -> None:
        """One that runs already is left as it is."""
        with self._engine.asked("start the container of a node"):
            self._api.start(container_id)

    def kill(self, container_id: str) -> None:
        """End it at once, also if it is frozen: no process of it runs any longer when this returns."""
        try:
            with self._engine.asked("kill the container of a node"):
                self._api.kill(container_id)
        except (ContainerMissing, WrongState):
            pass  # it has ended already

    def remove_node(self, container_id: str) -> None:
        """Leave nothing of it, even if it runs; of its pods nothing may be left before."""
        self._remove(container_id, "remove the container of a node")
        cgroups.sweep(f"/docker/{container_id}")

    def remove_pod(self, container_id: str) -> None:
        """Leave nothing of it, even if it runs."""
        try:
            with self._engine.asked("inspect the container of a pod"):
                found: dict[str, Any] = self._api.inspect_container(container_id)
        except ContainerMissing:
            return
        self._remove(container_id, "remove the container of a pod")
        # The group above it is that of its node, which stays behind when the node was removed first.
        cgroups.sweep(found["HostConfig"].get("CgroupParent") or "")

    def _remove(self, container_id: str, what: str) -> None:
        try:
            with self._engine.asked(what):
                self._api.remove_container(container_id, force=True, v=True)
        except (ContainerMissing, WrongState):
            pass  # gone, or another call is removing it: the next list says which

    def _config(self, wanted: Wanted) -> dict[str, Any]:
        socket = self._engine.socket.removeprefix("unix://")
        is_local = self._engine.socket.startswith("unix://")
        host: dict[str, Any] = {
            "NetworkMode": labels.network(self._cluster),
            # Not NanoCpus, which refuses more cores than the machine has: a cluster may promise more than there is.
            "CpuPeriod": _CPU_PERIOD_US,
            "CpuQuota": max(_CPU_QUOTA_US_MIN, wanted.cpu_millis * _CPU_PERIOD_US // 1000),
            # Equal, so that the limit cannot be passed by swapping.
            "Memory": max(_MEMORY_BYTES_MIN, wanted.memory_bytes),
            "MemorySwap": max(_MEMORY_BYTES_MIN, wanted.memory_bytes),
            "CapDrop": ["ALL"],
            "SecurityOpt": ["no-new-privileges:true"],
            "ExtraHosts": [f"{name}:{address}" for name, address in wanted.hosts.items()],
            "LogConfig": _LOG,
            "RestartPolicy": {"Name": "no"},
        }
        if is_local:
            host["Binds"] = [f"{socket}:{_SOCKET_INSIDE}"]
            host["GroupAdd"] = _groups_of(Path(socket))
        inside = f"unix://{_SOCKET_INSIDE}" if is_local else self._engine.socket
        environment = {"KUBERKLONE_AGENT_DOCKER_SOCKET": inside, **wanted.environment}
        return {
            "Image": wanted.image,
            "Entrypoint": list(wanted.command),
            "Hostname": wanted.name[:_HOSTNAME_LENGTH_MAX].rstrip(".-"),
            "Labels": labels.of_node(self._cluster, uid=wanted.uid, name=wanted.name, boot_id=wanted.boot_id),
            "Env": [f"{name}={value}" for name, value in environment.items()],
            "HostConfig": host,
        }


def _groups_of(socket: Path) -> list[str]:
    """The groups through which a process that is nobody in particular may open the engine's socket."""
    # Elsewhere than on Linux the engine runs in a machine of its own, where the socket is root's.
    if not sys.platform.startswith("linux"):
        return ["0"]
    status = socket.stat()
    return [str(status.st_gid)] if stat.S_ISSOCK(status.st_mode) else []
