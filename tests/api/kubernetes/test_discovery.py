"""Discovery, versions and OpenAPI: in the form that a client understands, and fetched once where it never changes."""

from typing import Any

import pytest

from kuberklone.kinds import openapi_v2
from kuberklone.kinds.catalogue import catalogue
from kuberklone.kinds.release import KUBERNETES_VERSION
from tests.api.kubernetes.client import refused
from tests.api.running import Api

KUBECTL = (
    "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,"
    "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json"
)
OLD_KUBECTL = "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json"
HEADLAMP = "application/json;v=v2;g=apidiscovery.k8s.io;as=APIGroupDiscoveryList"
PROTOBUF = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf"


def asked(api: Api, path: str, accept: str = "application/json") -> Any:
    return api.http.get(path, headers={"accept": accept})


@pytest.mark.parametrize("path", ["/api", "/apis"])
@pytest.mark.parametrize(
    ("accept", "version"),
    [
        pytest.param(KUBECTL, "v2", id="kubectl"),
        pytest.param(OLD_KUBECTL, "v2beta1", id="an older kubectl"),
        pytest.param(HEADLAMP, "v2", id="parameters in another order"),
    ],
)
def test_everything_comes_in_one_document_to_who_understands_it(
    idle_api: Api, path: str, accept: str, version: str
) -> None:
    answer = asked(idle_api, path, accept)
    assert answer.json()["kind"] == "APIGroupDiscoveryList"
    assert answer.json()["apiVersion"] == f"apidiscovery.k8s.io/{version}"
    parameters = set(answer.headers["content-type"].split(";"))
    assert parameters == {"application/json", "g=apidiscovery.k8s.io", f"v={version}", "as=APIGroupDiscoveryList"}


@pytest.mark.parametrize(("path", "kind"), [("/api", "APIVersions"), ("/apis", "APIGroupList")])
@pytest.mark.parametrize("slash", ["", "/"])
def test_others_get_one_document_after_the_other(idle_api: Api, path: str, kind: str, slash: str) -> None:
    answer = asked(idle_api, path + slash)
    assert answer.json()["kind"] == kind
    assert answer.headers["content-type"] == "application/json"


def test_every_resource_that_is_kept_is_listed_with_its_verbs_where_it_is_served(idle_api: Api) -> None:
    for served in catalogue().served:
        root = f"/apis/{served.api_version}" if "/" in served.api_version else f"/api/{served.api_version}"
        listed = {each["name"]: each for each in idle_api.get(root)["resources"]}
        assert listed[served.kind.resource]["verbs"] == list(served.kind.verbs)
        for part in served.kind.subresources:
            assert f"{served.kind.resource}/{part.name}" in listed


def test_a_group_is_described_by_itself(idle_api: Api) -> None:
    group = idle_api.get("/apis/apps")
    assert (group["kind"], group["preferredVersion"]["groupVersion"]) == ("APIGroup", "apps/v1")


@pytest.mark.parametrize("path", ["/apis/colours.example", "/apis/apps/v7", "/api/v2", "/openapi/v3/apis/apps/v7"])
def test_what_is_not_there_is_not_found(idle_api: Api, path: str) -> None:
    refused(idle_api.http.get(path), 404, "NotFound")


def test_only_reading_is_possible(idle_api: Api) -> None:
    refused(idle_api.http.post("/apis", json={}), 405, "MethodNotAllowed")


@pytest.mark.parametrize("path", ["/version", "/version/", "/version?timeout=32s"])
def test_the_version_is_that_of_the_schemas(idle_api: Api, path: str) -> None:
    version = idle_api.get(path)
    assert version["gitVersion"] == KUBERNETES_VERSION
    assert f"v{version['major']}.{version['minor']}.0" == KUBERNETES_VERSION


# ------------------------------------------------------------------------------------------------------------- OpenAPI


def test_a_document_is_fetched_once_by_the_address_that_holds_its_hash(idle_api: Api) -> None:
    path = idle_api.get("/openapi/v3")["paths"]["apis/apps/v1"]["serverRelativeURL"]
    answer = idle_api.http.get(path)
    assert "max-age=31536000" in answer.headers["cache-control"]
    assert answer.headers["expires"].endswith("2099 23:59:59 GMT")
    again = idle_api.http.get(path, headers={"if-none-match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_an_address_from_before_an_upgrade_leads_to_the_new_one(idle_api: Api) -> None:
    path = idle_api.get("/openapi/v3")["paths"]["api/v1"]["serverRelativeURL"]
    answer = idle_api.http.get("/openapi/v3/api/v1?hash=OLD")
    assert (answer.status_code, answer.headers["location"]) == (301, path)


def test_kubectl_finds_what_it_needs_to_check_and_patch(idle_api: Api) -> None:
    document = idle_api.get("/openapi/v3/apis/apps/v1")
    patch = document["paths"]["/apis/apps/v1/namespaces/{namespace}/deployments/{name}"]["patch"]
    assert patch["x-kubernetes-group-version-kind"] == {"group": "apps", "version": "v1", "kind": "Deployment"}
    assert "fieldValidation" in {each.get("name") for each in patch["parameters"]}
    assert "application/strategic-merge-patch+json" in patch["requestBody"]["content"]


def test_version_2_is_there_for_people_as_json_and_for_kubectl_as_protobuf(idle_api: Api) -> None:
    assert asked(idle_api, "/openapi/v2", PROTOBUF).headers["content-type"] == openapi_v2.ANSWERED
    refused(asked(idle_api, "/openapi/v2", "text/html"), 406, "NotAcceptable")
    swagger = idle_api.get("/openapi/v2")
    assert swagger["swagger"] == "2.0"
    pod = swagger["definitions"]["io.k8s.api.core.v1.Pod"]
    assert "#/definitions/io.k8s.api.core.v1.PodSpec" in str(pod["properties"]["spec"])
    assert "#/components/" not in str(swagger)
