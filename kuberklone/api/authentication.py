"""Who asks, and what they may do.

On the plain listener, which only this machine reaches, nobody is asked. On the TLS listener everybody is, and agents
are on both: a token says for which node they speak.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from kuberklone.clock import SYSTEM, Clock
from kuberklone.errors import Forbidden, Unauthenticated
from kuberklone.kinds import reporting, token
from kuberklone.kinds.token import Purpose
from kuberklone.store import moment, tokens
from kuberklone.store.database import Store

# A token that was found valid is believed for this long, so that an agent's beat or a watch does not cost a question
# to the database each; so late may a revocation be.
_BELIEVED_S = 2.0
_REMEMBERED = 1_024

JOIN = f"{reporting.PREFIX}/join"
OPEN = frozenset({"/ca.crt"})
"""For everybody: what an agent needs before it can trust us."""

Headers = Iterable[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Somebody who was let in."""

    purpose: Purpose | Literal["local"]
    """`local`: whoever reaches the plain listener."""
    subject: str = ""
    """The uid of the node for which they speak, or the service account that they are."""


LOCAL = Identity(purpose="local")


class Authenticator:
    def __init__(self, store: Store, *, clock: Clock = SYSTEM) -> None:
        self._store = store
        self._clock = clock
        self._believed: dict[str, tuple[Identity, float]] = {}

    async def identify(self, path: str, headers: Headers, *, encrypted: bool) -> Identity:
        """Raises Unauthenticated or Forbidden."""
        if path in OPEN or not (encrypted or is_for_agents(path)):
            return LOCAL
        identity = await self.holder(_bearer(headers))
        _permit(identity, path)
        return identity

    async def holder(self, text: str) -> Identity:
        """Whose token this is; raises Unauthenticated."""
        given = token.parse(text)
        # By the hash, so that no secret waits in memory for a dump of it.
        key = token.secret_hash(f"{given.id}.{given.secret}")
        believed = self._believed.get(key)
        if believed is not None and self._clock.monotonic() < believed[1]:
            return believed[0]
        identity = await asyncio.to_thread(self._look_up, given)
        if len(self._believed) >= _REMEMBERED:
            self._believed.clear()
        self._believed[key] = (identity, self._clock.monotonic() + _BELIEVED_S)
        return identity

    def _look_up(self, given: token.TokenText) -> Identity:
        with moment.now(self._store) as at:
            found = tokens.find(at.connection, given.id)
            now_ms = at.now_ms
        # One answer for all of it: what is wrong with a token is nobody's business but its owner's.
        if found is None or not found.is_valid(given.secret, now_ms=now_ms):
            raise Unauthenticated("this token is not valid, or not any more; kuberklone token create makes another")
        return Identity(purpose=token.purpose(found.purpose), subject=found.subject)


def is_for_agents(path: str) -> bool:
    return path == reporting.PREFIX or path.startswith(f"{reporting.PREFIX}/")


def _permit(identity: Identity, path: str) -> None:
    match identity.purpose:
        case "admin":
            # Not for the agents' own paths: an administrator is no node, so there is nothing it could say there.
            allowed = path == JOIN or not is_for_agents(path)
        case "join":
            allowed = path == JOIN
        case "node":
            allowed = is_for_agents(path) and path != JOIN
        case _:
            allowed = False
    if not allowed:
        raise Forbidden(f"a token of purpose {identity.purpose} does not allow {path[:200]}")


def _bearer(headers: Headers) -> str:
    given = [value for name, value in headers if name == b"authorization"]
    scheme, _, text = given[0].decode("latin-1").partition(" ") if len(given) == 1 else ("", "", "")
    if scheme.lower() != "bearer":
        raise Unauthenticated(
            "send a token, as Authorization: Bearer kk.<id>.<secret>; kuberklone token create makes one"
        )
    return text
