"""Leaves out single records that cannot be understood, so that a pass goes on for all the others.

Somebody with a SQL prompt, an interrupted restore or a bug of ours may leave a row that makes no sense. It is told in
the outcome's errors, which are counted and shown in `leaderships`, and nothing is decided about it.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from kuberklone.errors import Invalid

Record = TypeVar("Record")
Facts = TypeVar("Facts")

# What decoders of columns raise: JSON that is none or of another shape, and words that are not known; and what readers
# of documents raise, such as selectors, when they are given one that no schema has seen.
UNREADABLE = (ValueError, LookupError, TypeError, AttributeError, Invalid)


def understood(
    records: Iterable[Record],
    understand: Callable[[Record], Facts],
    *,
    called: Callable[[Record], str],
    errors: list[str],
) -> Iterator[tuple[Record, Facts]]:
    """The records that can be understood, each with what it means; `errors` gets a line for each of the others."""
    for record in records:
        try:
            facts = understand(record)
        except UNREADABLE as error:
            errors.append(f"{called(record)} cannot be read: {type(error).__name__} {error}")
        else:
            yield record, facts
