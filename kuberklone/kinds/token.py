"""The text of a token: `kk.<id>.<secret>`, and for people who join machines the fingerprint of our CA behind it.

The fingerprint lets an agent fetch the CA's certificate over a connection that it cannot trust yet, and know whether
that is the one whoever made the token meant.
"""

import hashlib
import hmac
import re
from dataclasses import dataclass
from typing import Literal, get_args

from kuberklone.errors import Unauthenticated

Purpose = Literal["join", "node", "admin"]
"""`join` makes a machine a node, `node` speaks for one node, `admin` may do anything."""

PREFIX = "kk"
_TEXT = re.compile(r"kk\.([0-9a-z]{1,40})\.([0-9a-f]{64})(?:\.([0-9a-f]{64}))?")
_PURPOSES: dict[str, Purpose] = {word: word for word in get_args(Purpose)}


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenText:
    """What a token says."""

    id: str
    secret: str
    ca_fingerprint: str | None = None

    def __str__(self) -> str:
        parts = (PREFIX, self.id, self.secret, *([self.ca_fingerprint] if self.ca_fingerprint else []))
        return ".".join(parts)

    def __repr__(self) -> str:
        # A repr ends up in logs and in messages of failed tests.
        return f"TokenText(id={self.id!r}, secret=…)"


def parse(text: str) -> TokenText:
    """Raises Unauthenticated for what cannot be a token."""
    match = _TEXT.fullmatch(text.strip())
    if match is None:
        raise Unauthenticated("that is no token: one looks like kk.<id>.<secret>; kuberklone token create makes them")
    return TokenText(id=match[1], secret=match[2], ca_fingerprint=match[3])


def secret_hash(secret: str) -> str:
    """What is kept of a secret. No salt and no slow hash: it is 256 bits of chance, which nobody can try out."""
    return hashlib.sha256(secret.encode()).hexdigest()


def is_same(one_hash: str, other_hash: str) -> bool:
    """Takes the same time wherever the two differ."""
    return hmac.compare_digest(one_hash, other_hash)


def purpose(word: str) -> Purpose:
    """The purpose that a row names; KeyError for a word that none of our programs writes."""
    return _PURPOSES[word]
