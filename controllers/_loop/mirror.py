"""What a controller knows of all records of a kind, brought up to date from the feed instead of read anew each pass."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Generic, NamedTuple, TypeVar

from controllers._loop.readable import UNREADABLE
from kuberklone.kinds.header import Header
from kuberklone.store.among import among
from kuberklone.store.database import Snapshot
from kuberklone.store.feed import Change
from kuberklone.store.records import TableOf

R = TypeVar("R", bound=Header)
Facts = TypeVar("Facts")


class Changed(NamedTuple, Generic[Facts]):
    """One record before and after the changes just read; None: not there, or it could not be read."""

    uid: str
    before: Facts | None
    after: Facts | None


class Mirror(Generic[R, Facts]):
    """Facts by uid. `understand` makes them of a record and may raise what `_loop.readable` takes for unreadable."""

    def __init__(self, table: TableOf[R], understand: Callable[[R], Facts]) -> None:
        self._table = table
        self._understand = understand
        self.facts: dict[str, Facts] = {}

    def follow_or_load(
        self, connection: Snapshot, changes: Sequence[Change] | None, errors: list[str]
    ) -> list[Changed[Facts]]:
        """`changes` as a Reader gives them: None when everything has to be read anew."""
        return self.load(connection, errors) if changes is None else self.follow(connection, changes, errors)

    def load(self, connection: Snapshot, errors: list[str]) -> list[Changed[Facts]]:
        """Read all there are."""
        before, self.facts = self.facts, {}
        found = list(self._changed(self._table.read(connection), before, errors))
        there = {change.uid for change in found}
        return [*found, *(Changed(uid, facts, None) for uid, facts in before.items() if uid not in there)]

    def follow(self, connection: Snapshot, changes: Iterable[Change], errors: list[str]) -> list[Changed[Facts]]:
        """Read those that the changes name, in the snapshot from which the changes come."""
        uids = {change.uid for change in changes if change.resource == self._table.resource}
        if not uids:
            return []
        statement = self._table.select().where(among(self._table.table.c.uid, uids))
        found = list(self._changed(self._table.read(connection, statement), self.facts, errors))
        there = {change.uid for change in found}
        gone = [Changed(uid, self.facts.pop(uid, None), None) for uid in uids - there]
        return [*found, *gone]

    def _changed(self, records: Sequence[R], before: dict[str, Facts], errors: list[str]) -> Iterator[Changed[Facts]]:
        for record in records:
            known = before.get(record.uid)
            try:
                facts = self._understand(record)
            except UNREADABLE as error:
                place = f"{self._table.namespace_of(record)}/{record.name}".lstrip("/")
                errors.append(f"{self._table.resource} {place} cannot be read: {type(error).__name__} {error}")
                self.facts.pop(record.uid, None)
                yield Changed(record.uid, known, None)
                continue
            self.facts[record.uid] = facts
            yield Changed(record.uid, known, facts)
