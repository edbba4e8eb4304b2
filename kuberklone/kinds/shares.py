"""Amounts of pods as people write them: a number, or a share such as `25%`."""

import re

Amount = int | str

_PERCENT = re.compile(r"(\d{1,9})%")  # nine digits: more would be no share of anything


def of(amount: Amount, total: int, *, round_up: bool) -> int:
    """So many of `total`; ValueError for a text that is no share."""
    if isinstance(amount, int):
        return amount
    found = _PERCENT.fullmatch(amount)
    if found is None:
        raise ValueError(f"{amount!r:.40} is neither a number nor a share such as 25%")
    hundredths = int(found.group(1)) * total
    return -(-hundredths // 100) if round_up else hundredths // 100
