"""GET /openapi/v3 and /openapi/v2: what a document of each kind may hold, for kubectl and for people."""

import asyncio
from functools import lru_cache
from typing import Any

import msgspec

from kuberklone.api.kubernetes import answers, lasting, statuses
from kuberklone.api.kubernetes.answers import JSON, Answer
from kuberklone.api.kubernetes.cluster import Cluster
from kuberklone.api.kubernetes.request import Request
from kuberklone.kinds import openapi, openapi_v2
from kuberklone.kinds.catalogue import Catalogue
from kuberklone.kinds.release import KUBERNETES_VERSION

_V3 = "/openapi/v3"
# The address holds the hash of what it answers, so nobody has to ask again; kube-apiserver says a year, too.
_FOR_EVER = (
    (b"cache-control", b"public, max-age=31536000, immutable"),
    (b"expires", b"Thu, 31 Dec 2099 23:59:59 GMT"),
)
_ASK_AGAIN = ((b"cache-control", b"no-cache, private"),)
_encode = msgspec.json.Encoder().encode
_CATALOGUES_MAX = 4


async def show_index(cluster: Cluster, request: Request) -> Answer:
    """GET /openapi/v3: where the documents are."""
    _ensure_json(request)
    index = await asyncio.to_thread(openapi.index, cluster.catalogue)
    return lasting.answer(request, _encode(index), headers=_ASK_AGAIN)


async def show(cluster: Cluster, request: Request) -> Answer:
    """GET /openapi/v3/apis/apps/v1?hash=…: one of them."""
    _ensure_json(request)
    path = request.scope["path"].rstrip("/").removeprefix(f"{_V3}/")
    found = await asyncio.to_thread(openapi.document, cluster.catalogue, path)
    if found is None:
        raise statuses.no_such_path()
    wanted = request.query.text("hash")
    if wanted and wanted != found.hash:
        # Somebody kept an index from before an upgrade.
        there = f"{_V3}/{path}?hash={found.hash}".encode()
        return Answer(body=b"", code=301, headers=((b"location", there),))
    return lasting.answer(request, found.body, headers=_FOR_EVER if wanted else _ASK_AGAIN)


async def show_old(cluster: Cluster, request: Request) -> Answer:
    """GET /openapi/v2: the definitions, for clients that show them to people; for kubectl which kinds we check."""
    accepted = {media_type for media_type, _ in answers.media_ranges(request.header(b"accept"))}
    if openapi_v2.ASKED_FOR in accepted:
        body = await asyncio.to_thread(openapi_v2.document, cluster.catalogue)
        return Answer(body=body, content_type=openapi_v2.ANSWERED, headers=_ASK_AGAIN)
    _ensure_json(request)
    return lasting.answer(request, await asyncio.to_thread(_old, cluster.catalogue), headers=_ASK_AGAIN)


def _ensure_json(request: Request) -> None:
    ranges = answers.media_ranges(request.header(b"accept"))
    if ranges and not any(media_type in (JSON, "application/*", "*/*") for media_type, _ in ranges):
        raise statuses.not_acceptable()


@lru_cache(maxsize=_CATALOGUES_MAX)
def _old(catalogue: Catalogue) -> bytes:
    definitions: dict[str, Any] = {}
    for path in openapi.index(catalogue)["paths"]:
        document = openapi.document(catalogue, path)
        assert document is not None, "the index names it"
        definitions |= msgspec.json.decode(document.body)["components"]["schemas"]
    swagger = {
        "swagger": "2.0",
        "info": {"title": "Kubernetes", "version": KUBERNETES_VERSION},
        "paths": {},
        "definitions": definitions,
    }
    return _encode(swagger).replace(b'"#/components/schemas/', b'"#/definitions/')
