"""What clients discover is what there is, in either form."""

import json

import pytest
import yaml

from kuberklone.apimachinery.document import Document
from kuberklone.kinds import discovery, openapi, openapi_v2
from kuberklone.kinds.catalogue import catalogue

CATALOGUE = catalogue()


def line(document: Document | None, name: str) -> Document:
    assert document is not None
    return next(each for each in document["resources"] if each["name"] == name)


def test_a_legacy_list_says_names_verbs_and_parts() -> None:
    found = discovery.api_resource_list(CATALOGUE, "apps/v1")
    assert line(found, "deployments") == {
        "name": "deployments",
        "singularName": "deployment",
        "namespaced": True,
        "kind": "Deployment",
        "verbs": ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"],
        "shortNames": ["deploy"],
        "categories": ["all"],
    }
    assert line(found, "deployments/scale") == {
        "name": "deployments/scale",
        "singularName": "",
        "namespaced": True,
        "kind": "Scale",
        "verbs": ["get", "patch", "update"],
        "group": "autoscaling",
        "version": "v1",
    }


def test_drain_finds_how_to_evict() -> None:
    found = line(discovery.api_resource_list(CATALOGUE, "v1"), "pods/eviction")
    assert (found["group"], found["version"], found["kind"]) == ("policy", "v1", "Eviction")


def test_words_mean_the_core_group_first_and_metrics_last() -> None:
    versions = discovery.group_versions(CATALOGUE)
    assert (versions[0], versions[-1]) == ("v1", "metrics.k8s.io/v1beta1")


def test_the_preferred_version_comes_first() -> None:
    group = discovery.api_group(CATALOGUE, "autoscaling")
    assert group is not None
    assert group["preferredVersion"]["version"] == "v2"
    assert [each["version"] for each in group["versions"]] == ["v2", "v1"]


@pytest.mark.parametrize("name", ["", "no.such.group"])
def test_a_group_that_there_is_not_is_not_found(name: str) -> None:
    assert discovery.api_group(CATALOGUE, name) is None
    assert discovery.api_resource_list(CATALOGUE, f"{name}/v1") is None


@pytest.mark.parametrize("version", ["v2", "v2beta1"])
def test_both_forms_say_the_same(version: str) -> None:
    documents = [discovery.aggregated(CATALOGUE, core=core, version=version) for core in (True, False)]
    assert {each["apiVersion"] for each in documents} == {f"apidiscovery.k8s.io/{version}"}
    told: dict[str, set[str]] = {}
    for item in (item for document in documents for item in document["items"]):
        group = item["metadata"].get("name", "")
        for each in item["versions"]:
            names = told.setdefault(f"{group}/{each['version']}".lstrip("/"), set())
            for resource in each["resources"]:
                names.add(resource["resource"])
                names |= {f"{resource['resource']}/{part['subresource']}" for part in resource.get("subresources", [])}
    legacy = {}
    for api_version in discovery.group_versions(CATALOGUE):
        found = discovery.api_resource_list(CATALOGUE, api_version)
        assert found is not None
        legacy[api_version] = {each["name"] for each in found["resources"]}
    assert told == legacy


def test_all_groups_but_the_core_one_are_listed() -> None:
    listed = {group["name"] for group in discovery.api_group_list(CATALOGUE)["groups"]}
    assert listed == set(discovery.groups(CATALOGUE)) - {""}
    assert discovery.api_versions()["versions"] == ["v1"]


# --------------------------------------------------------------------------------------------------------- OpenAPI v3


def _openapi(path: str) -> Document:
    found = openapi.document(CATALOGUE, path)
    assert found is not None
    document: Document = json.loads(found.body)
    return document


EVERY = [pytest.param(path, id=path) for path in openapi.index(CATALOGUE)["paths"]]


def test_the_index_leads_to_each_document_by_its_hash() -> None:
    for path, place in openapi.index(CATALOGUE)["paths"].items():
        found = openapi.document(CATALOGUE, path)
        assert found is not None
        assert place["serverRelativeURL"] == f"/openapi/v3/{path}?hash={found.hash}"


def test_a_document_that_there_is_not_is_not_found() -> None:
    assert openapi.document(CATALOGUE, "apis/no.such.group/v1") is None


@pytest.mark.parametrize("path", EVERY)
def test_every_reference_leads_somewhere(path: str) -> None:
    found = openapi.document(CATALOGUE, path)
    assert found is not None
    text = found.body.decode()
    schemas = json.loads(text)["components"]["schemas"]
    named = {part.split('"')[0] for part in text.split('"$ref":"#/components/schemas/')[1:]}
    assert named <= set(schemas)


@pytest.mark.parametrize("path", EVERY)
def test_every_patch_holds_what_kubectl_asks_for(path: str) -> None:
    patches = [each["patch"] for each in _openapi(path)["paths"].values() if "patch" in each]
    assert patches or "authentication" in path or "authorization" in path
    for patch in patches:
        assert patch["x-kubernetes-group-version-kind"]["kind"]
        assert "fieldValidation" in {parameter["name"] for parameter in patch["parameters"]}
        assert "application/strategic-merge-patch+json" in patch["requestBody"]["content"]


def test_paths_say_what_can_be_done_there() -> None:
    paths = _openapi("apis/apps/v1")["paths"]
    one = paths["/apis/apps/v1/namespaces/{namespace}/deployments/{name}"]
    assert {method: one[method]["x-kubernetes-action"] for method in ("get", "put", "patch", "delete")} == {
        "get": "get",
        "put": "put",
        "patch": "patch",
        "delete": "delete",
    }
    assert set(paths["/apis/apps/v1/deployments"]) == {"get", "parameters"}
    scale = paths["/apis/apps/v1/namespaces/{namespace}/deployments/{name}/scale"]["get"]
    assert scale["x-kubernetes-group-version-kind"] == {"group": "autoscaling", "version": "v1", "kind": "Scale"}
    assert "/api/v1/nodes/{name}" in _openapi("api/v1")["paths"]


# --------------------------------------------------------------------------------------------------------- OpenAPI v2


def _fields(message: bytes) -> list[tuple[int, bytes]]:
    """The fields of a protobuf message that holds texts and messages only, by a reader that knows no schema."""
    found = []
    place = 0
    while place < len(message):
        tag, place = _varint(message, place)
        assert tag & 7 == 2
        length, place = _varint(message, place)
        found.append((tag >> 3, message[place : place + length]))
        place += length
    return found


def _varint(message: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[place]
        place += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, place
        shift += 7


def _only(message: bytes, *path: int) -> bytes:
    for field in path:
        message = next(content for number, content in _fields(message) if number == field)
    return message


def test_the_old_document_says_which_kinds_the_server_checks() -> None:
    body = openapi_v2.document(CATALOGUE)
    items = [content for field, content in _fields(_only(body, 8)) if field == 2]
    told = {}
    for item in items:
        patch = _only(item, 2, 7)
        assert _only(patch, 8, 1, 2, 3, 4) == b"fieldValidation"
        assert _only(patch, 13, 1) == b"x-kubernetes-group-version-kind"
        told[_only(item, 1).decode()] = yaml.safe_load(_only(patch, 13, 2, 2))
    assert len(told) == len(CATALOGUE.served)
    assert told["/apis/apps/v1/namespaces/{namespace}/deployments/{name}"] == {
        "group": "apps",
        "version": "v1",
        "kind": "Deployment",
    }
    assert told["/api/v1/nodes/{name}"] == {"group": "", "version": "v1", "kind": "Node"}
