"""Documents are held against the schemas of Kubernetes, field by field."""

import copy
import re
from typing import Any

import pytest

from kuberklone.apimachinery import schemas
from kuberklone.apimachinery.problem import Problem
from kuberklone.errors import NotFound

POD: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "web", "labels": {"app": "web"}, "creationTimestamp": None},
    "spec": {
        "containers": [
            {
                "name": "web",
                "image": "nginx",
                "ports": [{"containerPort": 80}],
                "resources": {"requests": {"cpu": 1, "memory": "64Mi"}, "limits": {"cpu": 0.5}},
                "livenessProbe": {"httpGet": {"port": "http", "path": "/"}},
                "readinessProbe": {"httpGet": {"port": 80}},
                "securityContext": {},
                "env": None,
            }
        ],
        "nodeSelector": None,
        "affinity": None,
    },
    "status": {},
}


def changed(path: str, value: object) -> dict[str, Any]:
    """The pod with another value at a path such as spec.containers.0.name."""
    document = copy.deepcopy(POD)
    *way, last = path.split(".")
    place: Any = document
    for step in way:
        place = place[int(step)] if isinstance(place, list) else place[step]
    place[last] = value
    return document


def only(problems: list[Problem]) -> tuple[str, str]:
    (problem,) = problems
    return problem.path, problem.reason


def test_a_document_as_clients_send_it_is_good() -> None:
    assert schemas.validate("v1", "Pod", POD) == []


@pytest.mark.parametrize(
    ("path", "value", "problem"),
    [
        ("foo", 1, ("foo", "unknown")),
        ("spec.foo", None, ("spec.foo", "unknown")),
        ("metadata.naem", "x", ("metadata.naem", "unknown")),
        ("spec.containers.0.foo", 1, ("spec.containers[0].foo", "unknown")),
        ("spec.containers.0.livenessProbe.httpGet.x", 1, ("spec.containers[0].livenessProbe.httpGet.x", "unknown")),
        ("spec.containers.0.name", 1, ("spec.containers[0].name", "type")),
        ("spec.containers.0.name", None, ("spec.containers[0].name", "required")),
        ("spec.containers.0.ports", {}, ("spec.containers[0].ports", "type")),
        ("spec.containers.0.ports", [{}], ("spec.containers[0].ports[0].containerPort", "required")),
        ("spec.containers", [1], ("spec.containers[0]", "type")),
        ("spec.terminationGracePeriodSeconds", "30", ("spec.terminationGracePeriodSeconds", "type")),
        ("spec.terminationGracePeriodSeconds", 1.5, ("spec.terminationGracePeriodSeconds", "type")),
        ("spec.terminationGracePeriodSeconds", 1.0, ("spec.terminationGracePeriodSeconds", "type")),
        ("spec.terminationGracePeriodSeconds", 2**63, ("spec.terminationGracePeriodSeconds", "type")),
        ("spec.priority", 2**31, ("spec.priority", "type")),
        ("spec.hostNetwork", "true", ("spec.hostNetwork", "type")),
        ("spec", "x", ("spec", "type")),
        ("metadata.labels.app", 1, ("metadata.labels.app", "type")),
        ("metadata.labels", {"a/b": 1}, ("metadata.labels[a/b]", "type")),
        ("metadata.creationTimestamp", "yesterday", ("metadata.creationTimestamp", "type")),
        ("metadata.creationTimestamp", "2024-02-30T00:00:00Z", ("metadata.creationTimestamp", "type")),
        ("metadata.creationTimestamp", "2024-02-03t00:00:00z", ("metadata.creationTimestamp", "type")),
        ("spec.containers.0.resources.requests.cpu", "1x", ("spec.containers[0].resources.requests.cpu", "type")),
        ("spec.containers.0.resources.requests.cpu", "", ("spec.containers[0].resources.requests.cpu", "type")),
        ("spec.containers.0.resources.requests.cpu", True, ("spec.containers[0].resources.requests.cpu", "type")),
        (
            "spec.containers.0.livenessProbe.httpGet.port",
            1.5,
            ("spec.containers[0].livenessProbe.httpGet.port", "type"),
        ),
    ],
)
def test_what_is_wrong_is_named_by_its_path(path: str, value: object, problem: tuple[str, str]) -> None:
    assert only(schemas.validate("v1", "Pod", changed(path, value))) == problem


@pytest.mark.parametrize("time", ["2024-02-29T01:02:03Z", "2024-02-29T01:02:03.123456Z", "2024-02-29T01:02:03+00:00"])
def test_times_are_read_as_go_and_python_write_them(time: str) -> None:
    assert schemas.validate("v1", "Pod", changed("metadata.creationTimestamp", time)) == []


@pytest.mark.parametrize(
    "amount", ["1", "100m", "1.5", ".5", "1.", "64Mi", "2k", "1e3", "1E-3", "-1", "+1", "1E", 3, 0.1]
)
def test_quantities_are_read_as_texts_and_numbers(amount: object) -> None:
    assert schemas.validate("v1", "Pod", changed("spec.containers.0.resources.requests.cpu", amount)) == []


def test_several_unknown_fields_are_all_named() -> None:
    document = changed("spec.containers.0.foo", 1)
    document["spec"] |= {"a": 1, "b": 2}
    problems = schemas.validate("v1", "Pod", document)
    assert [problem.path for problem in problems] == ["spec.containers[0].foo", "spec.a", "spec.b"]


def test_a_kind_may_leave_out_what_a_status_requires() -> None:
    assert schemas.validate("v1", "Pod", changed("status.containerStatuses", [{"name": "web"}])) == []
    assert only(schemas.validate("v1", "Pod", changed("status.containerStatuses", [{"nmae": "web"}]))) == (
        "status.containerStatuses[0].nmae",
        "unknown",
    )


def test_an_empty_list_may_be_null_where_a_list_is_required() -> None:
    assert schemas.validate("v1", "Pod", changed("spec.containers", None)) == []
    document = copy.deepcopy(POD)
    del document["spec"]["containers"]
    assert only(schemas.validate("v1", "Pod", document)) == ("spec.containers", "required")


def test_an_object_that_is_required_may_not_be_null() -> None:
    deployment: dict[str, Any] = {"spec": {"selector": None, "template": {}}}
    assert only(schemas.validate("apps/v1", "Deployment", deployment)) == ("spec.selector", "required")


@pytest.mark.parametrize(
    ("value", "good"),
    [
        *(("aGk=", True), ("", True), ("aGk=\n", True), ("aG\nk=", True), (None, True)),
        *(("aGk", False), ("a", False), ("aGk==", False), ("äGk=", False), (1, False)),
    ],
)
def test_bytes_are_base64_as_go_reads_it(value: object, good: bool) -> None:
    assert (schemas.validate("v1", "Secret", {"data": {"a": value}}) == []) is good


def test_a_large_secret_is_checked() -> None:
    assert schemas.validate("v1", "Secret", {"data": {"a": "QUJD" * 250_000}}) == []


def test_what_is_free_may_hold_anything() -> None:
    revision = {"data": {"spec": {"foo": [1, {"x": None}]}}, "revision": 1}
    assert schemas.validate("apps/v1", "ControllerRevision", revision) == []
    fields: list[Any] = [{"fieldsV1": {"f:metadata": {"f:labels": {".": {}}}}}]
    assert schemas.validate("v1", "Pod", changed("metadata.managedFields", fields)) == []


def test_a_wrong_document_is_answered_in_a_few_lines_of_bounded_length() -> None:
    document = changed("spec.containers", ["x" * 1000] * 1000)
    problems = schemas.validate("v1", "Pod", document)
    assert len(problems) <= 200
    assert all(len(problem.message) < 200 for problem in problems)


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("spec.priority", "x", 'expected integer, got "x"'),
        ("spec.priority", 2**40, "expected an integer in range, got 1099511627776"),
        ("spec.containers.0.resources.requests.cpu", "1x", "quantities must match the regular expression"),
        ("spec.containers.0.resources.requests.cpu", [], "expected number or string, got []"),
        ("metadata.creationTimestamp", "x", 'expected a time such as 2006-01-02T15:04:05Z, got "x"'),
    ],
)
def test_a_mismatch_says_what_is_expected(path: str, value: object, said: str) -> None:
    (problem,) = schemas.validate("v1", "Pod", changed(path, value))
    assert re.match(re.escape(said), problem.message)


def test_every_kind_has_a_validator_that_takes_an_empty_status_and_metadata() -> None:
    for api_version, kind in [("v1", "Node"), ("autoscaling/v2", "HorizontalPodAutoscaler"), ("policy/v1", "Eviction")]:
        problems = schemas.validate(api_version, kind, {"metadata": {}, "kind": "anything", "apiVersion": "any"})
        assert [problem.reason for problem in problems if problem.reason != "required"] == []


def test_a_kind_that_is_not_there_is_not_found() -> None:
    assert not schemas.knows("v1", "Deployment")
    assert schemas.knows("apps/v1", "Deployment")
    with pytest.raises(NotFound, match='no kind "Deployment" is registered for version "v1"'):
        schemas.validate("v1", "Deployment", {})
