"""Creating, reading, replacing, patching and deleting objects: the same for every kind."""

import gzip
from typing import Any

import pytest

from tests.api.kubernetes.client import (
    CONFIG_MAPS,
    JSON_PATCH,
    MERGE,
    NODES,
    PODS,
    STRATEGIC,
    config_map,
    names,
    patched,
    pod,
    refused,
)
from tests.api.running import Api


def test_an_object_is_created_read_and_deleted(api: Api) -> None:
    made = api.post(CONFIG_MAPS, config_map("a"))
    metadata = made["metadata"]
    assert (made["apiVersion"], made["kind"], made["data"]) == ("v1", "ConfigMap", {"colour": "blue"})
    assert metadata["namespace"] == "default"
    assert metadata["uid"]
    assert metadata["creationTimestamp"].endswith("Z")
    assert int(metadata["resourceVersion"]) > 0
    assert api.get(f"{CONFIG_MAPS}/a") == made
    gone = api.http.delete(f"{CONFIG_MAPS}/a").json()
    assert (gone["kind"], gone["status"], gone["details"]["uid"]) == ("Status", "Success", metadata["uid"])
    status = refused(api.http.get(f"{CONFIG_MAPS}/a"), 404, "NotFound")
    assert status["message"] == 'configmaps "a" not found'
    assert status["details"] == {"name": "a", "kind": "configmaps"}


def test_a_name_is_drawn_where_only_its_beginning_is_given(api: Api) -> None:
    made = [api.post(CONFIG_MAPS, config_map(generateName="a-")) for _ in range(3)]
    drawn = {each["metadata"]["name"] for each in made}
    assert len(drawn) == 3
    assert all(name.startswith("a-") and len(name) == 7 for name in drawn)
    assert all(each["metadata"]["generateName"] == "a-" for each in made)


def test_a_name_is_taken_once(api: Api) -> None:
    api.post(CONFIG_MAPS, config_map("a"))
    before = api.written()
    status = refused(api.http.post(CONFIG_MAPS, json=config_map("a")), 409, "AlreadyExists")
    assert status["message"] == 'configmaps "a" already exists'
    assert status["details"]["name"] == "a"
    assert {**api.written(), "revision": before["revision"]} == before


def test_the_same_name_in_another_namespace_is_another_object(api: Api) -> None:
    api.post("/api/v1/namespaces", {"metadata": {"name": "other"}})
    api.post(CONFIG_MAPS, config_map("a"))
    api.post(CONFIG_MAPS.replace("default", "other"), config_map("a"))
    listed = api.get("/api/v1/configmaps", params={"fieldSelector": "metadata.name=a"})
    assert [item["metadata"]["namespace"] for item in listed["items"]] == ["default", "other"]


def test_a_replacement_is_refused_when_somebody_else_was_first(api: Api) -> None:
    read = api.post(CONFIG_MAPS, config_map("a"))
    changed = {**read, "data": {"colour": "red"}}
    first = api.http.put(f"{CONFIG_MAPS}/a", json=changed).json()
    assert first["data"] == {"colour": "red"}
    assert first["metadata"]["uid"] == read["metadata"]["uid"]
    assert int(first["metadata"]["resourceVersion"]) > int(read["metadata"]["resourceVersion"])
    status = refused(api.http.put(f"{CONFIG_MAPS}/a", json={**read, "data": {}}), 409, "Conflict")
    assert status["message"] == (
        'Operation cannot be fulfilled on configmaps "a": the object has been modified; please apply your changes to '
        "the latest version and try again"
    )
    assert api.get(f"{CONFIG_MAPS}/a") == first


def test_a_replacement_without_a_revision_means_whatever_is_there(api: Api) -> None:
    api.post(CONFIG_MAPS, config_map("a", labels={"x": "1"}))
    api.http.put(f"{CONFIG_MAPS}/a", json={"metadata": {"name": "a"}, "data": {"colour": "red"}})
    now = api.get(f"{CONFIG_MAPS}/a")
    assert now["data"] == {"colour": "red"}
    assert "labels" not in now["metadata"]


@pytest.mark.parametrize(
    ("as_", "patch"),
    [
        pytest.param(MERGE, {"data": {"colour": None, "shape": "round"}}, id="merge"),
        pytest.param(STRATEGIC, {"data": {"colour": None, "shape": "round"}}, id="strategic"),
        pytest.param(
            JSON_PATCH,
            [
                {"op": "remove", "path": "/data/colour"},
                {"op": "add", "path": "/data/shape", "value": "round"},
            ],
            id="json",
        ),
    ],
)
def test_a_patch_changes_what_it_names(api: Api, as_: str, patch: Any) -> None:
    api.post(CONFIG_MAPS, config_map("a", labels={"x": "1"}))
    answer = patched(api, f"{CONFIG_MAPS}/a", patch, as_=as_)
    assert answer.status_code == 200
    assert answer.json()["data"] == {"shape": "round"}
    assert answer.json()["metadata"]["labels"] == {"x": "1"}


@pytest.mark.parametrize("patch", [{}, {"data": {"colour": "blue"}}, {"metadata": {"labels": None}}])
def test_a_write_that_changes_nothing_writes_nothing(api: Api, patch: dict[str, Any]) -> None:
    made = api.post(CONFIG_MAPS, config_map("a"))
    before = api.written()
    assert patched(api, f"{CONFIG_MAPS}/a", patch).json() == made
    assert api.http.put(f"{CONFIG_MAPS}/a", json=made).json() == made
    assert api.written() == before


def test_a_patch_may_say_for_which_revision_it_is(api: Api) -> None:
    made = api.post(CONFIG_MAPS, config_map("a"))
    revision = made["metadata"]["resourceVersion"]
    wanted = {"metadata": {"resourceVersion": revision, "labels": {"x": "1"}}}
    assert patched(api, f"{CONFIG_MAPS}/a", wanted).status_code == 200
    refused(patched(api, f"{CONFIG_MAPS}/a", wanted), 409, "Conflict")


def test_generation_counts_what_is_wanted_and_nothing_else(api: Api) -> None:
    path = "/apis/apps/v1/namespaces/default/deployments"
    template = {"metadata": {"labels": {"a": "b"}}, "spec": pod()["spec"]}
    spec = {"selector": {"matchLabels": {"a": "b"}}, "template": template}
    made = api.post(path, {"metadata": {"name": "d"}, "spec": spec})
    assert made["metadata"]["generation"] == 1
    labelled = patched(api, f"{path}/d", {"metadata": {"labels": {"x": "1"}}}).json()
    assert labelled["metadata"]["generation"] == 1
    scaled = patched(api, f"{path}/d", {"spec": {"replicas": 3}}).json()
    assert scaled["metadata"]["generation"] == 2


def test_identity_is_nobodys_to_change(api: Api) -> None:
    made = api.post(CONFIG_MAPS, config_map("a", uid="mine", creationTimestamp="2001-01-01T00:00:00Z"))
    assert made["metadata"]["uid"] != "mine"
    assert not made["metadata"]["creationTimestamp"].startswith("2001")
    refused(patched(api, f"{CONFIG_MAPS}/a", {"metadata": {"uid": "other"}}), 422, "Invalid")
    # The Python client writes times in another way, and Go clients null.
    for time in ("2001-01-01T00:00:00+00:00", None):
        again = patched(api, f"{CONFIG_MAPS}/a", {"metadata": {"creationTimestamp": time}})
        assert again.json() == made


def test_an_object_with_finalizers_goes_when_the_last_one_goes(api: Api) -> None:
    api.post(CONFIG_MAPS, config_map("a", finalizers=["example.com/hold"]))
    assert api.http.delete(f"{CONFIG_MAPS}/a").json()["status"] == "Success"
    held = api.get(f"{CONFIG_MAPS}/a")
    assert held["metadata"]["deletionTimestamp"]
    added = {"metadata": {"finalizers": ["example.com/hold", "example.com/more"]}}
    refused(patched(api, f"{CONFIG_MAPS}/a", added), 422, "Invalid")
    assert patched(api, f"{CONFIG_MAPS}/a", {"metadata": {"finalizers": None}}).status_code == 200
    refused(api.http.get(f"{CONFIG_MAPS}/a"), 404, "NotFound")


@pytest.mark.parametrize("in_query", [False, True])
def test_a_deletion_may_say_what_the_object_must_be(api: Api, in_query: bool) -> None:
    made = api.post(CONFIG_MAPS, config_map("a"))
    path = f"{CONFIG_MAPS}/a"
    for precondition in ({"uid": "another"}, {"resourceVersion": "1"}):
        status = refused(api.http.request("DELETE", path, json={"preconditions": precondition}), 409, "Conflict")
        assert "Precondition failed" in status["message"]
    metadata = made["metadata"]
    right = {"uid": metadata["uid"], "resourceVersion": metadata["resourceVersion"]}
    options = {"propagationPolicy": "Background"}
    params = options if in_query else {}
    body = {"preconditions": right, **({} if in_query else options)}
    assert api.http.request("DELETE", path, json=body, params=params).status_code == 200


@pytest.mark.parametrize(
    ("policy", "finalizer"), [("Foreground", "foregroundDeletion"), ("Orphan", "orphan"), ("Background", None)]
)
def test_deletion_waits_for_what_the_policy_says(api: Api, policy: str, finalizer: str | None) -> None:
    api.post(CONFIG_MAPS, config_map("a"))
    api.http.request("DELETE", f"{CONFIG_MAPS}/a", json={"propagationPolicy": policy})
    if finalizer is None:
        refused(api.http.get(f"{CONFIG_MAPS}/a"), 404, "NotFound")
    else:
        assert api.get(f"{CONFIG_MAPS}/a")["metadata"]["finalizers"] == [finalizer]


def test_a_collection_is_deleted_by_selector(api: Api) -> None:
    for number in range(6):
        api.post(CONFIG_MAPS, config_map(f"a{number}", labels={"even": str(number % 2 == 0).lower()}))
    gone = api.http.delete(CONFIG_MAPS, params={"labelSelector": "even=true"})
    assert gone.status_code == 200
    assert names(gone.json()) == ["a0", "a2", "a4"]
    assert names(api.get(CONFIG_MAPS)) == ["a1", "a3", "a5"]


def test_what_takes_long_to_end_is_answered_with_the_object(api: Api) -> None:
    api.post(NODES, {"metadata": {"name": "n"}})
    api.post(PODS, pod("p", spec={"nodeName": "n", "terminationGracePeriodSeconds": 7}))
    gone = api.http.delete(f"{PODS}/p").json()
    assert gone["kind"] == "Pod"
    assert gone["metadata"]["deletionGracePeriodSeconds"] == 7
    assert api.get(f"{PODS}/p")["metadata"]["deletionTimestamp"]
    sooner = api.http.delete(f"{PODS}/p", params={"gracePeriodSeconds": "1"}).json()
    assert sooner["metadata"]["deletionGracePeriodSeconds"] == 1


@pytest.mark.parametrize("path", [f"{CONFIG_MAPS}/", f"{CONFIG_MAPS}/a/", "/api/v1/", "/version/"])
def test_a_slash_at_the_end_changes_nothing(api: Api, path: str) -> None:
    api.post(CONFIG_MAPS, config_map("a"))
    assert api.http.get(path).text == api.http.get(path.rstrip("/")).text


def test_a_body_without_a_type_is_json(api: Api) -> None:
    answer = api.http.post(CONFIG_MAPS, content=b'{"metadata":{"name":"a"}}')
    assert answer.request.headers.get("content-type") is None
    assert answer.status_code == 201


def test_a_body_may_be_yaml(api: Api) -> None:
    body = "metadata:\n  name: a\ndata:\n  colour: blue\n"
    answer = api.http.post(CONFIG_MAPS, content=body, headers={"content-type": "application/yaml"})
    assert answer.json()["data"] == {"colour": "blue"}


def test_head_answers_like_get_without_a_body(api: Api) -> None:
    api.post(CONFIG_MAPS, config_map("a"))
    head, get = api.http.head(f"{CONFIG_MAPS}/a"), api.http.get(f"{CONFIG_MAPS}/a")
    assert head.content == b""
    assert (head.status_code, head.headers["content-length"]) == (200, get.headers["content-length"])


def test_a_large_answer_is_compressed_for_those_who_read_that(api: Api) -> None:
    api.post(CONFIG_MAPS, {**config_map("a"), "data": {"text": "a" * 200_000}})
    request = api.http.build_request("GET", f"{CONFIG_MAPS}/a", headers={"accept-encoding": "gzip"})
    answer = api.http.send(request, stream=True)
    raw = b"".join(answer.iter_raw())
    assert answer.headers["content-encoding"] == "gzip"
    assert len(raw) < 10_000
    plain = api.http.get(f"{CONFIG_MAPS}/a", headers={"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert gzip.decompress(raw) == plain.content
