"""What an agent reads out of a pod's spec."""

from typing import Any

import msgspec
import pytest

from kuberklone.agent import assignments, pod_spec
from kuberklone.agent.assignments import Assignment
from kuberklone.agent.pod_spec import CannotRunError, ContainerSpec, Self
from kuberklone.errors import InvalidField
from kuberklone.kinds.reporting import AssignedPod

SELF = Self(
    name="web",
    namespace="shop",
    uid="u-1",
    node_name="node-1",
    annotations={"team": "blue"},
    service_account="default",
    host_ip="10.0.0.7",
    pod_ip="",
)


def container(**fields: Any) -> ContainerSpec:
    return msgspec.json.decode(msgspec.json.encode({"name": "main", "image": "app"} | fields), type=ContainerSpec)


def environment(*variables: dict[str, Any], self: Self = SELF, **fields: Any) -> dict[str, str]:
    return pod_spec.environment(container(env=list(variables), **fields), self)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        pytest.param("metadata.name", "web", id="name"),
        pytest.param("metadata.namespace", "shop", id="namespace"),
        pytest.param("metadata.uid", "u-1", id="uid"),
        pytest.param("spec.nodeName", "node-1", id="node"),
        pytest.param("spec.serviceAccountName", "default", id="service account"),
        pytest.param("status.hostIP", "10.0.0.7", id="the node's address"),
        pytest.param("metadata.annotations['team']", "blue", id="an annotation"),
        pytest.param("metadata.annotations['other']", "", id="an annotation that it has not"),
    ],
)
def test_a_pod_may_ask_about_itself(path: str, value: str) -> None:
    assert environment({"name": "IT", "valueFrom": {"fieldRef": {"fieldPath": path}}}) == {"IT": value}


@pytest.mark.parametrize(
    ("variable", "what"),
    [
        pytest.param({"fieldRef": {"fieldPath": "status.podIP"}}, "status.podIP", id="not known before it runs"),
        pytest.param({"fieldRef": {"fieldPath": "metadata.labels['a']"}}, "metadata.labels", id="labels"),
        pytest.param({"configMapKeyRef": {"name": "c", "key": "k"}}, "fieldRef", id="a ConfigMap"),
        pytest.param({"secretKeyRef": {"name": "s", "key": "k"}}, "fieldRef", id="a Secret"),
        pytest.param({"resourceFieldRef": {"resource": "limits.cpu"}}, "fieldRef", id="its limits"),
    ],
)
def test_what_an_agent_cannot_know_is_named(variable: dict[str, Any], what: str) -> None:
    with pytest.raises(CannotRunError, match=what) as refusal:
        environment({"name": "IT", "valueFrom": variable})
    assert "IT" in str(refusal.value)


def test_what_is_optional_is_left_out() -> None:
    assert environment({"name": "IT", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k", "optional": True}}}) == {}


def test_whole_config_maps_are_refused() -> None:
    with pytest.raises(CannotRunError, match="envFrom"):
        environment(envFrom=[{"configMapRef": {"name": "c"}}])


@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        pytest.param("plain", "plain", id="nothing to replace"),
        pytest.param("http://$(HOST):$(PORT)/", "http://db:5432/", id="variables"),
        pytest.param("$(NOBODY)", "$(NOBODY)", id="none of that name"),
        pytest.param("$$(HOST)", "$(HOST)", id="escaped"),
        pytest.param("$HOST ${HOST}", "$HOST ${HOST}", id="what a shell would replace"),
    ],
)
def test_references_are_replaced(text: str, expanded: str) -> None:
    assert pod_spec.expanded(text, {"HOST": "db", "PORT": "5432"}) == expanded


def test_a_variable_may_refer_to_those_before_it() -> None:
    assert environment({"name": "A", "value": "$(B)"}, {"name": "B", "value": "2"}, {"name": "C", "value": "$(B)"}) == {
        "A": "$(B)",
        "B": "2",
        "C": "2",
    }


def test_amounts_are_quantities() -> None:
    given = container(resources={"limits": {"cpu": "1.5", "memory": "64Mi"}, "requests": {"cpu": "250m"}})
    assert (given.cpu_limit_millis(), given.cpu_request_millis(), given.memory_limit_bytes()) == (1500, 250, 2**26)
    assert (
        container().cpu_limit_millis() is container().cpu_request_millis() is container().memory_limit_bytes() is None
    )


def test_an_amount_that_is_none_is_named() -> None:
    with pytest.raises(InvalidField) as refusal:
        container(resources={"limits": {"memory": "lots"}}).memory_limit_bytes()
    assert refusal.value.field == "resources.limits.memory"


def test_a_container_is_found_by_its_name() -> None:
    spec = pod_spec.decode(b'{"containers":[{"name":"a"}],"initContainers":[{"name":"b"}]}')
    assert [spec.container(name).name for name in ("a", "b")] == ["a", "b"]
    with pytest.raises(KeyError):
        spec.container("c")


def read(spec: bytes, *, shares_network: bool = False, **fields: Any) -> Assignment:
    told = AssignedPod(uid="u-1", namespace="shop", name="web", spec=msgspec.Raw(spec), **fields)
    return assignments.read([told], {}, shares_network=shares_network, now_ms=1_000)["u-1"]


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        pytest.param(b'{"containers":[]}', "the pod has none", id="no containers"),
        pytest.param(b"{}", "containers", id="not even a list"),
        pytest.param(b'{"containers":[{"name":5}]}', "str", id="another type"),
    ],
)
def test_a_spec_that_cannot_be_run_says_why(spec: bytes, why: str) -> None:
    found = read(spec)
    assert found.spec is None
    assert why in found.pod.invalid
    # It is not decoded again with every list.
    told = AssignedPod(uid="u-1", namespace="shop", name="web", spec=msgspec.Raw(spec))
    again = assignments.read([told], {"u-1": found}, shares_network=False, now_ms=2_000)["u-1"]
    assert again.pod.invalid == found.pod.invalid


TWO = b'{"containers":[{"name":"a"},{"name":"b"}]}'
ONE = b'{"containers":[{"name":"a"}]}'
PREPARED = b'{"containers":[{"name":"a"}],"initContainers":[{"name":"b"}]}'


@pytest.mark.parametrize(
    ("spec", "shares_network", "expected"),
    [
        pytest.param(ONE, False, False, id="one: it holds its own"),
        pytest.param(TWO, False, True, id="two"),
        pytest.param(PREPARED, False, True, id="one, after another"),
        pytest.param(TWO, True, False, id="two in their node's"),
    ],
)
def test_a_network_for_several_is_held_by_one_more(spec: bytes, shares_network: bool, expected: bool) -> None:
    assert read(spec, shares_network=shares_network).pod.has_network is expected


@pytest.mark.parametrize(
    ("spec", "fields", "grace_ms"),
    [
        pytest.param(ONE, {}, 30_000, id="Kubernetes' own"),
        pytest.param(b'{"containers":[{"name":"a"}],"terminationGracePeriodSeconds":5}', {}, 5_000, id="the pod's"),
        pytest.param(ONE, {"deleting": True, "deletion_grace_s": 0}, 0, id="that of the deletion"),
    ],
)
def test_the_grace_is_the_most_precise_one(spec: bytes, fields: dict[str, Any], grace_ms: int) -> None:
    assert read(spec, **fields).pod.grace_ms == grace_ms
