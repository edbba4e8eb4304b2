"""The one generator of everything that is drawn by chance: uids, name suffixes, jitter and tie-breaks.

A seeded `Chance` repeats itself, which is what tests and, later, replays need; an unseeded one draws from the
operating system, so two processes never share a uid.
"""

import os
import random
import threading
from itertools import count

from kuberklone import clock
from kuberklone.clock import Clock

# Kubernetes' alphabet for generated names: no vowels and no look-alikes, so no suffix spells a word (utilrand).
_SUFFIX_LETTERS = "bcdfghjklmnpqrstvwxz2456789"
_LETTER_BITS = 5
# The operating system is asked for so many bytes at once. Each question lets another thread have its turn, and in a
# busy process it took 270 µs to get it back: more than all the rest of checking a pod.
_ASKED_BYTES = 2_048


class _SystemRandom(random.SystemRandom):
    """The operating system's randomness, asked for in advance by each thread.

    What a fork copies is not used: the children of `kuberklone up` would draw the same uids.
    """

    def __init__(self) -> None:
        super().__init__()
        self._asked = threading.local()

    def random(self) -> float:
        return self.getrandbits(53) * 2.0**-53

    def getrandbits(self, k: int) -> int:
        count = (k + 7) // 8
        return int.from_bytes(self._bytes(count)) >> (count * 8 - k)

    def _bytes(self, count: int) -> bytes:
        asked = self._asked.__dict__
        place = asked.get("place", _ASKED_BYTES)
        if place + count > _ASKED_BYTES or asked["process"] != os.getpid():
            asked["bytes"], asked["process"], place = os.urandom(max(_ASKED_BYTES, count)), os.getpid(), 0
        asked["place"] = place + count
        drawn: bytes = asked["bytes"][place : place + count]
        return drawn


class Chance:
    def __init__(self, seed: int | None = None, *, clock: Clock = clock.SYSTEM) -> None:
        self._random = _SystemRandom() if seed is None else random.Random(seed)
        self._clock = clock
        # A seeded generator repeats itself, so it counts instead of reading a clock.
        self._ticks = None if seed is None else count()

    def uid(self) -> str:
        """A version 7 UUID (RFC 9562): 48 bits of time, then chance.

        Records made together have neighbouring uids, and so neighbouring places in every index by uid. With version 4
        each batch of placements dirtied hundreds of pages at random: 4 MB to sync where 1.5 MB do.
        """
        moment = self._clock.wall_ms() if self._ticks is None else next(self._ticks)
        drawn = self._random.getrandbits(74)
        head = f"{moment & 0xFFFFFFFFFFFF:012x}"
        tail = f"{2 << 62 | drawn & 0x3FFFFFFFFFFFFFFF:016x}"
        return f"{head[:8]}-{head[8:]}-7{drawn >> 62:03x}-{tail[:4]}-{tail[4:]}"

    def suffix(self, *, letters: int = 5) -> str:
        """What follows `generateName`; five letters, as in Kubernetes."""
        # One draw for all of them; with 32 bits more than are needed, no letter comes noticeably more often.
        drawn = self._random.getrandbits(letters * _LETTER_BITS + 32)
        chosen = ""
        for _ in range(letters):
            drawn, place = divmod(drawn, len(_SUFFIX_LETTERS))
            chosen += _SUFFIX_LETTERS[place]
        return chosen

    def secret(self) -> str:
        """256 bits as hexadecimal digits, for whoever is to prove that they were told."""
        return f"{self._random.getrandbits(256):064x}"

    def jitter(self, *, below: float) -> float:
        """A number from 0 up to, not including, `below`."""
        return self._random.random() * below

    def seed(self) -> int:
        """A fresh 63-bit seed for a generator of another library."""
        return self._random.getrandbits(63)
