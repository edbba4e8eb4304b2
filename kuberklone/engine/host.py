"""What an engine says of the machine it runs on, and of the container in which an agent finds itself."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kuberklone.engine.connection import Engine

# Where the cgroupfs driver puts containers that name no parent.
_CGROUP_DEFAULT = "docker"


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    engine_version: str
    os_image: str
    kernel: str
    architecture: str
    nests_cgroups: bool
    """Whether a container's control group may hold those of others.

    Under systemd a parent has to be a slice, which a container is not; and in version 2 a group that holds processes
    may hold no other groups.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnContainer:
    id: str
    labels: Mapping[str, str]
    cgroup: str


def host(engine: Engine) -> Host:
    with engine.asked("describe its machine"):
        found: dict[str, Any] = engine.api.info()
    return Host(
        engine_version=str(found.get("ServerVersion", "")),
        os_image=str(found.get("OperatingSystem", "")),
        kernel=str(found.get("KernelVersion", "")),
        architecture=str(found.get("Architecture", "")),
        # Engines before 20.10 know version 1 alone and say nothing about it.
        nests_cgroups=found.get("CgroupDriver") == "cgroupfs" and str(found.get("CgroupVersion", "1")) == "1",
    )


def own_container(engine: Engine, name: str) -> OwnContainer:
    """The container that is the node; raises ContainerMissing."""
    with engine.asked(f"inspect the container {name}"):
        found: dict[str, Any] = engine.api.inspect_container(name)
    parent = (found["HostConfig"].get("CgroupParent") or _CGROUP_DEFAULT).strip("/")
    return OwnContainer(id=found["Id"], labels=found["Config"]["Labels"] or {}, cgroup=f"/{parent}/{found['Id']}")
