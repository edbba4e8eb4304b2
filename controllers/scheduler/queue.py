"""The pods that wait for a node, kept in memory and brought up to date from the feed.

A pod that fitted nowhere is set aside until something happens that could make room for it: thousands of hopeless pods
cost nothing while nothing changes, and nobody behind them waits for them.
"""

from collections.abc import Iterable, Mapping, Sequence

from controllers.scheduler.plan import PendingPod, Unplaced
from kuberklone.kinds import pod as pod_kind
from kuberklone.kinds.pod import Pod, SchedulingInputs

# A person who looks wants to see that the pod is still being tried; more often would only cost writes.
_TELL_AGAIN_MS = 5_000


class Queue:
    def __init__(self) -> None:
        self.pods: dict[str, Pod] = {}
        self._pending: dict[str, PendingPod] = {}
        self._hopeless: set[str] = set()
        self._inputs: dict[str, SchedulingInputs] = {}
        self._told: dict[str, tuple[Mapping[str, int], int]] = {}

    def put(self, pods: Iterable[Pod]) -> list[str]:
        """Add pods that are ours to place, or replace those of the same uid; messages about those not understood."""
        errors = []
        for pod in pods:
            if pod.shape not in self._inputs:
                try:
                    self._inputs[pod.shape] = pod_kind.scheduling_inputs(pod)
                except ValueError as error:
                    errors.append(f"pod {pod.namespace}/{pod.name} has a spec that cannot be read: {error}")
                    continue
            if self._inputs[pod.shape].scheduler != pod_kind.SCHEDULER:
                continue  # somebody else's
            self.pods[pod.uid] = pod
            self._hopeless.discard(pod.uid)
            self._pending[pod.uid] = PendingPod(
                uid=pod.uid,
                namespace=pod.namespace,
                name=pod.name,
                revision=pod.revision,
                shape=pod.shape,
                priority=pod.priority,
                created_ms=pod.created_ms,
            )
        return errors

    def drop(self, uids: Iterable[str]) -> None:
        """Forget pods that wait no longer; unknown ones too."""
        for uid in uids:
            self.pods.pop(uid, None)
            self._pending.pop(uid, None)
            self._hopeless.discard(uid)
            self._told.pop(uid, None)

    def set_aside(self, left_over: Sequence[Unplaced], *, now_ms: int) -> list[Unplaced]:
        """These fit nowhere as things are; returns those whose reasons are worth writing down.

        That is where the reasons changed, or were written a while ago: on a full cluster every pod that ends makes all
        the others be tried again, for the same reasons.
        """
        worth_telling = []
        for unplaced in left_over:
            uid = unplaced.pod.uid
            self._hopeless.add(uid)
            reasons, told_ms = self._told.get(uid, ({}, 0))
            if reasons != unplaced.reasons or now_ms - told_ms >= _TELL_AGAIN_MS:
                self._told[uid] = (unplaced.reasons, now_ms)
                worth_telling.append(unplaced)
        return worth_telling

    def give_hope(self) -> None:
        """Something changed that may have made room."""
        self._hopeless.clear()

    def due(self) -> list[PendingPod]:
        """Pods worth a try."""
        if not self._hopeless:
            return list(self._pending.values())
        return [pod for uid, pod in self._pending.items() if uid not in self._hopeless]

    def shapes(self) -> dict[str, SchedulingInputs]:
        """The inputs of every shape seen; shapes that nobody has any more go when there are many."""
        if len(self._inputs) > 2 * len(self._pending) + 1000:
            alive = {pod.shape for pod in self._pending.values()}
            self._inputs = {shape: inputs for shape, inputs in self._inputs.items() if shape in alive}
        return self._inputs
