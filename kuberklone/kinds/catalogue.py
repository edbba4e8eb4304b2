"""All kinds there are, found by folder: by what stands in paths, and by what stands in documents.

A kind may also come from a row (a CustomResourceDefinition): `Catalogue.extended` adds those to the files.
"""

import pkgutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any

from kuberklone.apimachinery.document import Document
from kuberklone.kinds import objects
from kuberklone.kinds.kind import Kind, Version


@dataclass(frozen=True, slots=True)
class Served:
    """A kind in one of its versions: what a path such as /apis/autoscaling/v1/…/horizontalpodautoscalers names."""

    kind: Kind[Any]
    version: Version

    @property
    def api_version(self) -> str:
        return self.version.api_version

    @property
    def group(self) -> str:
        return self.version.api_version.rpartition("/")[0]

    @property
    def is_stored(self) -> bool:
        """Whether documents need no conversion."""
        return self.version.api_version == self.kind.api_version

    def stored(self, document: Document) -> Document:
        """A document of this version in the version in which it is kept."""
        return document if self.is_stored else {**self.version.to_stored(document), "apiVersion": self.kind.api_version}

    def shown(self, document: Document) -> Document:
        """A kept document in this version."""
        return document if self.is_stored else {**self.version.from_stored(document), "apiVersion": self.api_version}


class Catalogue:
    """Kinds by their names. Never changed: `extended` makes another one."""

    def __init__(self, kinds: Iterable[Kind[Any]]) -> None:
        self.kinds: tuple[Kind[Any], ...] = tuple(sorted(kinds, key=lambda kind: (kind.group, kind.resource)))
        self.served: tuple[Served, ...] = tuple(_versions(self.kinds))
        self._by_path: Mapping[tuple[str, str, str], Served] = _unique(
            ((*_split(served.api_version), served.kind.resource), served) for served in self.served
        )
        self._by_kind: Mapping[tuple[str, str], Served] = _unique(
            ((served.api_version, served.kind.kind), served) for served in self.served
        )
        self._by_resource: Mapping[tuple[str, str], Kind[Any]] = {
            (kind.group, kind.resource): kind for kind in self.kinds
        }

    def find(self, group: str, version: str, resource: str) -> Served | None:
        """By the parts of a path: `find("apps", "v1", "deployments")`; the core group is ''."""
        return self._by_path.get((group, version, resource))

    def of_document(self, api_version: str, kind: str) -> Served | None:
        """By what a document says of itself: `of_document("apps/v1", "Deployment")`."""
        return self._by_kind.get((api_version, kind))

    def of_change(self, group: str, resource: str) -> Kind[Any] | None:
        """By the columns of the change log."""
        return self._by_resource.get((group, resource))

    def of_group_kind(self, group: str, kind: str) -> Kind[Any] | None:
        """By group and kind, whatever the version, as owner references are followed."""
        return next((each.kind for each in self.served if each.group == group and each.kind.kind == kind), None)

    def group_versions(self) -> tuple[str, ...]:
        """Every `v1`, `apps/v1`, … that is served."""
        return tuple(dict.fromkeys(served.api_version for served in self.served))

    def of_group_version(self, api_version: str) -> tuple[Served, ...]:
        return tuple(served for served in self.served if served.api_version == api_version)

    def extended(self, kinds: Iterable[Kind[Any]]) -> "Catalogue":
        """These kinds and others; ValueError where two of them have one name."""
        return Catalogue([*self.kinds, *kinds])


@cache
def catalogue() -> Catalogue:
    """The kinds that come from files."""
    modules = pkgutil.walk_packages(objects.__path__, prefix=f"{objects.__name__}.")
    return Catalogue(import_module(module.name).KIND for module in modules if not module.ispkg)


def _versions(kinds: Iterable[Kind[Any]]) -> Iterable[Served]:
    for kind in kinds:
        yield Served(kind, Version(api_version=kind.api_version))
        for version in kind.versions:
            yield Served(kind, version)


def _split(api_version: str) -> tuple[str, str]:
    group, _, version = api_version.rpartition("/")
    return group, version


def _unique(pairs: Iterable[tuple[Any, Served]]) -> dict[Any, Served]:
    found: dict[Any, Served] = {}
    for key, served in pairs:
        if key in found:
            raise ValueError(f"two kinds are called {key}")
        found[key] = served
    return found
