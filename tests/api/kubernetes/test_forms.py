"""The same objects as documents, tables, metadata alone, YAML, and laid out for people."""

from typing import Any

import pytest
import yaml

from tests.api.kubernetes.client import CONFIG_MAPS, PODS, TABLE, config_map, pod, refused
from tests.api.running import Api

KUBECTL = (
    "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json"
)
PARTIAL = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
PARTIAL_LIST = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"


def get(api: Api, path: str, accept: str, **query: str) -> Any:
    return api.get(path, headers={"accept": accept}, params=query)


@pytest.mark.parametrize(
    ("accept", "kind", "api_version"),
    [
        (KUBECTL, "Table", "meta.k8s.io/v1"),
        ("application/json;g=meta.k8s.io;v=v1;as=Table", "Table", "meta.k8s.io/v1"),
        ("application/json; as=Table; v=v1beta1; g=meta.k8s.io", "Table", "meta.k8s.io/v1beta1"),
        ("application/vnd.kubernetes.protobuf,application/json", "PodList", "v1"),
        ("application/json;q=0.1," + TABLE, "Table", "meta.k8s.io/v1"),
        (TABLE + ";q=0.2,application/json;q=0.9", "PodList", "v1"),
        ("application/json;as=Table;v=v7;g=meta.k8s.io,application/json", "PodList", "v1"),
        (PARTIAL_LIST, "PartialObjectMetadataList", "meta.k8s.io/v1"),
        ("text/html, */*", "PodList", "v1"),
    ],
)
def test_the_first_form_that_is_known_is_answered(idle_api: Api, accept: str, kind: str, api_version: str) -> None:
    found = get(idle_api, PODS, accept)
    assert (found["kind"], found["apiVersion"]) == (kind, api_version)


@pytest.mark.parametrize("accept", ["text/html", "application/vnd.kubernetes.protobuf", "application/json;q=0"])
@pytest.mark.parametrize("path", [PODS, f"{PODS}/taken"])
def test_nothing_else_is_acceptable(idle_api: Api, accept: str, path: str) -> None:
    refused(idle_api.http.get(path, headers={"accept": accept}), 406, "NotAcceptable")


def test_a_table_has_a_row_for_each_object(api: Api) -> None:
    api.post(PODS, pod("a", labels={"x": "1"}))
    api.post(PODS, pod("b"))
    table = get(api, PODS, KUBECTL)
    columns = [column["name"] for column in table["columnDefinitions"]]
    assert columns[:5] == ["Name", "Ready", "Status", "Restarts", "Age"]
    assert [row["cells"][:3] for row in table["rows"]] == [["a", "0/1", "Pending"], ["b", "0/1", "Pending"]]
    assert all(len(row["cells"]) == len(columns) for row in table["rows"])
    assert int(table["metadata"]["resourceVersion"]) > 0
    seen = table["rows"][0]["object"]
    assert (seen["kind"], seen["metadata"]["labels"]) == ("PartialObjectMetadata", {"x": "1"})


def test_a_row_holds_as_much_of_its_object_as_is_asked_for(api: Api) -> None:
    made = api.post(PODS, pod("a"))
    assert get(api, PODS, KUBECTL, includeObject="Object")["rows"][0]["object"] == made
    assert "object" not in get(api, PODS, KUBECTL, includeObject="None")["rows"][0]
    status = refused(
        api.http.get(PODS, headers={"accept": KUBECTL}, params={"includeObject": "Half"}), 400, "BadRequest"
    )
    assert "includeObject" in status["message"]


def test_one_object_is_a_table_of_one_row(api: Api) -> None:
    api.post(PODS, pod("a"))
    table = get(api, f"{PODS}/a", KUBECTL)
    assert (table["kind"], len(table["rows"])) == ("Table", 1)
    assert table["columnDefinitions"]


def test_pages_of_a_table_go_on(api: Api) -> None:
    for name in "abc":
        api.post(CONFIG_MAPS, config_map(name))
    first = get(api, CONFIG_MAPS, KUBECTL, limit="2")
    second = get(api, CONFIG_MAPS, KUBECTL, **{"limit": "2", "continue": first["metadata"]["continue"]})
    assert [row["cells"][0] for row in [*first["rows"], *second["rows"]]] == ["a", "b", "c"]
    assert second["columnDefinitions"]


def test_metadata_alone(api: Api) -> None:
    made = api.post(CONFIG_MAPS, config_map("a", labels={"x": "1"}))
    one = get(api, f"{CONFIG_MAPS}/a", PARTIAL)
    assert one == {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": made["metadata"]}
    assert get(api, CONFIG_MAPS, PARTIAL_LIST)["items"] == [one]


@pytest.mark.parametrize("path", [CONFIG_MAPS, f"{CONFIG_MAPS}/a"])
def test_yaml_says_the_same(api: Api, path: str) -> None:
    api.post(CONFIG_MAPS, config_map("a"))
    answer = api.http.get(path, headers={"accept": "application/yaml"})
    assert answer.headers["content-type"] == "application/yaml"
    assert yaml.safe_load(answer.text) == api.get(path)


@pytest.mark.parametrize("path", [CONFIG_MAPS, f"{CONFIG_MAPS}/a"])
def test_pretty_says_the_same_in_lines(api: Api, path: str) -> None:
    api.post(CONFIG_MAPS, config_map("a"))
    answer = api.http.get(path, params={"pretty": "true"})
    assert answer.json() == api.get(path)
    assert '\n  "metadata": {' in answer.text
