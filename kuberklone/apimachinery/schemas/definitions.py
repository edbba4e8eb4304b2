"""Loads the published definitions of one Kubernetes minor, at first use: no start of a program pays for them."""

import functools
import importlib.util
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from kuberklone.apimachinery.document import Document
from kuberklone.errors import NotFound

VERSION = "1.37.0"
"""The Kubernetes version whose kinds these are."""

_REF_PREFIX = "#/$defs/"
GROUP_VERSION_KIND = "x-kubernetes-group-version-kind"


def _file() -> Path:
    # Importing the package would take 100 ms for a validator of its own; only its data is wanted.
    spec = importlib.util.find_spec("kubernetes_validate")
    origin = spec.origin if spec is not None else None
    assert origin is not None, "the package kubernetes-validate is a dependency"
    return Path(origin).parent / "kubernetes-json-schema" / f"v{VERSION}-local" / "_definitions.json"


@functools.cache
def all_definitions() -> Mapping[str, Document]:
    """Every definition by its name, such as `io.k8s.api.core.v1.PodSpec`, as JSON Schema."""
    definitions: dict[str, Document] = msgspec.json.decode(_file().read_bytes())["$defs"]
    return definitions


@functools.cache
def _names() -> Mapping[tuple[str, str], str]:
    """The definition of each kind by its apiVersion and kind."""
    return {
        (api_version_of(each), each["kind"]): name
        for name, definition in all_definitions().items()
        for each in definition.get(GROUP_VERSION_KIND, ())
    }


def api_version_of(group_version_kind: Mapping[str, str]) -> str:
    """`apps/v1`, and `v1` for the group without a name."""
    group = group_version_kind["group"]
    version = group_version_kind["version"]
    return f"{group}/{version}" if group else version


def knows(api_version: str, kind: str) -> bool:
    """Whether Kubernetes has such a kind."""
    return (api_version, kind) in _names()


def name_of(api_version: str, kind: str) -> str:
    """The name of a kind's definition; raises NotFound."""
    try:
        return _names()[api_version, kind]
    except KeyError:
        message = f'no kind "{kind[:200]}" is registered for version "{api_version[:200]}"'
        raise NotFound(message) from None


def kinds_of(api_version: str) -> list[str]:
    """The names of the definitions of all kinds of one group version."""
    return sorted({name for (version, _), name in _names().items() if version == api_version})


def target(node: Document) -> str | None:
    """The name of the definition that a node refers to."""
    reference = node.get("$ref")
    return reference.removeprefix(_REF_PREFIX) if isinstance(reference, str) else None


def referenced(node: Any) -> set[str]:
    """The names of all definitions that are referred to anywhere inside."""
    found: set[str] = set()
    pending = [node]
    while pending:
        each = pending.pop()
        if isinstance(each, dict):
            name = target(each)
            if name is not None:
                found.add(name)
            pending.extend(each.values())
        elif isinstance(each, list):
            pending.extend(each)
    return found


def reachable(names: list[str]) -> set[str]:
    """These definitions and all that they refer to, however far away."""
    found: set[str] = set()
    pending = list(names)
    while pending:
        name = pending.pop()
        if name not in found:
            found.add(name)
            pending.extend(referenced(all_definitions()[name]))
    return found
