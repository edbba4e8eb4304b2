"""Sets and pods as the loop keeps them in memory: who controls what, what nobody controls, what to look at.

Only sets about which something has changed are decided on: that one of thousands of sets has lost a pod costs one
decision, not thousands.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from controllers._loop.heard import HeardNodes
from controllers._loop.mirror import Changed, Mirror
from controllers.replicaset import reading
from controllers.replicaset.decide import SetFacts, View
from controllers.replicaset.facts import PodFacts
from kuberklone.kinds import node as node_kind
from kuberklone.kinds import pod as pod_kind
from kuberklone.kinds.kind import Kind
from kuberklone.kinds.pod import Pod
from kuberklone.kinds.stored_object import StoredObject
from kuberklone.store.database import Snapshot
from kuberklone.store.feed import Reader
from kuberklone.store.records import PODS, table_of

SetKind = tuple[Kind[StoredObject], Callable[[StoredObject], SetFacts]]
"""A kind of sets, and what makes facts of its records."""


class Index:
    def __init__(self, kinds: Sequence[SetKind]) -> None:
        self._feed = Reader((*(kind.resource for kind, _ in kinds), pod_kind.RESOURCE, node_kind.RESOURCE))
        self._kinds = {kind.resource: kind for kind, _ in kinds}
        self._sets = {kind.resource: Mirror(table_of(kind), understand) for kind, understand in kinds}
        self._pods: Mirror[Pod, PodFacts] = Mirror(PODS, reading.pod_facts)
        self._nodes = HeardNodes()
        self._controlled: dict[str, dict[str, PodFacts]] = defaultdict(dict)
        self._orphans: dict[str, dict[str, PodFacts]] = defaultdict(dict)
        self._placed: dict[str, dict[str, SetFacts]] = defaultdict(dict)
        self._siblings: dict[str, set[str]] = defaultdict(set)
        self._kind_of: dict[str, Kind[StoredObject]] = {}
        self.dirty: set[str] = set()
        """Uids of sets about which something has changed; whoever has decided on them takes them out."""

    # ---------------------------------------------------------------------------------------------------- following

    def read(self, connection: Snapshot) -> list[str]:
        """Bring everything up to date; messages about records that cannot be read."""
        errors: list[str] = []
        changes = self._feed.read(connection)
        turned = self._nodes.read(connection, changes, errors)
        if turned:
            self._look_at_pods_on(turned)
        for resource, mirror in self._sets.items():
            for each in mirror.follow_or_load(connection, changes, errors):
                self._put_set(each, self._kinds[resource])
        for pod in self._pods.follow_or_load(connection, changes, errors):
            self._put_pod(pod)
            if pod.after is not None and not pod.after.is_readable:
                errors.append(f"pod {pod.after.namespace}/{pod.after.name} cannot be read, so it is left as it is")
        return errors

    def _look_at_pods_on(self, names: set[str]) -> None:
        on_them = (pod for pod in self._pods.facts.values() if pod.node_name in names)
        self.dirty.update(pod.controller_uid for pod in on_them if pod.controller_uid in self._kind_of)

    def _put_set(self, changed: Changed[SetFacts], kind: Kind[StoredObject]) -> None:
        uid, before, after = changed
        if before is not None:
            del self._placed[before.namespace][uid]
            self._siblings[before.owner_uid or uid].discard(uid)
        if after is None:
            self._kind_of.pop(uid, None)
            self.dirty.discard(uid)
            return
        self._placed[after.namespace][uid] = after
        self._siblings[after.owner_uid or uid].add(uid)
        self._kind_of[uid] = kind
        self.dirty.add(uid)

    def _put_pod(self, changed: Changed[PodFacts]) -> None:
        uid, before, after = changed
        if before is not None:
            self._place_of(before).pop(uid, None)
        if after is not None:
            self._place_of(after)[uid] = after
        for pod in (before, after):
            if pod is not None and pod.controller_uid in self._kind_of:
                self.dirty.add(pod.controller_uid)
        if after is not None and after.controller_uid is None and after.is_active:
            for each in self._placed[after.namespace].values():
                if each.selector.matches(after.labels):
                    self.dirty.add(each.uid)

    def _place_of(self, pod: PodFacts) -> dict[str, PodFacts]:
        return self._orphans[pod.namespace] if pod.controller_uid is None else self._controlled[pod.controller_uid]

    # ----------------------------------------------------------------------------------------------------- deciding

    def dirty_sets(self) -> list[SetFacts]:
        """In the order of their uids, which is about that of their creation."""
        found = (mirror.facts.get(uid) for uid in sorted(self.dirty) for mirror in self._sets.values())
        return [each for each in found if each is not None]

    def all_uids(self) -> Iterable[str]:
        return self._kind_of.keys()

    def kind_of(self, uid: str) -> Kind[StoredObject]:
        return self._kind_of[uid]

    def facts_of(self, uid: str) -> SetFacts:
        return self._sets[self._kind_of[uid].resource].facts[uid]

    def pod(self, uid: str) -> PodFacts:
        return self._pods.facts[uid]

    def view(self, sets: Sequence[SetFacts]) -> View:
        """All pods that may matter to these sets, as ready as their nodes let them be."""
        families = {each.owner_uid or each.uid for each in sets}
        members = {uid for family in families for uid in self._siblings[family]}
        return View(
            controlled={uid: [self._as_heard(pod) for pod in self._controlled[uid].values()] for uid in members},
            orphans={each.namespace: self._orphans[each.namespace].values() for each in sets},
            siblings={family: sorted(self._siblings[family]) for family in families},
        )

    def _as_heard(self, pod: PodFacts) -> PodFacts:
        since_ms = self._nodes.ready_since_ms(pod.node_name, pod.ready_since_ms)
        return pod if since_ms == pod.ready_since_ms else replace(pod, ready_since_ms=since_ms)
