"""Deployments and ReplicaSets as the loop keeps them in memory, and which Deployments have to be looked at."""

from collections import defaultdict
from collections.abc import Iterable

from controllers._loop.mirror import Changed, Mirror
from controllers.deployment import reading
from controllers.deployment.facts import DeploymentFacts, SetFacts
from kuberklone.kinds.objects.apps import deployment, replica_set
from kuberklone.store.database import Snapshot
from kuberklone.store.feed import Reader
from kuberklone.store.records import table_of


class Index:
    def __init__(self) -> None:
        self._feed = Reader((deployment.KIND.resource, replica_set.KIND.resource))
        self.deployments = Mirror(table_of(deployment.KIND), reading.deployment_facts)
        self.sets = Mirror(table_of(replica_set.KIND), reading.set_facts)
        self._in_namespace: dict[str, set[str]] = defaultdict(set)
        """Uids of Deployments."""
        self._names: dict[str, dict[str, str]] = defaultdict(dict)
        """By namespace: the uid of the set of each name."""
        self._owned: dict[str, set[str]] = defaultdict(set)
        self._orphans: dict[str, set[str]] = defaultdict(set)
        """By namespace: uids of sets that nothing controls."""
        self.dirty: set[str] = set()

    def read(self, connection: Snapshot) -> list[str]:
        """Bring everything up to date; messages about records that cannot be read."""
        errors: list[str] = []
        changes = self._feed.read(connection)
        for found in self.deployments.follow_or_load(connection, changes, errors):
            self._put_deployment(found)
        for each in self.sets.follow_or_load(connection, changes, errors):
            self._put_set(each)
        return errors

    def _put_deployment(self, changed: Changed[DeploymentFacts]) -> None:
        uid, before, after = changed
        if before is not None:
            self._in_namespace[before.namespace].discard(uid)
        if after is None:
            self.dirty.discard(uid)
            return
        self._in_namespace[after.namespace].add(uid)
        self.dirty.add(uid)

    def _put_set(self, changed: Changed[SetFacts]) -> None:
        uid, before, after = changed
        if before is not None:
            self._names[before.namespace].pop(before.name, None)
            self._place_of(before).discard(uid)
        if after is not None:
            self._names[after.namespace][after.name] = uid
            self._place_of(after).add(uid)
        for each in (before, after):
            if each is not None:
                self.dirty.update(self._concerned(each))

    def _place_of(self, each: SetFacts) -> set[str]:
        return self._orphans[each.namespace] if each.controller_uid is None else self._owned[each.controller_uid]

    def _concerned(self, each: SetFacts) -> Iterable[str]:
        if each.controller_uid is not None:
            return [each.controller_uid] if each.controller_uid in self.deployments.facts else []
        near = self._in_namespace[each.namespace]
        return [uid for uid in near if self.deployments.facts[uid].selector.matches(each.labels)]

    def dirty_deployments(self) -> list[DeploymentFacts]:
        """In the order of their uids, which is about that of their creation."""
        return [self.deployments.facts[uid] for uid in sorted(self.dirty & self.deployments.facts.keys())]

    def sets_for(self, found: DeploymentFacts) -> list[SetFacts]:
        """Those it controls, and those that it may take."""
        return [self.sets.facts[uid] for uid in sorted(self._owned[found.uid] | self._orphans[found.namespace])]

    def names_in(self, namespace: str) -> Iterable[str]:
        return self._names[namespace].keys()
