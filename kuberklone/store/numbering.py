"""Names for records that were not given one: `node-1`, `node-2`, …, `pod-1`, …"""

import re
from collections.abc import Iterator, Set

from sqlalchemy import Table, select

from kuberklone.store.rows import BulkStatement
from kuberklone.store.transaction import Transaction


class Numbering:
    """Hands out the next number for one prefix, under the writers' lock.

    It remembers the last number instead of searching each time; a name that somebody took meanwhile is found by the
    same check that finds every taken name, and numbers are never handed out twice by one process.
    """

    def __init__(self, table: Table, prefix: str, *, namespace: str | None = None) -> None:
        self._table = table
        self._prefix = prefix
        self._namespace = namespace
        self._last: int | None = None
        # The whole key, and all of it from the rows: otherwise each look would read all names there are.
        key: tuple[str, ...] = ("name",) if namespace is None else ("namespace", "name")
        matches = " AND ".join(f"t.{column} = r.{column}" for column in key)
        self._taken = BulkStatement(
            f"SELECT 1 FROM {{rows}} AS r JOIN {table.name} AS t ON {matches} LIMIT 1",
            {column: "text" for column in key},
        )

    def names(self, transaction: Transaction, count: int, *, but: Set[str] = frozenset()) -> list[str]:
        """`count` names that no record has, and none of those that others are about to be given."""
        if self._last is None:
            self._last = self._highest(transaction)
        while True:
            first = self._last + 1
            self._last += count
            names = [f"{self._prefix}-{number}" for number in range(first, first + count)]
            if not but.isdisjoint(names):
                continue
            scope = () if self._namespace is None else (self._namespace,)
            if self._taken.execute(transaction.connection, ((*scope, name) for name in names)).first() is None:
                return names
            self._last = self._highest(transaction)

    def _highest(self, transaction: Transaction) -> int:
        return max(self._numbers(transaction), default=0)

    def _numbers(self, transaction: Transaction) -> Iterator[int]:
        column = self._table.c.name
        pattern = re.compile(rf"{re.escape(self._prefix)}-(\d{{1,15}})")
        statement = select(column).where(column.like(f"{self._prefix}-%"))
        if self._namespace is not None:
            statement = statement.where(self._table.c.namespace == self._namespace)
        for name in transaction.connection.execute(statement).scalars():
            match = pattern.fullmatch(name)
            if match is not None:
                yield int(match[1])
