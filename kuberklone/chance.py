"""The one generator of everything that is drawn by chance: uids, name suffixes, jitter and tie-breaks.

A seeded `Chance` repeats itself, which is what tests and, later, replays need; an unseeded one draws from the
operating system, so two processes never share a uid.
"""

import random

# Kubernetes' alphabet for generated names: no vowels and no look-alikes, so no suffix spells a word (utilrand).
_SUFFIX_LETTERS = "bcdfghjklmnpqrstvwxz2456789"


class Chance:
    def __init__(self, seed: int | None = None) -> None:
        # Unseeded, each draw asks the operating system (0.5 µs): a generator of our own would be copied by a fork, and
        # the children of `kuberklone up` would draw the same uids.
        self._random = random.SystemRandom() if seed is None else random.Random(seed)

    def uid(self) -> str:
        """A version 4 UUID in its usual form (RFC 9562)."""
        bits = self._random.getrandbits(128)
        bits = bits & ~(0xF << 76) | 4 << 76
        bits = bits & ~(0x3 << 62) | 2 << 62
        text = f"{bits:032x}"
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"

    def suffix(self, *, letters: int = 5) -> str:
        """What follows `generateName`; five letters, as in Kubernetes."""
        return "".join(self._random.choices(_SUFFIX_LETTERS, k=letters))

    def jitter(self, *, below: float) -> float:
        """A number from 0 up to, not including, `below`."""
        return self._random.random() * below

    def seed(self) -> int:
        """A fresh 63-bit seed for a generator of another library."""
        return self._random.getrandbits(63)
