"""What handlers answer, and the form in which a client wants it: objects, tables or metadata alone."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

from litestar.types import Send

from kuberklone.api.kubernetes import statuses
from kuberklone.api.kubernetes.cluster import Cluster
from kuberklone.api.kubernetes.request import Request
from kuberklone.api.kubernetes.sending import Patience

JSON = "application/json"
# Accept headers come from a few programs; a stranger who varies them must not grow the memory.
_REMEMBERED = 256

FormName = Literal["object", "Table", "PartialObjectMetadata"]


@dataclass(frozen=True, slots=True)
class Form:
    """The shape of a document: as it is, as a table, or its metadata only."""

    name: FormName
    version: str = ""
    """Of meta.k8s.io, for the last two."""
    is_yaml: bool = False

    @property
    def content_type(self) -> str:
        return "application/yaml" if self.is_yaml else JSON


OBJECT = Form("object")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A whole answer."""

    body: bytes
    code: int = 200
    content_type: str = JSON
    headers: tuple[tuple[bytes, bytes], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """An answer that is sent piece by piece. The iterator is closed when the client leaves, so it can clean up."""

    chunks: AsyncIterator[bytes]
    code: int = 200
    content_type: str = JSON
    headers: tuple[tuple[bytes, bytes], ...] = ()
    may_be_compressed: bool = False
    """False where a client waits for each piece, as in a watch."""
    patience: Patience = field(default_factory=Patience)


Handler = Callable[[Cluster, Request], Awaitable[Answer | Stream]]
SocketHandler = Callable[[Cluster, Request, Send], Awaitable[None]]
"""Accepts a WebSocket and serves it to its end; what it raises before that is answered instead."""


@lru_cache(maxsize=_REMEMBERED)
def form(accept: str, *, shapes: bool = True) -> Form:
    """The first form that the client accepts and that is served; raises a 406.

    Ranges are taken by their quality and then in their order, parameters in any order: `as=Table;v=v1;g=meta.k8s.io`.
    Without `shapes` there are only whole objects, since what is asked for is no record.
    """
    if not accept.strip():
        return OBJECT
    for media_type, parameters in media_ranges(accept):
        found = _served(media_type, parameters)
        if found is not None and (shapes or found.name == "object"):
            return found
    raise statuses.not_acceptable()


def media_ranges(accept: str) -> list[tuple[str, dict[str, str]]]:
    """What a client accepts, best first: media types and their parameters, in small letters but for values."""
    ranges = [_range(part) for part in accept.split(",") if part.strip()]
    wanted = sorted((each for each in ranges if each[0] > 0), key=lambda each: -each[0])
    return [(media_type, parameters) for _, media_type, parameters in wanted]


def _range(text: str) -> tuple[float, str, dict[str, str]]:
    media_type, *rest = text.split(";")
    parameters = {}
    for part in rest:
        name, _, value = part.partition("=")
        parameters[name.strip().lower()] = value.strip().strip('"')
    try:
        quality = float(parameters.get("q", "1"))
    except ValueError:
        quality = 0.0
    return quality, media_type.strip().lower(), parameters


def _served(media_type: str, parameters: dict[str, str]) -> Form | None:
    if media_type in ("application/yaml", "text/yaml", "application/x-yaml") and "as" not in parameters:
        return Form("object", is_yaml=True)
    if media_type not in (JSON, "application/*", "*/*"):
        return None
    wanted = parameters.get("as")
    if wanted is None:
        return OBJECT
    if parameters.get("g", "meta.k8s.io") != "meta.k8s.io" or parameters.get("v") not in ("v1", "v1beta1"):
        return None
    if wanted == "Table":
        return Form("Table", parameters["v"])
    if wanted in ("PartialObjectMetadata", "PartialObjectMetadataList"):
        return Form("PartialObjectMetadata", parameters["v"])
    return None
