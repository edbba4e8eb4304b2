"""What provides machines: the seam between the node controller and whatever makes nodes exist."""

from collections.abc import Sequence
from typing import Protocol

from controllers.node.decide import Machine
from kuberklone.kinds.node import Node


class Provider(Protocol):
    """Every method may be called again for the same thing, and does then what is left to be done."""

    def machines(self, nodes: Sequence[Node]) -> list[Machine]:
        """What exists. `nodes` are the records that the pass looks at."""
        ...

    def boot(self, name: str, uid: str, boot_id: str) -> None:
        """Make the node's machine run this boot, whatever it runs now."""
        ...

    def remove(self, name: str, uid: str) -> None:
        """Make the machine not exist."""
        ...


class Simulated:
    """A simulated machine is its row: writing the boot is booting, and the simulator takes it up from there."""

    def machines(self, nodes: Sequence[Node]) -> list[Machine]:
        return [
            Machine(name=node.name, uid=node.uid, boot_id=node.boot_id)
            for node in nodes
            if node.provider == "simulated" and node.boot_id is not None
        ]

    def boot(self, name: str, uid: str, boot_id: str) -> None:
        """Nothing is left to be done once the row is written."""

    def remove(self, name: str, uid: str) -> None:
        """Nothing is left to be done once the row is written."""
