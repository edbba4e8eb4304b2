"""By which marks things of the cluster are known in a Docker Engine, for commands that clear up after it."""

from dataclasses import dataclass

from sqlalchemy import make_url, select
from sqlalchemy.exc import DBAPIError

from kuberklone.errors import StoreError
from kuberklone.store import identity, schema
from kuberklone.store.database import Store, database_file


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    cluster: str
    docker_nodes: frozenset[str]
    """Uids of the nodes that are, or are to be, containers."""


def read(store: Store) -> Marks:
    with store.snapshot() as connection:
        uids = connection.execute(select(schema.nodes.c.uid).where(schema.nodes.c.provider == "docker")).scalars()
        return Marks(cluster=identity.cluster_id(connection), docker_nodes=frozenset(uids))


def find(url: str) -> Marks | None:
    """None where there is no cluster, or none that this program can read: whoever wants to clear up goes on."""
    parsed = make_url(url)
    # Opening a store would create the file.
    if parsed.get_backend_name() == "sqlite" and not database_file(parsed).exists():
        return None
    store = Store(url)
    try:
        return read(store)
    except (StoreError, DBAPIError):
        return None
    finally:
        store.close()
