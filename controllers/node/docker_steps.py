"""What it takes to boot, remove and stop a machine in a Docker Engine: sequences of calls that may end anywhere.

Each begins by looking at what is there and does what is left to be done, so whoever is killed between two calls, or
gets no answer to one that was done, repeats the whole. The order keeps a pod from running twice: first the agent goes,
then what it ran, then its container, and only then does the next boot come into being.
"""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

from kuberklone.engine.machines import Machines, NodeContainer, PodContainer, Wanted
from kuberklone.errors import NameTaken
from kuberklone.store import crashpoints

# As many containers end at the same time: the engine takes up to a second for one on a busy machine, and a node may
# have a hundred. With more threads it ends no more of them.
_ENDS_AT_ONCE = 4
# A name that is taken again each time we free it is fought over; the next pass tries anew.
_MAKE_TRIES = 3


class Steps:
    """The sequences, on one engine. `allowed` raises when this process may not have led for too long to act."""

    def __init__(self, machines: Machines, *, allowed: Callable[[], None]) -> None:
        self._machines = machines
        self._allowed = allowed

    def boot(self, name: str, uid: str, boot_id: str, wanted: Callable[[], Wanted]) -> None:
        """Make the machine run this boot, whatever it runs now. `wanted` voids what an earlier call of it gave."""
        self._allowed()
        found = self._machines.found(name)
        if found is not None and (found.uid, found.boot_id) == (uid, boot_id):
            if found.state == "Made":
                self._start(found.id)
            return
        self._clear(found, uid)
        order = wanted()
        crashpoints.reach("node.ordered")
        self._start(self._make(order))

    def remove(self, name: str, uid: str) -> None:
        """Leave nothing of the machine, nor of the pods on it."""
        self._allowed()
        found = self._machines.found(name)
        # The name may be another node's by now.
        self._clear(found if found is not None and found.uid == uid else None, uid)

    def stop(self, name: str, uid: str, pods: frozenset[str], *, end_machine: bool) -> None:
        """End the containers of these pods; of all of them where the machine is ended."""
        self._allowed()
        if end_machine:
            found = self._machines.found(name)
            if found is not None and found.uid == uid:
                self._end(found)
        self._remove_pods(pod for pod in self._machines.pods(uid) if end_machine or pod.pod_uid in pods)

    def _clear(self, found: NodeContainer | None, uid: str) -> None:
        if found is not None:
            self._end(found)
        for owner in {uid, found.uid if found is not None else uid}:
            self._remove_pods(self._machines.pods(owner))
        if found is not None:
            self._allowed()
            self._machines.remove_node(found.id)
            crashpoints.reach("node.machine_removed")

    def _end(self, found: NodeContainer) -> None:
        if found.state in ("Running", "Frozen"):
            self._allowed()
            self._machines.kill(found.id)
            crashpoints.reach("node.machine_ended")

    def _remove_pods(self, pods: Iterable[PodContainer]) -> None:
        doomed = list(pods)
        if not doomed:
            return
        with ThreadPoolExecutor(_ENDS_AT_ONCE, thread_name_prefix="end") as pool:
            for _ in pool.map(self._remove_pod, doomed):
                crashpoints.reach("node.pod_stopped")

    def _remove_pod(self, pod: PodContainer) -> None:
        self._allowed()
        self._machines.remove_pod(pod.id)

    def _make(self, order: Wanted) -> str:
        for attempt in range(1, _MAKE_TRIES + 1):
            self._allowed()
            try:
                made = self._machines.make(order)
            except NameTaken:
                # An earlier call whose answer was lost has made it after all, with a token that is void by now.
                found = self._machines.found(order.name)
                if attempt == _MAKE_TRIES:
                    raise
                if found is not None:
                    self._clear(found, order.uid)
            else:
                crashpoints.reach("node.machine_made")
                return made
        raise AssertionError("the last try returns or raises")

    def _start(self, container_id: str) -> None:
        self._allowed()
        self._machines.start(container_id)
        crashpoints.reach("node.machine_started")
