"""Which function answers which request: one table, in which a new verb or subresource is one line."""

from collections.abc import Mapping

from kuberklone.api.kubernetes import (
    creating,
    deleting,
    discovering,
    lists,
    openapi_documents,
    patching,
    reading,
    replacing,
    reviews,
    statuses,
    usages,
    version,
    watch_sockets,
    watching,
)
from kuberklone.api.kubernetes.answers import Handler, SocketHandler
from kuberklone.api.kubernetes.paths import ResourcePath
from kuberklone.api.kubernetes.subresources import (
    absent,
    binding,
    eviction,
    executing,
    finalize,
    log,
    scale,
    status,
    token,
)
from kuberklone.kinds.catalogue import Served

Methods = Mapping[str, tuple[str, Handler]]
"""By HTTP method: the verb that a kind must have, and who answers."""

COLLECTION: Methods = {
    "GET": ("list", lists.show),
    "POST": ("create", creating.create),
    "DELETE": ("deletecollection", deleting.delete_collection),
}
OBJECT: Methods = {
    "GET": ("get", reading.show),
    "PUT": ("update", replacing.replace),
    "PATCH": ("patch", patching.patch),
    "DELETE": ("delete", deleting.delete),
}
# By subresource; `pods/log` goes before `log` where kinds differ.
SUBRESOURCES: dict[str, Methods] = {
    "status": {
        "GET": ("get", status.show),
        "PUT": ("update", status.replace),
        "PATCH": ("patch", status.patch),
    },
    "scale": {
        "GET": ("get", scale.show),
        "PUT": ("update", scale.replace),
        "PATCH": ("patch", scale.patch),
    },
    "pods/binding": {"POST": ("create", binding.bind)},
    "pods/log": {"GET": ("get", log.show)},
    "pods/exec": {"GET": ("get", executing.refuse), "POST": ("create", executing.refuse)},
    "pods/attach": {"GET": ("get", executing.refuse), "POST": ("create", executing.refuse)},
    "pods/eviction": {"POST": ("create", eviction.evict)},
    "serviceaccounts/token": {"POST": ("create", token.create)},
    "namespaces/finalize": {"PUT": ("update", finalize.replace)},
}
# Watching is a verb of its own under the method GET; None while nobody watches.
WATCH: Handler | None = watching.watch
# Resources that are no records, such as access reviews and metrics: by api version and resource.
SPECIAL: dict[tuple[str, str], dict[str, Handler]] = {
    ("v1", "bindings"): {"POST": binding.bind_named},
    **reviews.HANDLERS,
    **usages.HANDLERS,
}
# Whole paths that name no resource, such as /version.
DOCUMENTS: dict[str, Handler] = {
    "/api": discovering.show_core,
    "/apis": discovering.show_groups,
    "/openapi/v2": openapi_documents.show_old,
    "/openapi/v3": openapi_documents.show_index,
    "/version": version.show,
}
# Paths below these, such as /openapi/v3.
DOCUMENTS_BELOW: dict[str, Handler] = {"/openapi/v3/": openapi_documents.show}


# What may be asked for by a WebSocket.
SOCKETS: dict[str, SocketHandler] = {"pods/exec": executing.serve, "pods/attach": executing.serve}


def document(path: str) -> Handler | None:
    """Who answers a path that names no resource."""
    found = DOCUMENTS.get(path)
    if found is not None:
        return found
    return next((handler for prefix, handler in DOCUMENTS_BELOW.items() if path.startswith(prefix)), None)


def handler(method: str, path: ResourcePath, served: Served | None, *, is_watch: bool) -> Handler:
    """Who answers a path that names a resource; raises a 404 or 405."""
    special = SPECIAL.get((path.api_version, path.resource))
    if special is not None:
        if path.subresource:
            raise statuses.no_such_path()
        if method not in special:
            raise statuses.not_allowed()
        return special[method]
    if served is None:
        raise statuses.no_such_path()
    verb, found = _among(_methods(path, served), method)
    if is_watch and method == "GET" and not path.subresource:
        if WATCH is None or "watch" not in served.kind.verbs:
            raise statuses.not_allowed()
        return WATCH
    if not path.subresource and verb not in served.kind.verbs:
        raise statuses.not_allowed()
    if method == "POST" and not path.subresource and served.kind.namespaced and not path.namespace:
        raise statuses.not_allowed()
    return found


def socket(path: ResourcePath, served: Served | None, *, is_watch: bool) -> SocketHandler:
    """Who serves a WebSocket; raises a 404 or 405, also where the path is there but no WebSocket."""
    if is_watch and not path.subresource:
        handler("GET", path, served, is_watch=True)
        return watch_sockets.serve
    handler("GET", path, served, is_watch=False)
    found = SOCKETS.get(f"{path.resource}/{path.subresource}")
    if found is None:
        raise statuses.no_such_path()
    return found


def _methods(path: ResourcePath, served: Served) -> Methods:
    kind = served.kind
    if path.namespace and not kind.namespaced:
        raise statuses.no_such_path()
    if not path.name:
        return COLLECTION
    if kind.namespaced and not path.namespace:
        raise statuses.no_such_path()
    if not path.subresource:
        return OBJECT
    known = kind.subresource(path.subresource)
    if known is None:
        raise absent.refusal(kind.resource, path.subresource)
    if path.tail:
        raise statuses.no_such_path()
    methods = SUBRESOURCES.get(f"{kind.resource}/{known.name}") or SUBRESOURCES.get(known.name)
    assert methods is not None, "a kind names only what is served"
    return methods


def _among(methods: Methods, method: str) -> tuple[str, Handler]:
    found = methods.get(method)
    if found is None:
        raise statuses.not_allowed()
    return found
