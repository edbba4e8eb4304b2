"""What a Docker node's container is made of: image and limits of its row, and how its agent reaches us."""

from collections.abc import Mapping

from kuberklone.api import tls
from kuberklone.engine import labels
from kuberklone.engine.machines import Wanted
from kuberklone.errors import Refused
from kuberklone.kinds import credentials
from kuberklone.kinds.node import Node
from kuberklone.settings import LOOPBACK, Settings
from kuberklone.store import identity, tokens
from kuberklone.store.database import Store
from kuberklone.store.transaction import Fence, write

# In the container's own layer, so that it ends with the container, and belongs to the image's user.
_STATE_DIRECTORY = "/var/lib/kuberklone/agent"
_EVERYWHERE = frozenset({"0.0.0.0", "::"})
# Docker's own word for the machine on which the engine's containers reach what listens on our loopback: on a Mac, where
# the engine runs in a machine of its own.
_HOST = "host-gateway"


def cluster(store: Store) -> str:
    """The id by which this cluster's containers are marked."""
    with store.snapshot() as connection:
        return identity.cluster_id(connection)


def gateway(settings: Settings) -> str:
    """The address that the network of the nodes has to have here, so that the API listens on it; empty: any."""
    return "" if settings.tls_host in _EVERYWHERE | LOOPBACK else settings.tls_host


def order(store: Store, settings: Settings, node: Node, fence: Fence, address: str) -> Wanted:
    """With a new token in it: whatever an earlier container of the node has is void. `address` is where we listen."""
    assert node.boot_id is not None, "a boot is written before it is asked for"
    fingerprint = _fingerprint(settings)
    with write(store, fence=fence) as transaction:
        token = tokens.create_for_node(transaction, node.uid)
        cluster_id = identity.cluster_id(transaction.connection)
    return Wanted(
        name=node.name,
        uid=node.uid,
        boot_id=node.boot_id,
        image=settings.node_image,
        command=("python", "-m", "kuberklone.agent"),
        cpu_millis=node.cpu_millis,
        memory_bytes=node.memory_bytes,
        environment=_environment(settings, node, cluster_id, f"{token}.{fingerprint}"),
        # Every certificate of ours has this name, whatever the network's address is.
        hosts={tls.NAME: _HOST if settings.tls_host in LOOPBACK else address},
    )


def _environment(settings: Settings, node: Node, cluster_id: str, token: str) -> Mapping[str, str]:
    assert node.boot_id is not None, "a boot is written before it is asked for"
    prefix = "KUBERKLONE_AGENT_"
    return {
        f"{prefix}SERVER": f"https://{tls.NAME}:{settings.tls_port}",
        f"{prefix}TOKEN": token,
        f"{prefix}CONTAINER": labels.node_container(cluster_id, node.name),
        f"{prefix}BOOT_ID": node.boot_id,
        f"{prefix}STATE_DIR": _STATE_DIRECTORY,
        f"{prefix}PAUSE_IMAGE": settings.pause_image,
        f"{prefix}LOG_LEVEL": settings.log_level,
        f"{prefix}LOG_FORMAT": settings.log_format,
    }


def _fingerprint(settings: Settings) -> str:
    if not settings.tls_host:
        raise Refused(
            "the API listens without TLS only, where no agent may come in; start it with kuberklone up "
            "--provider docker"
        )
    path = credentials.ca_certificate(settings.home)
    try:
        return tls.fingerprint_of(path.read_bytes())
    except FileNotFoundError:
        raise Refused(f"the API has not made its certificates yet ({path}); it does when it starts") from None
