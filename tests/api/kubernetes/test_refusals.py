"""Whatever somebody sends, on any verb: a Status that says what is wrong, and nothing written."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kuberklone import errors
from kuberklone.api.kubernetes import statuses
from tests.api.kubernetes.client import (
    APPLY,
    CONFIG_MAPS,
    JSON_PATCH,
    MERGE,
    NODES,
    PODS,
    STRATEGIC,
    config_map,
    pod,
    refused,
)
from tests.api.running import Api

JSON = "application/json"


def test_every_error_has_its_status() -> None:
    ours = {
        value
        for value in vars(errors).values()
        if isinstance(value, type) and issubclass(value, errors.KuberkloneError)
    }
    assert ours == set(statuses.REASONS)


def _deep(levels: int) -> str:
    return '{"a":' * levels + "1" + "}" * levels


BODIES = {
    "empty": b"",
    "not-json": b"{",
    "a-number": b"7",
    "a-list": b"[]",
    "null": b"null",
    "a-text": b'"text"',
    "no-utf-8": b'{"metadata":{"name":"\xff"}}',
    "zero-byte": b'{"metadata":{"name":"a\\u0000b"}}',
    "surrogate": b'{"metadata":{"name":"\\ud800"}}',
    "deep": _deep(5_000).encode(),
    "other-kind": b'{"kind":"Secret","metadata":{"name":"a"}}',
    "other-version": b'{"apiVersion":"v7","metadata":{"name":"a"}}',
    "kind-is-no-text": b'{"kind":7,"apiVersion":[],"metadata":{"name":"a"}}',
    "metadata-is-a-list": b'{"metadata":[]}',
    "name-is-a-number": b'{"metadata":{"name":7}}',
    "labels-are-numbers": b'{"metadata":{"name":"a","labels":{"x":1}}}',
    "bad-label": b'{"metadata":{"name":"a","labels":{"-":"-"}}}',
    "bad-name": b'{"metadata":{"name":"A_B"}}',
    "no-name": b'{"metadata":{}}',
    "other-namespace": b'{"metadata":{"name":"a","namespace":"other"}}',
    "revision": b'{"metadata":{"name":"a","resourceVersion":"x"}}',
    "owner-without-uid": b'{"metadata":{"name":"a","ownerReferences":[{"kind":"Pod","apiVersion":"v1","name":"p"}]}}',
    "bad-finalizer": b'{"metadata":{"name":"a","finalizers":["not good"]}}',
    "large": json.dumps({"metadata": {"name": "a"}, "data": {"a": "a" * 30_000}}).encode(),
    "huge-number": b'{"metadata":{"name":"a","generation":1e999}}',
    "long-number": b'{"metadata":{"name":"a","generation":' + b"9" * 5_000 + b"}}",
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
@pytest.mark.parametrize("path", [CONFIG_MAPS, PODS])
def test_no_bad_body_creates_anything(idle_api: Api, path: str, body: bytes) -> None:
    before = idle_api.written()
    answer = idle_api.http.post(path, content=body, headers={"content-type": JSON})
    _is_refusal(answer)
    assert idle_api.written() == before


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_no_bad_body_replaces_anything(idle_api: Api, body: bytes) -> None:
    if body in (BODIES["no-name"], BODIES["empty"]):
        body = b'{"metadata":{"name":"another"}}'
    before = idle_api.written()
    _is_refusal(idle_api.http.put(f"{PODS}/taken", content=body, headers={"content-type": JSON}))
    assert idle_api.written() == before


PATCHES = [
    *((as_, body) for as_ in (MERGE, STRATEGIC, APPLY) for body in (b"", b"{", b"[]", b"7", _deep(5_000).encode())),
    *((JSON_PATCH, body) for body in (b"", b"{}", b"[7]", b'[{"op":"fly"}]', b'[{"op":"remove","path":"/nothing"}]')),
    (JSON_PATCH, b'[{"op":"test","path":"/metadata/name","value":"other"}]'),
    (JSON_PATCH, b'[{"op":"replace","path":"","value":7}]'),
    (JSON_PATCH, b'[{"op":"replace","path":"/metadata","value":[]}]'),
    (JSON_PATCH, b'[{"op":"replace","path":"/metadata/name","value":"other"}]'),
    (JSON_PATCH, b'[{"op":"add","path":"/spec/containers/99","value":{}}]'),
    (MERGE, b'{"metadata":{"name":"other"}}'),
    (MERGE, b'{"metadata":7}'),
    (MERGE, b'{"metadata":null}'),
    (MERGE, b'{"spec":null}'),
    (MERGE, b'{"spec":{"containers":null}}'),
    (MERGE, b'{"spec":{"nodeName":"elsewhere"}}'),
    (MERGE, b'{"kind":"Node"}'),
    (STRATEGIC, b'{"spec":{"containers":[{"image":"x"}]}}'),
    (STRATEGIC, b'{"spec":{"containers":7}}'),
    (STRATEGIC, b'{"spec":{"$patch":"fly"}}'),
    (STRATEGIC, b'{"spec":{"$setElementOrder/containers":7}}'),
    ("application/json", b"{}"),
    ("text/plain", b"{}"),
    ("", b"{}"),
]


@pytest.mark.parametrize(
    ("as_", "body"), PATCHES, ids=[f"{as_.partition('+')[0]} {body[:40]!r}" for as_, body in PATCHES]
)
def test_no_bad_patch_changes_anything(idle_api: Api, as_: str, body: bytes) -> None:
    before = idle_api.written()
    answer = idle_api.http.patch(
        f"{PODS}/taken", content=body, headers={"content-type": as_}, params={"fieldManager": "test"}
    )
    _is_refusal(answer)
    assert idle_api.written() == before


@pytest.mark.parametrize(
    ("body", "query"),
    [
        (b"{", {}),
        (b"[]", {}),
        (b'{"kind":"Pod"}', {}),
        (b'{"propagationPolicy":"Sideways"}', {}),
        (b'{"propagationPolicy":7}', {}),
        (b'{"gracePeriodSeconds":-1}', {}),
        (b'{"gracePeriodSeconds":"soon"}', {}),
        (b'{"gracePeriodSeconds":99999999999999}', {}),
        (b'{"preconditions":7}', {}),
        (b'{"preconditions":{"uid":7}}', {}),
        (b'{"preconditions":{"resourceVersion":"x"}}', {}),
        (b'{"dryRun":["Some"]}', {}),
        (b'{"dryRun":7}', {}),
        (b'{"orphanDependents":true,"propagationPolicy":"Orphan"}', {}),
        (b"", {"gracePeriodSeconds": "soon"}),
        (b"", {"propagationPolicy": "Sideways"}),
        (b"", {"dryRun": "some"}),
    ],
    ids=str,
)
@pytest.mark.parametrize("path", [f"{PODS}/taken", PODS])
def test_no_bad_deletion_deletes_anything(idle_api: Api, path: str, body: bytes, query: dict[str, str]) -> None:
    before = _rows(idle_api)
    _is_refusal(idle_api.http.request("DELETE", path, content=body, params=query))
    assert _rows(idle_api) == before


@pytest.mark.parametrize(
    ("method", "path", "code", "reason"),
    [
        ("GET", "/api/v1/nothings", 404, "NotFound"),
        ("GET", "/api/v7/pods", 404, "NotFound"),
        ("GET", "/apis/nothing.example.com/v1/things", 404, "NotFound"),
        ("GET", "/apis/apps/v1/namespaces/default/deployments/d/nothing", 404, "NotFound"),
        ("GET", "/api/v1/namespaces/default/nodes", 404, "NotFound"),
        ("GET", "/api/v1/pods/taken", 404, "NotFound"),
        ("GET", f"{PODS}/not-there", 404, "NotFound"),
        ("GET", f"{PODS}/%00", 404, "NotFound"),
        ("GET", f"{PODS}/%ff%fe", 404, "NotFound"),
        ("GET", "/api/v1/namespaces/%00/pods", 404, "NotFound"),
        ("GET", f"{PODS}/taken/status/more", 404, "NotFound"),
        ("GET", "/apis/metrics.k8s.io/v1beta1/pods/taken/more", 404, "NotFound"),
        ("GET", "/openapi/v3///api/v1", 404, "NotFound"),
        ("GET", f"{PODS}/{'a' * 5_000}", 404, "NotFound"),
        ("GET", f"{PODS}/..%2f..", 404, "NotFound"),
        ("GET", "/api/v1/namespaces//pods", 404, "NotFound"),
        ("PUT", f"{PODS}/not-there", 404, "NotFound"),
        ("DELETE", f"{PODS}/not-there", 404, "NotFound"),
        ("DELETE", "/api/v1/namespaces/default", 403, "Forbidden"),
        ("POST", "/api/v1/pods", 405, "MethodNotAllowed"),
        ("POST", f"{PODS}/taken", 405, "MethodNotAllowed"),
        ("PUT", PODS, 405, "MethodNotAllowed"),
        ("PATCH", PODS, 405, "MethodNotAllowed"),
        ("DELETE", "/api/v1/namespaces", 405, "MethodNotAllowed"),
        ("TRACE", PODS, 405, "MethodNotAllowed"),
        ("OPTIONS", PODS, 405, "MethodNotAllowed"),
        ("POST", "/version", 405, "MethodNotAllowed"),
    ],
)
def test_what_is_not_there_or_not_allowed(idle_api: Api, method: str, path: str, code: int, reason: str) -> None:
    before = _rows(idle_api)
    body = {"metadata": {"name": "not-there"}, "spec": pod()["spec"]} if method == "PUT" else None
    refused(idle_api.http.request(method, path, json=body), code, reason)
    assert _rows(idle_api) == before


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"dryRun": "Some"}, 422),
        ({"fieldValidation": "Loose"}, 422),
        ({"fieldManager": "a" * 129}, 422),
        ({"fieldManager": "a\nb"}, 422),
    ],
    ids=str,
)
def test_a_write_says_only_what_can_be_meant(idle_api: Api, query: dict[str, str], code: int) -> None:
    before = idle_api.written()
    refused(idle_api.http.post(CONFIG_MAPS, json=config_map("a"), params=query), code, "Invalid")
    assert idle_api.written() == before


@pytest.mark.parametrize("content_type", ["text/plain", "application/xml", "application/x-www-form-urlencoded"])
def test_a_body_of_another_type_is_not_read(idle_api: Api, content_type: str) -> None:
    answer = idle_api.http.post(CONFIG_MAPS, content=b"{}", headers={"content-type": content_type})
    refused(answer, 415, "UnsupportedMediaType")


def test_a_body_that_is_too_large_is_refused_before_it_is_read(idle_api: Api) -> None:
    answer = idle_api.http.post(CONFIG_MAPS, content=b"{" + b" " * 25_000)
    refused(answer, 413, "RequestEntityTooLarge")


def test_an_invalid_document_names_each_field(idle_api: Api) -> None:
    wrong = {"metadata": {"name": "A", "labels": {"x": "y z"}}, "spec": {"containers": []}}
    status = refused(idle_api.http.post(PODS, json=wrong), 422, "Invalid")
    assert status["message"].startswith('Pod "A" is invalid: [')
    assert status["details"]["kind"] == "Pod"
    assert status["details"]["name"] == "A"
    causes = {(cause["field"], cause["reason"]) for cause in status["details"]["causes"]}
    assert {
        ("metadata.name", "FieldValueInvalid"),
        ("metadata.labels", "FieldValueInvalid"),
        ("spec.containers", "FieldValueRequired"),
    } <= causes


@pytest.mark.parametrize("validation", ["Strict", "Warn", "Ignore", None])
def test_unknown_and_doubled_fields_are_told_as_the_client_asks(api: Api, validation: str | None) -> None:
    body = b'{"metadata":{"name":"a"},"data":{"k":"v"},"colour":1,"data":{"k":"w"}}'
    params = {} if validation is None else {"fieldValidation": validation}
    answer = api.http.post(CONFIG_MAPS, content=body, params=params)
    told = ['unknown field "colour"', 'duplicate field "data"']
    if validation == "Strict":
        status = refused(answer, 400, "BadRequest")
        assert status["message"].startswith("strict decoding error: ")
        assert all(each in status["message"] for each in told)
        return
    assert answer.status_code == 201
    assert "colour" not in answer.json()
    warnings = answer.headers.get_list("warning")
    escaped = [each.replace('"', '\\"') for each in told]
    assert warnings == ([] if validation == "Ignore" else [f'299 - "{each}"' for each in escaped])


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=12,
)
_MEMBERS = st.sampled_from(["metadata", "spec", "status", "data", "apiVersion", "kind", "stringData", "type"])
_DOCUMENTS = st.dictionaries(_MEMBERS, _JSON, max_size=5)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    document=_DOCUMENTS,
    path=st.sampled_from([CONFIG_MAPS, PODS, NODES, "/apis/apps/v1/namespaces/default/deployments"]),
)
def test_no_document_without_a_name_is_ever_created(idle_api: Api, document: dict[str, Any], path: str) -> None:
    before = idle_api.written()
    _is_refusal(idle_api.http.post(path, json={**document, "metadata": {"labels": document.get("metadata")}}))
    _is_refusal(idle_api.http.post(path, json=document))
    assert idle_api.written() == before


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(patch=_DOCUMENTS, as_=st.sampled_from([MERGE, STRATEGIC, APPLY]))
def test_any_patch_is_answered_with_an_object_or_a_status(api: Api, patch: dict[str, Any], as_: str) -> None:
    api.http.post(PODS, json=pod("a"))
    answer = api.http.patch(
        f"{PODS}/a", json=patch, headers={"content-type": as_}, params={"fieldManager": "test", "dryRun": "All"}
    )
    assert answer.status_code < 500, answer.text
    assert answer.json()["kind"] in ("Pod", "Status")


def _rows(api: Api) -> dict[str, int]:
    """What there is; a revision may be lost to a request that is refused under the lock, and a gap is no harm."""
    return {**api.written(), "revision": 0}


def _is_refusal(answer: Any) -> None:
    assert 400 <= answer.status_code < 500, answer.text
    status = answer.json()
    assert (status["kind"], status["status"], status["code"]) == ("Status", "Failure", answer.status_code)
    assert status["message"]
    assert "Traceback" not in answer.text
