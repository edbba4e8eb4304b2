"""What changed in a record from one revision to the next, said in paths and values."""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from kuberklone.clock import timestamp


class ChangeAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """One revision of a record."""

    at: str
    type: str
    writer: str
    changed: dict[str, Any]
    """Path in the document: its new value; null where it went."""
    revision: int


def between(rows: Sequence[Any], *, limit: int) -> list[ChangeAnswer]:
    """The newest `limit` changes; `rows` of `changes`, newest first, one more than that if there are as many."""
    # Bookkeeping that the document does not show (an attempt counted, a back-off) would be a line that says nothing.
    leaves = [dict(_leaves(msgspec.json.decode(row["object"]), "")) for row in rows]
    answers = (
        ChangeAnswer(
            at=timestamp(row["time_ms"]),
            type=row["type"],
            writer=row["writer"],
            changed=_difference(leaves[place + 1], leaves[place])
            if row["type"] == "MODIFIED" and place + 1 < len(rows)
            else {},
            revision=row["revision"],
        )
        for place, row in enumerate(rows[:limit])
    )
    return [answer for answer in answers if answer.changed or answer.type != "MODIFIED"]


def _difference(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    paths = [*after, *(path for path in before if path not in after)]
    return {path: after.get(path) for path in paths if before.get(path) != after.get(path)}


def _leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, member in value.items():
            yield from _leaves(member, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for place, member in enumerate(value):
            yield from _leaves(member, f"{path}[{place}]")
    else:
        yield path, value
