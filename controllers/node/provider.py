"""What provides machines: the seam between the node controller and whatever makes nodes exist.

A simulated machine is its row: writing the boot is booting, and the simulator takes it up from there. So there is no
provider for it, only its list.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from controllers.node.facts import Machine
from kuberklone.kinds.node import Node
from kuberklone.store.transaction import Fence

State = Literal["Running", "Frozen", "Gone"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What a provider knows at one moment."""

    machines: Sequence[Machine]
    busy: frozenset[str]
    """Uids of nodes at which work was under way since: nothing is known of them, and nothing to be decided."""
    states: Mapping[str, State] = field(default_factory=dict)
    """By node uid."""
    running_pods: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Uids of the pods of which something runs, by node uid."""


class Provider(Protocol):
    """Its methods return at once: they ask for work, and the looks that follow show how far it got.

    Each may be called again for the same thing, and does then what is left to be done.
    """

    def look(self) -> Look | None:
        """What exists; None: it is not known now."""
        ...

    def confirm(self, fence: Fence, at: float, *, wanted: bool) -> None:
        """This process leads, as of that moment of process time. `wanted`: there are nodes of this provider."""
        ...

    def boot(self, node: Node) -> None:
        """Begin to make the node's machine run the boot that its row names."""
        ...

    def remove(self, name: str, uid: str) -> None:
        """Begin to make the machine not exist, nor anything that runs on it."""
        ...

    def stop_pods(self, name: str, uid: str, pods: frozenset[str], *, end_machine: bool) -> None:
        """Begin to end what runs of these pods on the machine, and the machine before, if that is asked for."""
        ...

    def is_working(self) -> bool:
        """Whether the next look will tell something new."""
        ...

    def trouble(self) -> list[str]:
        """What is wrong with the provider itself, for people."""
        ...

    def failures(self) -> list[tuple[str, str]]:
        """What went wrong since this was asked last: `(node uid, what)`."""
        ...

    def forget(self) -> None:
        """Do nothing more under an earlier leadership."""
        ...


def simulated_machines(nodes: Sequence[Node]) -> list[Machine]:
    """The machines of simulated nodes, which run the boot that the row names."""
    return [
        Machine(name=node.name, uid=node.uid, boot_id=node.boot_id)
        for node in nodes
        if node.provider == "simulated" and node.boot_id is not None
    ]
