"""A Deployment, its sets and their pods, moved by both loops' decisions in whatever order the test wants."""

from dataclasses import dataclass, field, replace
from itertools import count

from controllers.deployment import decide as deployment_decide
from controllers.deployment.facts import DeploymentFacts
from controllers.deployment.facts import SetFacts as OwnedSet
from controllers.deployment.revisions import HASH_LABEL
from controllers.replicaset import decide as set_decide
from controllers.replicaset.decide import SetFacts, Status, View
from controllers.replicaset.facts import PodFacts
from kuberklone.apimachinery.selectors import label_selector

LABELS = {"app": "web"}
SECOND_MS = 1_000


@dataclass(slots=True)
class Rollouts:
    """The records as they would be kept; every method is something that happens."""

    deployment: DeploymentFacts
    sets: dict[str, OwnedSet] = field(default_factory=dict)
    pods: dict[str, PodFacts] = field(default_factory=dict)
    now_ms: int = 1_000_000
    told: list[deployment_decide.Scaling] = field(default_factory=list)
    _numbers: "count[int]" = field(default_factory=count)

    # ---------------------------------------------------------------------------------------------- what the loops do

    def deployment_pass(self) -> bool:
        """Whether it changed anything."""
        plan = deployment_decide.decide(self.deployment, list(self.sets.values()), now_ms=self.now_ms)
        before = (self.deployment, dict(self.sets))
        for uid in plan.adopted:
            self.sets[uid] = replace(self.sets[uid], controller_uid=self.deployment.uid)
        for uid in plan.released:
            self.sets[uid] = replace(self.sets[uid], controller_uid=None)
        for change in plan.changes:
            self._change(change)
        for uid in plan.forgotten:
            del self.sets[uid]
        if plan.new is not None:
            self._make(plan.new)
        self.told += plan.told
        self.deployment = replace(self.deployment, status=plan.status)
        return before != (self.deployment, self.sets)

    def _change(self, change: deployment_decide.SetChange) -> None:
        old = self.sets[change.uid]
        new = replace(
            old,
            replicas=old.replicas if change.replicas is None else change.replicas,
            annotations=old.annotations if change.annotations is None else change.annotations,
            min_ready_s=old.min_ready_s if change.min_ready_s is None else change.min_ready_s,
        )
        changed = (old.replicas, old.min_ready_s) != (new.replicas, new.min_ready_s)
        self.sets[change.uid] = replace(new, generation=old.generation + changed)

    def _make(self, new: deployment_decide.NewSet) -> None:
        uid = f"set-{next(self._numbers)}"
        self.sets[uid] = OwnedSet(
            uid=uid,
            name=new.name,
            labels={**LABELS, HASH_LABEL: new.template_hash},
            controller_uid=self.deployment.uid,
            template=self.deployment.template,
            annotations=new.annotations,
            replicas=new.replicas,
            min_ready_s=self.deployment.min_ready_s,
            created_ms=self.now_ms,
        )

    def set_pass(self, uid: str) -> bool:
        """One pass of the sets' loop over one of them."""
        each = self.sets[uid]
        own = [pod for pod in self.pods.values() if pod.controller_uid == uid]
        facts = SetFacts(
            uid=uid,
            namespace="default",
            name=each.name,
            replicas=each.replicas,
            selector=label_selector({"matchLabels": each.labels}),
            template_labels=each.labels,
            min_ready_ms=1000 * each.min_ready_s,
            generation=each.generation,
            status=Status(
                replicas=each.current,
                fully_labeled=each.current,
                ready=each.ready,
                available=each.available,
                terminating=each.terminating,
                observed_generation=each.observed_generation,
            ),
        )
        plan = set_decide.decide([facts], view=View(controlled={uid: own}, orphans={}, siblings={}), now_ms=self.now_ms)
        for deletion in plan.deletions:
            for pod_uid in deletion.pod_uids:
                self.pods[pod_uid] = replace(self.pods[pod_uid], deleting=True)
        for creation in plan.creations:
            for _ in range(creation.count):
                self._add_pod(each)
        for status in plan.statuses.values():
            self.sets[uid] = replace(
                each,
                current=status.replicas,
                ready=status.ready,
                available=status.available,
                terminating=status.terminating,
                observed_generation=status.observed_generation,
            )
        return bool(plan.deletions or plan.creations or plan.statuses)

    def _add_pod(self, each: OwnedSet) -> None:
        uid = f"pod-{next(self._numbers)}"
        self.pods[uid] = PodFacts(
            uid=uid, name=uid, labels=each.labels, controller_uid=each.uid, node_name="node", created_ms=self.now_ms
        )

    # --------------------------------------------------------------------------------------- what nodes and people do

    def start(self, uid: str) -> None:
        self.pods[uid] = replace(self.pods[uid], phase="Running", ready_since_ms=self.now_ms)

    def end(self, uid: str) -> None:
        """The node's agent has stopped a pod that was deleted."""
        del self.pods[uid]

    def want(self, **changes: object) -> None:
        """A person changes the Deployment's spec."""
        self.deployment = replace(self.deployment, **changes, generation=self.deployment.generation + 1)  # type: ignore[arg-type]

    def pass_s(self, seconds: int) -> None:
        self.now_ms += seconds * SECOND_MS

    # -------------------------------------------------------------------------------------------------------- what is

    def active(self) -> list[PodFacts]:
        return [pod for pod in self.pods.values() if pod.is_active]

    def available(self) -> int:
        return sum(pod.ready_since_ms is not None for pod in self.active())

    def waiting(self) -> list[str]:
        """Pods that could start."""
        return [pod.uid for pod in self.active() if pod.ready_since_ms is None]

    def ending(self) -> list[str]:
        return [pod.uid for pod in self.pods.values() if pod.deleting]

    def of_template(self, template: str) -> int:
        """How many active pods there are of it."""
        fitting = {each.uid for each in self.sets.values() if each.template == template}
        return sum(pod.controller_uid in fitting for pod in self.active())

    def settle(self) -> None:
        """Everything that may happen happens, until nothing does."""
        for _ in range(1_000):
            moved = self.deployment_pass()
            for uid in list(self.sets):
                moved = self.set_pass(uid) or moved
            for uid in self.waiting():
                self.start(uid)
                moved = True
            for uid in self.ending():
                self.end(uid)
                moved = True
            if not moved:
                return
        raise AssertionError("the rollout never ends")
