"""The event loop's side of the group commit: an operation goes in, a future comes back."""

import asyncio
from collections.abc import Sequence
from typing import Any, TypeVar

from kuberklone.errors import KuberkloneError
from kuberklone.kinds.node import Node
from kuberklone.kinds.pod import Pod
from kuberklone.store.database import Store
from kuberklone.store.object_operations import ObjectOperation
from kuberklone.store.operations import CreateNodes, CreatePods, Operation, Outcome
from kuberklone.store.pod_operations import PodOperation
from kuberklone.store.writer import GroupWriter

Ticket = asyncio.Future[Outcome]
Written = TypeVar("Written")


class Writes:
    """Hands operations to the writer's thread and wakes the requests of a commit by one call into the loop."""

    def __init__(self, store: Store) -> None:
        self._writer: GroupWriter[Ticket] = GroupWriter(store, self._deliver)
        self._loop: asyncio.AbstractEventLoop | None = None

    def start(self) -> None:
        """Called on the loop that the requests run on."""
        self._loop = asyncio.get_running_loop()
        self._writer.start()

    async def stop(self) -> None:
        """Write what is queued, then end."""
        await asyncio.to_thread(self._writer.stop)

    def waiting(self) -> int:
        """How many operations are queued."""
        return self._writer.waiting()

    def is_alive(self) -> bool:
        """Whether anybody writes what is queued."""
        return self._writer.is_alive()

    async def pods(self, operation: CreatePods) -> list[Pod]:
        written = await self.outcome(operation, list)
        return [record for record in written if isinstance(record, Pod)]

    async def nodes(self, operation: CreateNodes) -> list[Node]:
        written = await self.outcome(operation, list)
        return [record for record in written if isinstance(record, Node)]

    async def node(self, operation: Operation) -> Node:
        """For an operation on one node; the node as it was written."""
        record = (await self.outcome(operation, list))[0]
        assert isinstance(record, Node)
        return record

    async def pod(self, operation: Operation) -> Pod:
        """For an operation on one pod; the pod as it was written."""
        record = (await self.outcome(operation, list))[0]
        assert isinstance(record, Pod)
        return record

    async def object(self, operation: ObjectOperation | PodOperation) -> Any:
        """For an operation on one record of any kind; the record as it was written."""
        return (await self.outcome(operation, list))[0]

    async def outcome(self, operation: Operation, kind: type[Written]) -> Written:
        """What was written, a `kind` for this operation, once it is durable; raises the error that refused it."""
        assert self._loop is not None, "start() comes first"
        ticket: Ticket = self._loop.create_future()
        self._writer.submit(ticket, operation)
        outcome = await ticket
        if isinstance(outcome, KuberkloneError):
            # The same error may answer a whole batch: without this its traceback would grow with each of them.
            raise outcome.with_traceback(None)
        assert isinstance(outcome, kind)
        return outcome

    def _deliver(self, delivered: Sequence[tuple[Ticket, Outcome]]) -> None:
        assert self._loop is not None, "start() comes first"
        try:
            self._loop.call_soon_threadsafe(_resolve, delivered)
        except RuntimeError:
            # The loop was closed by an abrupt end; nobody waits any more, and what was written is durable.
            return


def _resolve(delivered: Sequence[tuple[Ticket, Outcome]]) -> None:
    for ticket, outcome in delivered:
        if not ticket.done():  # whoever asked may have hung up
            ticket.set_result(outcome)
