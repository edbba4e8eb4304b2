"""Amounts of pods as people write them: a number, or a share such as `25%`."""

import re

Amount = int | str

# At most nine digits that count: more would be no share of anything, and a text of a million digits is no number.
_PERCENT = re.compile(r"0{0,9}([0-9]{1,9})%")


def is_share(text: str) -> bool:
    """Whether it is a share such as `25%`."""
    return _PERCENT.fullmatch(text) is not None


def readable(amount: Amount) -> Amount:
    """The amount as it is; ValueError for a text that is no share. What has passed this, `of` can reckon with."""
    if isinstance(amount, str) and not is_share(amount):
        raise ValueError(f"{amount!r:.40} is neither a number nor a share such as 25%")
    return amount


def of(amount: Amount, total: int, *, round_up: bool) -> int:
    """So many of `total`; the amount is a readable one."""
    if isinstance(amount, int):
        return amount
    hundredths = int(amount.removesuffix("%")) * total
    return -(-hundredths // 100) if round_up else hundredths // 100
