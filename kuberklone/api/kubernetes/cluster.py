"""What handlers of the Kubernetes API work with: one per application."""

from dataclasses import dataclass

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
    catalogue: Catalogue


def of(settings: Settings, store: Store, writes: Writes, catalogue: Catalogue) -> Cluster:
    classes = catalogue.of_change("scheduling.k8s.io", "priorityclasses")
    return Cluster(
        settings=settings,
        store=store,
        writes=writes,
        reads=Reads(store),
        priorities=PriorityClasses(store, classes),
        hub=Hub(store),
        catalogue=catalogue,
    )
