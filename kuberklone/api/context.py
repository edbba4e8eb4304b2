"""What handlers work with: one per application, reached from any request."""

from dataclasses import dataclass
from typing import Any

from litestar import Request
from prometheus_client import CollectorRegistry

from kuberklone.api.agents.following import Follower
from kuberklone.api.agents.streams import Streams
from kuberklone.api.tls import Certificates
from kuberklone.api.writes import Writes
from kuberklone.settings import Settings
from kuberklone.store.database import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    settings: Settings
    store: Store
    writes: Writes
    registry: CollectorRegistry
    follower: Follower
    streams: Streams
    certificates: Certificates | None
    """None: there is no TLS listener."""

    @property
    def ca_fingerprint(self) -> str | None:
        """What a token says, so that its holder can tell our CA from another."""
        return None if self.certificates is None else self.certificates.fingerprint

    async def let_go(self) -> None:
        """Answer whoever waits for something that may come much later, so that the process can end."""
        self.streams.stop()
        await self.follower.stop()


def of(request: Request[Any, Any, Any]) -> Context:
    found: Context = request.app.state["context"]
    return found
