"""GET /api, /apis and below: which groups, versions and resources there are, in the form that a client understands."""

from functools import lru_cache
from typing import Any

import msgspec

from kuberklone.api.kubernetes import answers, lasting, statuses
from kuberklone.api.kubernetes.answers import JSON, Answer
from kuberklone.api.kubernetes.cluster import Cluster
from kuberklone.api.kubernetes.request import Request
from kuberklone.kinds import discovery
from kuberklone.kinds.catalogue import Catalogue

_encode = msgspec.json.Encoder().encode
_GROUP = "apidiscovery.k8s.io"
_LIST = "APIGroupDiscoveryList"
_VERSIONS = ("v2", "v2beta1")
_DOCUMENTS_MAX = 16


async def show_core(cluster: Cluster, request: Request) -> Answer:
    """GET /api."""
    return _shown(cluster, request, core=True)


async def show_groups(cluster: Cluster, request: Request) -> Answer:
    """GET /apis."""
    return _shown(cluster, request, core=False)


async def show_below(cluster: Cluster, request: Request) -> Answer:
    """GET of a group (/apis/apps) or a group version (/api/v1, /apis/apps/v1); raises a 404."""
    match request.scope["path"].strip("/").split("/"):
        case ["api", version]:
            found = discovery.api_resource_list(cluster.catalogue, version)
        case ["apis", group]:
            found = discovery.api_group(cluster.catalogue, group)
        case ["apis", group, version]:
            found = discovery.api_resource_list(cluster.catalogue, f"{group}/{version}")
        case _:
            found = None
    if found is None:
        raise statuses.no_such_path()
    _wanted(request.header(b"accept"))
    return lasting.answer(request, _encode(found))


def _shown(cluster: Cluster, request: Request, *, core: bool) -> Answer:
    version = _wanted(request.header(b"accept"))
    body = _document(cluster.catalogue, core, version)
    content_type = JSON if version is None else f"{JSON};g={_GROUP};v={version};as={_LIST}"
    return lasting.answer(request, body, content_type=content_type)


def _wanted(accept: str) -> str | None:
    """The version of the aggregated document that the client likes best, None for the plain one; raises a 406."""
    for media_type, parameters in answers.media_ranges(accept) or [("*/*", {})]:
        if media_type not in (JSON, "application/*", "*/*"):
            continue
        if "as" not in parameters:
            return None
        if parameters["as"] == _LIST and parameters.get("g") == _GROUP and parameters.get("v") in _VERSIONS:
            return parameters["v"]
    raise statuses.not_acceptable()


@lru_cache(maxsize=_DOCUMENTS_MAX)
def _document(catalogue: Catalogue, core: bool, version: str | None) -> bytes:
    found: Any
    if version is not None:
        found = discovery.aggregated(catalogue, core=core, version=version)
    elif core:
        found = discovery.api_versions()
    else:
        found = discovery.api_group_list(catalogue)
    return _encode(found)
