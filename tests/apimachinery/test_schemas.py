"""Schemas say how documents are merged, and become the components of OpenAPI v3."""

from typing import Any

import pytest

from kuberklone.apimachinery import schemas
from kuberklone.apimachinery.schemas import Schema

POD = schemas.schema_of("v1", "Pod")


def at(path: str) -> Schema:
    """The place in a pod's schema; [] stands for the items of a list."""
    place = POD
    for step in path.split("."):
        place = place.items if step == "[]" else place.field(step)
    return place


@pytest.mark.parametrize(
    ("path", "merge_key", "strategies", "list_type", "list_keys"),
    [
        ("spec.containers", "name", {"merge"}, "map", ("name",)),
        ("spec.containers.[].ports", "containerPort", {"merge"}, "map", ("containerPort", "protocol")),
        ("spec.volumes", "name", {"merge", "retainKeys"}, "map", ("name",)),
        ("spec.tolerations", None, set(), "atomic", ()),
        ("metadata.finalizers", None, {"merge"}, "set", ()),
        ("metadata.ownerReferences", "uid", {"merge"}, "map", ("uid",)),
        ("spec.containers.[].command", None, set(), "atomic", ()),
    ],
)
def test_a_list_says_how_it_is_merged(
    path: str, merge_key: str | None, strategies: set[str], list_type: str, list_keys: tuple[str, ...]
) -> None:
    schema = at(path)
    assert (schema.merge_key, set(schema.patch_strategies)) == (merge_key, strategies)
    assert (schema.list_type, schema.list_keys) == (list_type, list_keys)


@pytest.mark.parametrize(
    ("path", "atomic"),
    [
        ("spec", False),
        ("metadata.labels", False),
        ("spec.nodeSelector", True),
        ("spec.containers.[].env.[].valueFrom.secretKeyRef", True),
        ("spec.containers.[].resources.requests", False),
        ("spec.tolerations", True),
        ("spec.containers", False),
    ],
)
def test_a_place_says_whether_it_is_one_value(path: str, atomic: bool) -> None:
    assert at(path).is_atomic is atomic


@pytest.mark.parametrize("path", ["foo", "spec.foo.bar", "spec.nodeName.x", "spec.containers.[].foo.[]"])
def test_nothing_is_known_about_fields_that_are_not_there(path: str) -> None:
    assert at(path).is_unknown


def test_a_kind_that_contains_itself_has_a_schema_at_any_depth() -> None:
    place = schemas.schema_of("apiextensions.k8s.io/v1", "CustomResourceDefinition").field("spec").field("versions")
    place = place.items.field("schema").field("openAPIV3Schema")
    for _ in range(5):
        place = place.field("properties").field("x")
    assert place.field("type").type == "string"


def test_a_port_that_names_no_protocol_is_one_of_tcp() -> None:
    ports = at("spec.containers.[].ports")
    assert ports.key_default("protocol") == "TCP"
    assert ports.key_default("containerPort") is None


def _references(node: Any) -> set[str]:
    if isinstance(node, dict):
        own = {node["$ref"]} if isinstance(node.get("$ref"), str) else set()
        return own.union(*(_references(value) for value in node.values()))
    return set().union(*(_references(value) for value in node)) if isinstance(node, list) else set()


@pytest.mark.parametrize("api_version", ["v1", "apps/v1", "autoscaling/v2", "policy/v1"])
def test_components_hold_all_that_they_refer_to(api_version: str) -> None:
    components = schemas.components(api_version)
    assert _references(components) <= {f"#/components/schemas/{name}" for name in components}


def test_components_are_openapi_3_0() -> None:
    components = schemas.components("apps/v1")
    deployment = components["io.k8s.api.apps.v1.Deployment"]
    assert deployment["x-kubernetes-group-version-kind"] == [{"group": "apps", "kind": "Deployment", "version": "v1"}]
    assert deployment["properties"]["kind"]["type"] == "string"
    assert "enum" not in deployment["properties"]["kind"]
    spec = deployment["properties"]["spec"]
    assert spec["allOf"] == [{"$ref": "#/components/schemas/io.k8s.api.apps.v1.DeploymentSpec"}]
    assert "$ref" not in spec
    containers = components["io.k8s.api.core.v1.PodSpec"]["properties"]["containers"]
    assert containers["items"] == {"$ref": "#/components/schemas/io.k8s.api.core.v1.Container"}
    assert containers["x-kubernetes-patch-merge-key"] == "name"
    assert components["io.k8s.apimachinery.pkg.util.intstr.IntOrString"]["format"] == "int-or-string"


def test_a_group_version_that_is_not_there_has_no_components() -> None:
    assert schemas.components("example.com/v1") == {}
