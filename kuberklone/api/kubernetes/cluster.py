"""What handlers of the Kubernetes API work with: one per application."""

from dataclasses import dataclass

from kuberklone.api.agents.streams import Streams
from kuberklone.api.authentication import Authenticator
from kuberklone.api.context import Context
from kuberklone.api.kubernetes.hub import Hub
from kuberklone.api.kubernetes.priorities import PriorityClasses
from kuberklone.api.kubernetes.reads import Reads
from kuberklone.api.writes import Writes
from kuberklone.kinds.catalogue import Catalogue
from kuberklone.settings import Settings
from kuberklone.store.database import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    settings: Settings
    store: Store
    writes: Writes
    reads: Reads
    priorities: PriorityClasses
    hub: Hub
    streams: Streams
    """To the containers of nodes that are real."""
    authenticator: Authenticator
    catalogue: Catalogue


def of(context: Context, authenticator: Authenticator, catalogue: Catalogue) -> Cluster:
    store = context.store
    return Cluster(
        settings=context.settings,
        store=store,
        writes=context.writes,
        reads=Reads(store),
        priorities=PriorityClasses(store),
        hub=Hub(store),
        streams=context.streams,
        authenticator=authenticator,
        catalogue=catalogue,
    )
