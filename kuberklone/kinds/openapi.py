"""OpenAPI v3, a document for each group version: what kubectl checks files against and explains kinds by.

kubectl reads three things of a PATCH operation before it trusts the document: the kind, a parameter `fieldValidation`
and the content type of strategic merge patches. Without them it asks for version 2, which nobody serves here.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import msgspec

from kuberklone.apimachinery import schemas
from kuberklone.apimachinery.document import Document
from kuberklone.kinds.catalogue import Catalogue, Served
from kuberklone.kinds.computed import COMPUTED, ComputedResource
from kuberklone.kinds.kind import Subresource
from kuberklone.kinds.release import KUBERNETES_VERSION

_PREFIX = "#/components/schemas/"
_META = "io.k8s.apimachinery.pkg.apis.meta.v1"
_PATCHES = (
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/strategic-merge-patch+json",
    "application/apply-patch+yaml",
)
# Catalogues at one time: that of the files, and some with kinds that come from rows.
_CATALOGUES_MAX = 4
_GROUP_VERSION_KIND = "x-kubernetes-group-version-kind"


@dataclass(frozen=True, slots=True)
class OpenApi:
    """One document and the hash in its address, by which clients keep it for ever."""

    body: bytes
    hash: str


def index(catalogue: Catalogue) -> Document:
    """What GET /openapi/v3 answers: where the documents are."""
    found = _documents(catalogue)
    paths = {path: {"serverRelativeURL": f"/openapi/v3/{path}?hash={each.hash}"} for path, each in found.items()}
    return {"paths": paths}


def document(catalogue: Catalogue, path: str) -> OpenApi | None:
    """What GET /openapi/v3/apis/apps/v1 answers, with `path` apis/apps/v1; None where there is no such document."""
    return _documents(catalogue).get(path)


@lru_cache(maxsize=_CATALOGUES_MAX)
def _documents(catalogue: Catalogue) -> dict[str, OpenApi]:
    """All documents by path. Making them takes some 50 ms, so they are made together, when first asked for."""
    versions = dict.fromkeys([*catalogue.group_versions(), *(each.api_version for each in COMPUTED)])
    found = {}
    for api_version in versions:
        components = schemas.components(api_version)
        # Metrics have no published schemas.
        if components:
            body = msgspec.json.encode(_document(catalogue, api_version, components))
            found[_root(api_version)] = OpenApi(body, hashlib.sha256(body).hexdigest()[:32].upper())
    return found


def _root(api_version: str) -> str:
    return f"apis/{api_version}" if "/" in api_version else f"api/{api_version}"


def _document(catalogue: Catalogue, api_version: str, components: dict[str, Any]) -> Document:
    paths: Document = {}
    writer = _Writer(api_version, components)
    for served in catalogue.of_group_version(api_version):
        paths |= writer.paths(served)
    for resource in COMPUTED:
        if resource.api_version == api_version:
            paths |= writer.computed(resource)
    return {
        "openapi": "3.0.0",
        "info": {"title": "Kubernetes", "version": KUBERNETES_VERSION},
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": components,
            "securitySchemes": {"BearerToken": {"type": "apiKey", "name": "authorization", "in": "header"}},
        },
    }


def _parameter(name: str, type: str, description: str, *, where: str = "query") -> Document:
    found = {"name": name, "in": where, "description": description, "schema": {"type": type, "uniqueItems": True}}
    return {**found, "required": True} if where == "path" else found


_PRETTY = _parameter("pretty", "string", "Whether the answer is laid out for people.")
_NAMESPACE = _parameter("namespace", "string", "The namespace.", where="path")
_NAME = _parameter("name", "string", "The name.", where="path")
_DRY_RUN = _parameter("dryRun", "string", "All: check everything and write nothing.")
_MANAGER = _parameter("fieldManager", "string", "Who writes; owns the fields that are written.")
_VALIDATION = _parameter(
    "fieldValidation", "string", "What becomes of unknown and doubled fields: Ignore, Warn, Strict."
)
_FORCE = _parameter("force", "boolean", "Whether an apply takes fields from others who own them.")
_WRITING = (_DRY_RUN, _MANAGER, _VALIDATION)
_LISTING = (
    _parameter("allowWatchBookmarks", "boolean", "Whether a watch tells revisions without a change."),
    _parameter("continue", "string", "Where the next page begins, as the last one said."),
    _parameter("fieldSelector", "string", "Fields that an object must have."),
    _parameter("labelSelector", "string", "Labels that an object must have."),
    _parameter("limit", "integer", "How many objects a page holds."),
    _parameter("resourceVersion", "string", "The revision that is read, or watched from."),
    _parameter("resourceVersionMatch", "string", "Exact, or NotOlderThan."),
    _parameter("sendInitialEvents", "boolean", "Whether a watch begins with what there is."),
    _parameter("timeoutSeconds", "integer", "How long it may take."),
    _parameter("watch", "boolean", "Whether to follow changes instead of listing."),
)
_DELETING = (
    _DRY_RUN,
    _parameter("gracePeriodSeconds", "integer", "How long a pod has to end."),
    _parameter("propagationPolicy", "string", "What becomes of what it owns: Orphan, Background, Foreground."),
)


class _Writer:
    """Writes the paths of one group version."""

    def __init__(self, api_version: str, components: dict[str, Any]) -> None:
        self._api_version = api_version
        self._group, _, self._version = api_version.rpartition("/")
        self._schemas = {
            (each["group"], each["version"], each["kind"]): name
            for name, schema in components.items()
            for each in schema.get(_GROUP_VERSION_KIND, ())
        }
        self._status = f"{_META}.Status" if f"{_META}.Status" in components else None

    def paths(self, served: Served) -> Document:
        """The paths of one kind: all of them, one of them, and the parts of one."""
        kind = served.kind
        scope = "namespaces/{namespace}/" if kind.namespaced else ""
        collection = f"/{_root(self._api_version)}/{scope}{kind.resource}"
        placed = (_NAMESPACE,) if kind.namespaced else ()
        found = {
            collection: self._path(
                self._operations(kind.kind, kind.verbs, ("list", "create", "deletecollection")), (*placed, _PRETTY)
            ),
            f"{collection}/{{name}}": self._path(
                self._operations(kind.kind, kind.verbs, ("get", "update", "patch", "delete")), (_NAME, *placed, _PRETTY)
            ),
        }
        if kind.namespaced:
            everywhere = f"/{_root(self._api_version)}/{kind.resource}"
            found[everywhere] = self._path(self._operations(kind.kind, kind.verbs, ("list",)), (_PRETTY,))
        for part in kind.subresources:
            path = f"{collection}/{{name}}/{part.name}"
            found[path] = self._path(self._part(kind.kind, part), (_NAME, *placed, _PRETTY))
        return found

    def computed(self, resource: ComputedResource) -> Document:
        scope = "namespaces/{namespace}/" if resource.namespaced else ""
        path = f"/{_root(self._api_version)}/{scope}{resource.resource}"
        placed = (_NAMESPACE,) if resource.namespaced else ()
        return {path: self._path(self._operations(resource.kind, resource.verbs, ("create",)), (*placed, _PRETTY))}

    def _path(self, operations: Document, parameters: Iterable[Document]) -> Document:
        return {**operations, "parameters": list(parameters)}

    def _operations(self, kind: str, verbs: tuple[str, ...], wanted: tuple[str, ...]) -> Document:
        return dict(self._operation(kind, verb) for verb in wanted if verb in verbs)

    def _part(self, kind: str, part: Subresource) -> Document:
        named = part.kind or kind
        version = part.api_version or self._api_version
        return dict(self._operation(named, verb, api_version=version) for verb in part.verbs)

    def _operation(self, kind: str, verb: str, *, api_version: str | None = None) -> tuple[str, Document]:
        """The method of a verb and what it says of itself."""
        group, _, version = (api_version or self._api_version).rpartition("/")
        whole = self._reference((group, version, kind))
        listed = self._reference((group, version, f"{kind}List"))
        gone = {"$ref": f"{_PREFIX}{self._status}"} if self._status else {"type": "object"}
        method, action, parameters, body, answer = {
            "list": ("get", "list", _LISTING, None, listed),
            "create": ("post", "post", _WRITING, whole, whole),
            "deletecollection": ("delete", "deletecollection", (*_LISTING[2:4], *_DELETING), None, gone),
            "get": ("get", "get", (), None, whole),
            "update": ("put", "put", _WRITING, whole, whole),
            "patch": ("patch", "patch", (*_WRITING, _FORCE), {"type": "object"}, whole),
            "delete": ("delete", "delete", _DELETING, None, gone),
        }[verb]
        operation: Document = {
            "responses": {
                "200": {"description": "OK", "content": {"application/json": {"schema": answer}}},
                "401": {"description": "Unauthorized"},
            },
            "x-kubernetes-action": action,
            _GROUP_VERSION_KIND: {"group": group, "version": version, "kind": kind},
        }
        if parameters:
            operation["parameters"] = list(parameters)
        if body is not None:
            types = _PATCHES if verb == "patch" else ("*/*",)
            operation["requestBody"] = {"content": {each: {"schema": body} for each in types}, "required": True}
        return method, operation

    def _reference(self, key: tuple[str, str, str]) -> Document:
        name = self._schemas.get(key)
        return {"$ref": f"{_PREFIX}{name}"} if name else {"type": "object"}
