"""The network of a cluster's Docker nodes: one bridge, on whose gateway address the API listens for their agents."""

from ipaddress import ip_interface
from threading import Lock
from typing import Any, cast

from kuberklone.engine import labels
from kuberklone.engine.connection import Engine
from kuberklone.errors import ContainerMissing, EngineError, NameTaken, WrongState

# Room for every node a machine can hold, and small enough not to meet the networks of others.
_PREFIX_LENGTH = 24
# Several nodes may boot at once, and the engine's own look for a network of the same name is no lock: it makes two.
_one_at_a_time = Lock()


def ensure(engine: Engine, *, cluster: str, gateway: str = "") -> str:
    """The gateway's address of the cluster's network, which is made if it is missing.

    With `gateway`, one that has to be made gets that address again: the API listens there.
    """
    with _one_at_a_time:
        found = _found(engine, cluster)
        if found is None:
            _make(engine, cluster, gateway)
            found = _found(engine, cluster)
    for pool in ((found or {}).get("IPAM") or {}).get("Config") or []:
        if pool.get("Gateway"):
            return cast(str, pool["Gateway"])
    raise EngineError(f"the network {labels.network(cluster)} has no gateway; remove it, and it is made anew.")


def remove(engine: Engine, *, cluster: str) -> None:
    """Nothing may be connected to it any longer; raises WrongState otherwise."""
    for network in _listed(engine, cluster):
        try:
            with engine.asked("remove the network of the nodes"):
                engine.api.remove_network(network["Id"])
        except ContainerMissing:
            pass  # somebody else was faster


def _make(engine: Engine, cluster: str, gateway: str) -> None:
    name = labels.network(cluster)
    ipam: dict[str, Any] | None = None
    if gateway:
        subnet = ip_interface(f"{gateway}/{_PREFIX_LENGTH}").network
        ipam = {"Driver": "default", "Config": [{"Subnet": str(subnet), "Gateway": gateway}]}
    try:
        with engine.asked(f"create the network {name}"):
            # The engine allows two networks of one name unless it is asked not to.
            engine.api.create_network(
                name, driver="bridge", ipam=ipam, labels=labels.of_network(cluster), check_duplicate=True
            )
    except (NameTaken, WrongState):
        pass  # another of our processes was faster


def _found(engine: Engine, cluster: str) -> dict[str, Any] | None:
    with engine.asked("look for the network of the nodes"):
        listed = _listed(engine, cluster)
        # The list leaves out what only an inspection tells.
        return cast(dict[str, Any], engine.api.inspect_network(listed[0]["Id"])) if listed else None


def _listed(engine: Engine, cluster: str) -> list[dict[str, Any]]:
    with engine.asked("list the networks of nodes"):
        found = engine.api.networks(
            names=[labels.network(cluster)], filters={"label": labels.query(cluster, "network")}
        )
        return cast(list[dict[str, Any]], found)
