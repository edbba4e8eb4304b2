"""Reviews: whoever is let in may do anything, and is told under which name."""

from typing import Any

import httpx
import pytest

from tests.api.kubernetes.client import NAMESPACES, TABLE, refused
from tests.api.running import Api

AUTHORIZATION = "/apis/authorization.k8s.io/v1"
AUTHENTICATION = "/apis/authentication.k8s.io/v1"
ATTRIBUTES = {"resourceAttributes": {"namespace": "default", "verb": "delete", "resource": "pods"}}
ACCOUNTS = f"{NAMESPACES}/default/serviceaccounts"


def asked(api: Api, path: str, spec: dict[str, Any]) -> dict[str, Any]:
    review: dict[str, Any] = api.post(path, {"spec": spec})
    assert review["spec"] == spec
    return dict(review["status"])


@pytest.mark.parametrize(
    ("resource", "spec"),
    [
        pytest.param("selfsubjectaccessreviews", ATTRIBUTES, id="of a resource"),
        pytest.param(
            "selfsubjectaccessreviews", {"nonResourceAttributes": {"path": "/metrics", "verb": "get"}}, id="of a path"
        ),
        pytest.param("subjectaccessreviews", {**ATTRIBUTES, "user": "somebody"}, id="of somebody else"),
    ],
)
def test_everything_is_allowed(idle_api: Api, resource: str, spec: dict[str, Any]) -> None:
    assert asked(idle_api, f"{AUTHORIZATION}/{resource}", spec)["allowed"] is True


def test_a_namespace_has_reviews_of_its_own(idle_api: Api) -> None:
    path = f"{AUTHORIZATION}/namespaces/default/localsubjectaccessreviews"
    assert asked(idle_api, path, {**ATTRIBUTES, "user": "somebody"})["allowed"] is True


def test_the_rules_say_that_everything_is_allowed(idle_api: Api) -> None:
    status = asked(idle_api, f"{AUTHORIZATION}/selfsubjectrulesreviews", {"namespace": "default"})
    assert status["resourceRules"] == [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}]
    assert status["incomplete"] is False


def test_on_the_plain_listener_nobody_is_asked_who_they_are(idle_api: Api) -> None:
    status = idle_api.post(f"{AUTHENTICATION}/selfsubjectreviews", {})["status"]
    assert status["userInfo"] == {"username": "system:anonymous", "groups": ["system:unauthenticated"]}


@pytest.mark.parametrize(
    ("path", "body", "code", "reason"),
    [
        pytest.param(f"{AUTHORIZATION}/selfsubjectaccessreviews", {"spec": {}}, 422, "Invalid", id="of nothing"),
        pytest.param(f"{AUTHORIZATION}/subjectaccessreviews", {"spec": ATTRIBUTES}, 422, "Invalid", id="of nobody"),
        pytest.param(f"{AUTHORIZATION}/selfsubjectrulesreviews", {"spec": {}}, 400, "BadRequest", id="of nowhere"),
    ],
)
def test_a_review_that_asks_nothing_is_refused(idle_api: Api, path: str, body: Any, code: int, reason: str) -> None:
    refused(idle_api.http.post(path, json=body), code, reason)


def test_a_review_can_be_no_table(idle_api: Api) -> None:
    path = f"{AUTHORIZATION}/selfsubjectaccessreviews"
    refused(idle_api.http.post(path, json={"spec": ATTRIBUTES}, headers={"accept": TABLE}), 406, "NotAcceptable")


def test_a_review_can_only_be_created(idle_api: Api) -> None:
    refused(idle_api.http.get(f"{AUTHORIZATION}/selfsubjectaccessreviews"), 405, "MethodNotAllowed")


# -------------------------------------------------------------------------------------------------------------- tokens


def token(api: Api, name: str, **spec: Any) -> httpx.Response:
    return api.http.post(f"{ACCOUNTS}/{name}/token", json={"spec": {"audiences": ["api"], **spec}})


def test_the_token_of_a_service_account_says_who_it_is(api: Api) -> None:
    api.post(ACCOUNTS, {"metadata": {"name": "builder"}})
    made = token(api, "builder", expirationSeconds=1_200).json()
    assert made["spec"]["expirationSeconds"] == 1_200
    assert made["status"]["expirationTimestamp"].endswith("Z")
    review = api.post(f"{AUTHENTICATION}/tokenreviews", {"spec": {"token": made["status"]["token"]}})["status"]
    assert review["authenticated"] is True
    assert review["user"]["username"] == "system:serviceaccount:default:builder"
    assert "system:serviceaccounts:default" in review["user"]["groups"]


@pytest.mark.parametrize("text", ["", "abc", f"kk.abc.{'0' * 64}"])
def test_a_token_that_nobody_made_is_nobodys(idle_api: Api, text: str) -> None:
    review = idle_api.post(f"{AUTHENTICATION}/tokenreviews", {"spec": {"token": text}})["status"]
    assert review["authenticated"] is False
    assert review["error"]


def test_nobody_gets_a_token_for_an_account_that_is_not_there(idle_api: Api) -> None:
    refused(token(idle_api, "nobody"), 404, "NotFound")


@pytest.mark.parametrize("seconds", [1, 599, 2**33])
def test_a_token_lives_ten_minutes_at_least_and_not_for_ever(api: Api, seconds: int) -> None:
    api.post(ACCOUNTS, {"metadata": {"name": "builder"}})
    refused(token(api, "builder", expirationSeconds=seconds), 422, "Invalid")
