"""Server-side apply: who manages which field, and what happens when two want the same one."""

from typing import Any

import httpx
import pytest

from tests.api.kubernetes.client import APPLY, CONFIG_MAPS, PODS, patched, pod, refused
from tests.api.running import Api

DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"


def wanted(**data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": data}


def applied(
    api: Api, by: str, document: dict[str, Any], path: str = f"{CONFIG_MAPS}/a", **query: str
) -> httpx.Response:
    return patched(api, path, document, as_=APPLY, fieldManager=by, **query)


def managers(document: dict[str, Any]) -> dict[tuple[str, str], Any]:
    return {(each["manager"], each["operation"]): each["fieldsV1"] for each in document["metadata"]["managedFields"]}


def test_what_is_not_there_is_created_and_managed(api: Api) -> None:
    made = applied(api, "me", wanted(colour="blue"))
    assert made.status_code == 201
    assert managers(made.json()) == {("me", "Apply"): {"f:data": {"f:colour": {}}}}
    again = applied(api, "me", wanted(colour="red"))
    assert (again.status_code, again.json()["data"]) == (200, {"colour": "red"})


def test_applying_the_same_again_writes_nothing(api: Api) -> None:
    made = applied(api, "me", wanted(colour="blue")).json()
    before = api.written()
    assert applied(api, "me", wanted(colour="blue")).json() == made
    assert api.written() == before


def test_what_is_applied_no_more_goes(api: Api) -> None:
    applied(api, "me", wanted(colour="blue", shape="round"))
    applied(api, "you", wanted(size="big"))
    assert applied(api, "me", wanted(shape="round")).json()["data"] == {"shape": "round", "size": "big"}


def test_what_somebody_else_manages_is_refused_unless_it_is_forced(api: Api) -> None:
    applied(api, "me", wanted(colour="blue"))
    before = api.get(f"{CONFIG_MAPS}/a")
    status = refused(applied(api, "you", wanted(colour="red")), 409, "Conflict")
    assert status["details"]["causes"] == [
        {"reason": "FieldManagerConflict", "message": 'conflict with "me"', "field": ".data.colour"}
    ]
    assert api.get(f"{CONFIG_MAPS}/a") == before
    forced = applied(api, "you", wanted(colour="red"), force="true").json()
    assert forced["data"] == {"colour": "red"}
    assert managers(forced) == {("you", "Apply"): {"f:data": {"f:colour": {}}}}


def test_every_way_of_writing_is_noted(api: Api) -> None:
    api.http.post(CONFIG_MAPS, json=wanted(colour="blue"), headers={"user-agent": "first/1.0 (linux)"})
    patched(api, f"{CONFIG_MAPS}/a", {"data": {"shape": "round"}}, fieldManager="second")
    found = managers(api.get(f"{CONFIG_MAPS}/a"))
    assert set(found) == {("first", "Update"), ("second", "Update")}
    assert found["second", "Update"] == {"f:data": {"f:shape": {}}}
    assert "f:colour" in found["first", "Update"]["f:data"]


def test_a_status_is_noted_apart(api: Api) -> None:
    template = {"metadata": {"labels": {"a": "b"}}, "spec": pod()["spec"]}
    api.post(
        DEPLOYMENTS,
        {"metadata": {"name": "d"}, "spec": {"selector": {"matchLabels": {"a": "b"}}, "template": template}},
    )
    patched(api, f"{DEPLOYMENTS}/d/status", {"status": {"replicas": 3}}, fieldManager="loop")
    entries = api.get(f"{DEPLOYMENTS}/d")["metadata"]["managedFields"]
    assert [each["manager"] for each in entries if each.get("subresource") == "status"] == ["loop"]
    assert api.get(f"{DEPLOYMENTS}/d")["metadata"]["generation"] == 1


def test_managers_can_be_forgotten(api: Api) -> None:
    applied(api, "me", wanted(colour="blue"))
    patch = [{"op": "replace", "path": "/metadata/managedFields", "value": [{}]}]
    answer = api.http.patch(f"{CONFIG_MAPS}/a", json=patch, headers={"content-type": "application/json-patch+json"})
    assert answer.status_code == 200
    assert "managedFields" not in answer.json()["metadata"]


def test_an_apply_of_a_pod_keeps_what_the_cluster_decided(api: Api) -> None:
    document = {"apiVersion": "v1", "kind": "Pod", **pod("p", labels={"x": "1"})}
    made = applied(api, "me", document, path=f"{PODS}/p")
    assert made.status_code == 201
    assert made.json()["spec"]["tolerations"]
    changed = {**document, "metadata": {"name": "p", "labels": {"x": "2"}}}
    again = applied(api, "me", changed, path=f"{PODS}/p").json()
    assert again["metadata"]["labels"] == {"x": "2"}
    assert again["spec"] == made.json()["spec"]


def test_what_the_cluster_decides_is_nobodys(api: Api) -> None:
    """So `kubectl apply --server-side` can take over from `kubectl apply`, which sends none of it."""
    made = api.http.post(PODS, json=pod("p"), params={"fieldManager": "kubectl-client-side-apply"}).json()
    (entry,) = made["metadata"]["managedFields"]
    owned = set(entry["fieldsV1"]["f:spec"])
    assert {"f:containers", "f:restartPolicy"} <= owned
    assert owned.isdisjoint({"f:tolerations", "f:priority", "f:preemptionPolicy", "f:serviceAccountName"})
    # As kubectl does it: what was written before becomes what is applied.
    entry |= {"manager": "kubectl", "operation": "Apply"}
    patched(api, f"{PODS}/p", {"metadata": {"managedFields": [entry]}})
    document = {"apiVersion": "v1", "kind": "Pod", **pod("p", labels={"x": "1"})}
    again = applied(api, "kubectl", document, path=f"{PODS}/p")
    assert again.status_code == 200, again.text
    assert again.json()["spec"] == made["spec"]


def test_a_dry_apply_shows_and_writes_nothing(api: Api) -> None:
    before = api.written()
    assert applied(api, "me", wanted(colour="blue"), dryRun="All").status_code == 201
    assert api.written() == before


@pytest.mark.parametrize(
    ("document", "query", "code", "reason"),
    [
        pytest.param(wanted(), {}, 400, "BadRequest", id="nobody-applies"),
        pytest.param(
            {**wanted(), "metadata": {"name": "a", "managedFields": [{}]}},
            {"fieldManager": "me"},
            400,
            "BadRequest",
            id="managers-are-not-said",
        ),
        pytest.param({**wanted(), "kind": "Secret"}, {"fieldManager": "me"}, 400, "BadRequest", id="another-kind"),
        pytest.param({"data": {"k": 7}}, {"fieldManager": "me"}, 400, "BadRequest", id="a-number"),
        pytest.param({**wanted(), "metadata": {"name": "b"}}, {"fieldManager": "me"}, 400, "BadRequest", id="name"),
    ],
)
def test_what_cannot_be_applied(
    idle_api: Api, document: dict[str, Any], query: dict[str, str], code: int, reason: str
) -> None:
    before = idle_api.written()
    refused(patched(idle_api, f"{CONFIG_MAPS}/a", document, as_=APPLY, **query), code, reason)
    assert idle_api.written() == before


def test_only_an_apply_can_be_forced(idle_api: Api) -> None:
    refused(patched(idle_api, f"{PODS}/taken", {}, force="true"), 400, "BadRequest")
