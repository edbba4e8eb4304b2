"""Kubernetes quantities: CPU as integer millicores, memory as integer bytes."""

import re
from decimal import ROUND_CEILING, Decimal
from functools import lru_cache

from kuberklone.errors import InvalidField

# resource.Quantity of k8s.io/apimachinery: decimal SI, binary SI and decimal exponents.
_SCALES = {
    "n": Decimal("1e-9"), "u": Decimal("1e-6"), "m": Decimal("1e-3"), "": Decimal(1), "k": Decimal(10**3),
    "M": Decimal(10**6), "G": Decimal(10**9), "T": Decimal(10**12), "P": Decimal(10**15), "E": Decimal(10**18),
    "Ki": Decimal(2**10), "Mi": Decimal(2**20), "Gi": Decimal(2**30), "Ti": Decimal(2**40), "Pi": Decimal(2**50),
    "Ei": Decimal(2**60),
}  # fmt: skip
_QUANTITY = re.compile(r"([+-]?(?:\d{1,30}(?:\.\d{0,30})?|\.\d{1,30}))(?:[eE]([+-]?\d{1,3})|([numkMGTPE]|[KMGTPE]i)?)")

# The largest amount of anything: the database keeps 64-bit integers, and a sum over a cluster must still fit.
CPU_MILLIS_MAX = 10**9  # a million cores
MEMORY_BYTES_MAX = 2**53  # 8 PiB, the largest integer that every JSON reader keeps exactly
# Amounts are round and few; texts that are none, which may be long, are not remembered.
_REMEMBERED = 1024


@lru_cache(maxsize=_REMEMBERED)
def amount(text: str) -> Decimal:
    """The number a quantity stands for: `amount("1.5Gi") == 1610612736`.

    Raises ValueError when the text is not a quantity.
    """
    match = _QUANTITY.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not a quantity such as 500m, 2, 1.5, 512Mi or 8Gi")
    digits, exponent, suffix = match.groups()
    if exponent is not None:
        return Decimal(digits).scaleb(int(exponent))
    return Decimal(digits) * _SCALES[suffix or ""]


def cpu_millis(value: str | int | float, *, field: str) -> int:
    """Millicores of a CPU quantity, rounded up as Kubernetes does; `0.5`, `"500m"` and `"0.5"` are the same.

    Raises InvalidField when it is no quantity, not above zero, or more than a million cores.
    """
    return _scaled(value, 1000, CPU_MILLIS_MAX, field, "CPU cores above 0 and up to 1000000, such as 2, 0.5 or 500m")


def memory_bytes(value: str | int | float, *, field: str) -> int:
    """Bytes of a memory quantity; raises InvalidField like `cpu_millis`."""
    return _scaled(value, 1, MEMORY_BYTES_MAX, field, "bytes above 0 and up to 8Pi, such as 512Mi, 8Gi or 1073741824")


def _scaled(value: str | int | float, factor: int, largest: int, field: str, wanted: str) -> int:
    if isinstance(value, bool):
        raise InvalidField(field, f"send {wanted}; got {str(value).lower()}")
    try:
        number = amount(value if isinstance(value, str) else repr(value)) * factor
    except ValueError as error:
        raise InvalidField(field, f"send {wanted}; got {value!r:.60}") from error
    if not 0 < number <= largest:
        raise InvalidField(field, f"send {wanted}; got {value!r:.60}")
    return int(number.to_integral_value(rounding=ROUND_CEILING))
