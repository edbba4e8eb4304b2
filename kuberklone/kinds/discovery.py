"""What there is, as clients discover it: one document for everything (aggregated), or one for each group version.

Source of the shapes: k8s.io/api/apidiscovery (v2 and v2beta1) and metav1.APIResourceList.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from kuberklone.apimachinery.document import Document
from kuberklone.kinds.catalogue import Catalogue, Served
from kuberklone.kinds.computed import COMPUTED, ComputedResource
from kuberklone.kinds.kind import Subresource

# A word such as `nodes` means the first group that has it: metrics come last, and everything else by name.
_LAST = "metrics.k8s.io"
# Catalogues at one time: that of the files, and some with kinds that come from rows.
_CATALOGUES_MAX = 16


@dataclass(frozen=True, slots=True)
class _Resource:
    """A line of discovery, whatever stands behind it."""

    name: str
    kind: str
    namespaced: bool
    verbs: tuple[str, ...]
    singular: str
    short_names: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    subresources: tuple[Subresource, ...] = ()


def group_versions(catalogue: Catalogue) -> list[str]:
    """All group versions, the core one first and the preferred version of a group before its others."""
    found = dict.fromkeys([*catalogue.group_versions(), *(each.api_version for each in COMPUTED)])
    place = {api_version: number for number, api_version in enumerate(found)}
    return sorted(found, key=lambda each: (_group(each) == _LAST, _group(each), place[each]))


def groups(catalogue: Catalogue) -> dict[str, list[str]]:
    """The versions of each group, the preferred one first; the core group is ''."""
    found: dict[str, list[str]] = {}
    for api_version in group_versions(catalogue):
        found.setdefault(_group(api_version), []).append(_version(api_version))
    return found


# ----------------------------------------------------------------------------------------------------------- one by one


def api_versions() -> Document:
    """What GET /api answers to clients that want one document for each version."""
    # Addresses for clients from elsewhere; there is one way to this server, and the client has it.
    return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []}


@lru_cache(maxsize=_CATALOGUES_MAX)
def api_group_list(catalogue: Catalogue) -> Document:
    """What GET /apis answers. Shared: do not change it."""
    listed = [_api_group(name, versions) for name, versions in groups(catalogue).items() if name]
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": listed}


def api_group(catalogue: Catalogue, group: str) -> Document | None:
    """What GET /apis/apps answers; None where there is no such group."""
    versions = groups(catalogue).get(group)
    if not group or versions is None:
        return None
    return {"kind": "APIGroup", "apiVersion": "v1", **_api_group(group, versions)}


def _api_group(name: str, versions: list[str]) -> Document:
    listed = [{"groupVersion": f"{name}/{version}", "version": version} for version in versions]
    return {"name": name, "versions": listed, "preferredVersion": listed[0]}


def api_resource_list(catalogue: Catalogue, api_version: str) -> Document | None:
    """What GET /api/v1 or /apis/apps/v1 answers; None where there is no such group version."""
    resources = _resources(catalogue, api_version)
    if not resources:
        return None
    listed = [line for resource in resources for line in _lines(resource, api_version)]
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": api_version, "resources": listed}


def _lines(resource: _Resource, api_version: str) -> Iterable[Document]:
    line: Document = {
        "name": resource.name,
        "singularName": resource.singular,
        "namespaced": resource.namespaced,
        "kind": resource.kind,
        "verbs": list(resource.verbs),
    }
    if resource.short_names:
        line["shortNames"] = list(resource.short_names)
    if resource.categories:
        line["categories"] = list(resource.categories)
    yield line
    for part in resource.subresources:
        found: Document = {
            "name": f"{resource.name}/{part.name}",
            "singularName": "",
            "namespaced": resource.namespaced,
            "kind": part.kind or resource.kind,
            "verbs": list(part.verbs),
        }
        if part.api_version and part.api_version != api_version:
            found |= {"group": _group(part.api_version), "version": _version(part.api_version)}
        yield found


# ----------------------------------------------------------------------------------------------------------- aggregated


@lru_cache(maxsize=4 * _CATALOGUES_MAX)
def aggregated(catalogue: Catalogue, *, core: bool, version: str = "v2") -> Document:
    """All of GET /api (`core`) or of GET /apis in one document, in version v2 or v2beta1. Shared: do not change it."""
    items = [
        {
            "metadata": {"name": name} if name else {},
            "versions": [_version_of(catalogue, name, each) for each in versions],
        }
        for name, versions in groups(catalogue).items()
        if (name == "") == core
    ]
    api_version = f"apidiscovery.k8s.io/{version}"
    return {"kind": "APIGroupDiscoveryList", "apiVersion": api_version, "metadata": {}, "items": items}


def _version_of(catalogue: Catalogue, group: str, version: str) -> Document:
    api_version = f"{group}/{version}" if group else version
    resources = [_discovered(each, api_version) for each in _resources(catalogue, api_version)]
    return {"version": version, "resources": resources, "freshness": "Current"}


def _discovered(resource: _Resource, api_version: str) -> Document:
    found: Document = {
        "resource": resource.name,
        "responseKind": _kind(api_version, resource.kind),
        "scope": "Namespaced" if resource.namespaced else "Cluster",
        "singularResource": resource.singular,
        "verbs": list(resource.verbs),
    }
    if resource.short_names:
        found["shortNames"] = list(resource.short_names)
    if resource.categories:
        found["categories"] = list(resource.categories)
    if resource.subresources:
        found["subresources"] = [
            {
                "subresource": part.name,
                "responseKind": _kind(part.api_version or api_version, part.kind or resource.kind),
                "verbs": list(part.verbs),
            }
            for part in resource.subresources
        ]
    return found


def _kind(api_version: str, kind: str) -> Document:
    return {"group": _group(api_version), "version": _version(api_version), "kind": kind}


# -------------------------------------------------------------------------------------------------------------- sources


def _resources(catalogue: Catalogue, api_version: str) -> list[_Resource]:
    kept = [_of_kind(served) for served in catalogue.of_group_version(api_version)]
    computed = [_of_computed(each) for each in COMPUTED if each.api_version == api_version]
    return sorted([*kept, *computed], key=lambda resource: resource.name)


def _of_kind(served: Served) -> _Resource:
    kind = served.kind
    return _Resource(
        name=kind.resource,
        kind=kind.kind,
        namespaced=kind.namespaced,
        verbs=kind.verbs,
        singular=kind.singular_name,
        short_names=kind.short_names,
        categories=kind.categories,
        subresources=tuple(sorted(kind.subresources, key=lambda part: part.name)),
    )


def _of_computed(resource: ComputedResource) -> _Resource:
    return _Resource(
        name=resource.resource,
        kind=resource.kind,
        namespaced=resource.namespaced,
        verbs=resource.verbs,
        singular=resource.singular_name,
    )


def _group(api_version: str) -> str:
    return api_version.rpartition("/")[0]


def _version(api_version: str) -> str:
    return api_version.rpartition("/")[2]
