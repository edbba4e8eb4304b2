"""What handlers work with: one per application, reached from any request."""

from dataclasses import dataclass
from typing import Any

from litestar import Request
from prometheus_client import CollectorRegistry

from kuberklone.api.writes import Writes
from kuberklone.settings import Settings
from kuberklone.store.database import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    settings: Settings
    store: Store
    writes: Writes
    registry: CollectorRegistry


def of(request: Request[Any, Any, Any]) -> Context:
    found: Context = request.app.state["context"]
    return found
