"""Names for records that were not given one: `node-1`, `node-2`, …, `pod-1`, …"""

import re
from collections.abc import Iterator

from sqlalchemy import Table, select

from kuberklone.store.transaction import Transaction


class Numbering:
    """Hands out the next number for one prefix, under the writers' lock.

    It remembers the last number instead of searching each time; a name that somebody took meanwhile is found by the
    same check that finds every taken name, and numbers are never handed out twice by one process.
    """

    def __init__(self, table: Table, prefix: str) -> None:
        self._table = table
        self._prefix = prefix
        self._last: int | None = None

    def names(self, transaction: Transaction, count: int) -> list[str]:
        """`count` names that no record has."""
        if self._last is None:
            self._last = self._highest(transaction)
        while True:
            first = self._last + 1
            self._last += count
            names = [f"{self._prefix}-{number}" for number in range(first, first + count)]
            column = self._table.c.name
            taken = transaction.connection.execute(select(column).where(column.in_(names)).limit(1)).first()
            if taken is None:
                return names
            self._last = self._highest(transaction)

    def _highest(self, transaction: Transaction) -> int:
        return max(self._numbers(transaction), default=0)

    def _numbers(self, transaction: Transaction) -> Iterator[int]:
        column = self._table.c.name
        pattern = re.compile(rf"{re.escape(self._prefix)}-(\d{{1,15}})")
        for name in transaction.connection.execute(select(column).where(column.like(f"{self._prefix}-%"))).scalars():
            match = pattern.fullmatch(name)
            if match is not None:
                yield int(match[1])
