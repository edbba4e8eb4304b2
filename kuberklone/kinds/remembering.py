"""Remembers what follows from a section's text alone: pods of one workload have the same specification."""

from collections.abc import Callable
from functools import lru_cache
from typing import TypeVar

T = TypeVar("T")
# Specifications that are in use at one time, and how long they are: strangers who vary them must not fill the memory.
_TEXTS_MAX = 1024
_LENGTH_MAX = 16 * 2**10


def by_text(derive: Callable[[str], T]) -> Callable[[str], T]:
    """The function, asked once for each text while that is in use; what it answers must not be changed."""
    known = lru_cache(maxsize=_TEXTS_MAX)(derive)

    def derived(text: str) -> T:
        return known(text) if len(text) <= _LENGTH_MAX else derive(text)

    return derived
