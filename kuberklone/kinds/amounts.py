"""Amounts of resources in documents: reading what clients write, and writing what people read."""

from collections.abc import Mapping
from decimal import ROUND_CEILING, Decimal
from typing import Any

from kuberklone.apimachinery.problem import Problem
from kuberklone.kinds import quantity, rules

FORMAT = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
# By resource: how many of the column's units one unit has, and the most that a column holds.
_SCALES = {"cpu": (1000, quantity.CPU_MILLIS_MAX), "memory": (1, quantity.MEMORY_BYTES_MAX)}
_BINARY = (("Gi", 2**30), ("Mi", 2**20), ("Ki", 2**10))


def problems(path: str, amounts: Mapping[str, Any] | None) -> list[Problem]:
    """Amounts that are no quantities, are negative, or are more than the database can add up."""
    found = []
    for resource, value in (amounts or {}).items():
        try:
            number = quantity.amount(str(value))
        except ValueError:
            found.append(rules.invalid(f"{path}.{resource}", str(value), FORMAT))
            continue
        factor, largest = _SCALES.get(resource, (1, quantity.MEMORY_BYTES_MAX))
        if number < 0:
            found.append(rules.invalid(f"{path}.{resource}", str(value), "must be greater than or equal to 0"))
        elif number * factor > largest:
            most = f"must be less than or equal to {largest // factor}"
            found.append(rules.invalid(f"{path}.{resource}", str(value), most))
    return found


def exact(amounts: Mapping[str, Any] | None, resource: str) -> Decimal:
    """The amount of a resource, 0 where nothing is said; the text is known to be a quantity."""
    value = (amounts or {}).get(resource)
    return Decimal(0) if value is None else quantity.amount(str(value))


def units(amount: Decimal, resource: str) -> int:
    """Millicores of CPU, bytes of memory, pieces of everything else; rounded up, as Kubernetes does."""
    factor, _ = _SCALES.get(resource, (1, 0))
    return int((amount * factor).to_integral_value(rounding=ROUND_CEILING))


def cpu_text(millis: int) -> str:
    """Cores where they are whole ones: `4`, else `500m`."""
    return f"{millis}m" if millis % 1000 else str(millis // 1000)


def memory_text(size: int) -> str:
    """In the largest unit of which it is a whole number: `8Gi`, `512Mi`, `1000`."""
    for unit, factor in _BINARY:
        if size and size % factor == 0:
            return f"{size // factor}{unit}"
    return str(size)
