"""Protobuf of Go clients becomes the document that they would have sent as JSON."""

import graphlib
import json
from base64 import b64decode
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kuberklone.apimachinery import protobuf
from kuberklone.apimachinery.protobuf import forms
from kuberklone.apimachinery.protobuf.table import table
from kuberklone.errors import Malformed
from tests.apimachinery import frozen

SAMPLES = frozen.read("protobuf")
IDS = [
    f"{sample['document'].get('apiVersion')}-{sample['document'].get('kind')}-{n}" for n, sample in enumerate(SAMPLES)
]


def number(value: int) -> bytes:
    """A varint."""
    value &= 2**64 - 1
    found = bytearray()
    while value >= 0x80:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*found, value])


def field(place: int, value: int | bytes) -> bytes:
    if isinstance(value, int):
        return number(place << 3) + number(value)
    return number(place << 3 | 2) + number(len(value)) + value


def body(kind: str, content: bytes, api_version: str = "v1") -> bytes:
    type_meta = field(1, api_version.encode()) + field(2, kind.encode())
    return b"k8s\0" + field(1, type_meta) + field(2, content)


def without_nulls(value: Any) -> Any:
    """What Go writes as null is not there in protobuf."""
    if isinstance(value, dict):
        return {key: without_nulls(inner) for key, inner in value.items() if inner is not None}
    return [without_nulls(item) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize("sample", SAMPLES, ids=IDS)
def test_a_made_up_object_is_decoded_to_the_json_of_go(sample: dict[str, Any]) -> None:
    decoded = protobuf.decode(b64decode(sample["protobuf"]))
    assert without_nulls(decoded) == without_nulls(sample["document"])


def test_every_kind_that_is_served_has_a_sample() -> None:
    sampled = {(sample["document"]["apiVersion"], sample["document"]["kind"]) for sample in SAMPLES}
    wanted = [("v1", "Pod"), ("v1", "Binding"), ("v1", "Event"), ("v1", "Secret"), ("apps/v1", "Deployment")]
    wanted += [("apps/v1", "DeleteOptions"), ("autoscaling/v1", "Scale"), ("autoscaling/v2", "HorizontalPodAutoscaler")]
    wanted += [("policy/v1", "Eviction"), ("batch/v1", "CronJob"), ("events.k8s.io/v1", "Event")]
    wanted += [("authorization.k8s.io/v1", "SelfSubjectAccessReview"), ("authentication.k8s.io/v1", "TokenRequest")]
    wanted += [("rbac.authorization.k8s.io/v1", "RoleBinding"), ("networking.k8s.io/v1", "Ingress")]
    assert set(wanted) <= sampled
    assert len(sampled) > 70


def test_the_table_knows_every_message_that_it_names() -> None:
    plain = {"string", "int", "bool", "bytes", "Time", "MicroTime", "Duration", "Quantity", "IntOrString"}
    named = {
        field.type.removeprefix("[]").removeprefix("{}") for fields in table().messages.values() for field in fields
    }
    assert named - plain - {"Raw", "Items"} <= set(table().messages)


def test_no_message_contains_itself() -> None:
    inside = {
        message: {field.type.removeprefix("[]").removeprefix("{}") for field in fields} & set(table().messages)
        for message, fields in table().messages.items()
    }
    order = graphlib.TopologicalSorter(inside).static_order()  # raises CycleError
    assert len(list(order)) == len(table().messages)


def test_numbers_and_names_are_used_once_in_each_message() -> None:
    for message, fields in table().messages.items():
        numbers = [field.number for field in fields]
        names = [field.name for field in fields if field.name != "+"]
        assert len(set(numbers)) == len(numbers), message
        assert len(set(names)) == len(names), message


def test_a_zero_is_left_out_unless_it_was_put_there() -> None:
    # Service: clusterIP (3) and ports (1); nodePort (5) is 0 without having been asked for.
    port = field(1, b"") + field(3, 80) + field(4, field(1, 0) + field(2, 0) + field(3, b"")) + field(5, 0)
    document = protobuf.decode(body("Service", field(2, field(1, port) + field(3, b""))))
    assert document["spec"] == {"ports": [{"port": 80, "targetPort": 0}]}
    # Deployment: replicas (1) is a pointer, so a zero is what somebody wants.
    deployment = protobuf.decode(body("Deployment", field(2, field(1, 0)), "apps/v1"))
    assert deployment["spec"]["replicas"] == 0


def test_a_map_may_leave_out_what_is_zero() -> None:
    decoded = protobuf.decode(body("Secret", field(2, field(1, b"a")) + field(2, b"")))
    assert decoded["data"] == {"a": "", "": ""}
    limits = field(1, b"cpu")
    pod = protobuf.decode(body("Node", field(3, field(1, limits))))
    assert pod["status"]["capacity"] == {"cpu": "0"}


def test_fields_that_nobody_knows_are_passed_over() -> None:
    strange = field(99, 1) + field(98, b"x") + number(97 << 3 | 5) + b"\0" * 4 + number(96 << 3 | 1) + b"\0" * 8
    decoded = protobuf.decode(body("ConfigMap", strange + field(2, field(1, b"a") + field(2, b"b"))))
    assert decoded == {"apiVersion": "v1", "kind": "ConfigMap", "data": {"a": "b"}}


def test_options_are_read_whatever_group_they_are_sent_to() -> None:
    content = field(1, 0) + field(4, b"Foreground")
    decoded = protobuf.decode(body("DeleteOptions", content, "example.com/v7"))
    assert decoded["gracePeriodSeconds"] == 0
    assert decoded["propagationPolicy"] == "Foreground"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param(b"", "does not begin", id="empty"),
        pytest.param(b"{}", "does not begin", id="JSON"),
        pytest.param(b"k8s\0", "no kind", id="nothing inside"),
        pytest.param(b"k8s\0\x0a\xff", "ends inside a number", id="cut off in a length"),
        pytest.param(b"k8s\0\x0a\x7fab", "longer", id="cut off in a text"),
        pytest.param(b"k8s\0" + b"\xff" * 20, "more than 64 bits", id="endless number"),
        pytest.param(body("Pod", b"\x0a"), "longer", id="no length"),
        pytest.param(body("Pod", b"\x0a\x7f"), "longer", id="length beyond the end"),
        pytest.param(body("Pod", b"\x0a\xff\x7f"), "longer", id="long length beyond the end"),
        pytest.param(body("Pod", b"\x0b"), "no wire type 3", id="group"),
        pytest.param(body("Pod", b"\x09\0\0"), "longer", id="cut off in a fixed number"),
        pytest.param(body("Pod", field(1, 5)), "another type", id="number for an object"),
        pytest.param(body("ConfigMap", field(4, b"x")), "another type", id="text for a bool"),
        pytest.param(body("Pod", field(1, field(1, b"\xff"))), "not UTF-8", id="not UTF-8"),
        pytest.param(body("Pod", field(1, field(1, b"a\0"))), "U\\+0000", id="NUL"),
        pytest.param(body("Spam", b""), 'no kind "Spam"', id="no such kind"),
        pytest.param(body("Pod", b"", "v9"), 'no kind "Pod" of version "v9"', id="no such version"),
        pytest.param(
            body("ControllerRevision", field(2, field(1, b"{")), "apps/v1"), "not JSON", id="raw JSON cut off"
        ),
        pytest.param(body("ControllerRevision", field(2, field(1, b"[" * 200)), "apps/v1"), "JSON", id="raw JSON deep"),
        pytest.param(body("Pod", field(1, field(8, field(1, 2**60)))), "years 1 to 9999", id="time"),
        pytest.param(b"k8s\0" + field(2, b"") + field(3, b"gzip"), "compressed", id="compressed"),
    ],
)
def test_what_cannot_be_read_is_malformed(content: bytes, said: str) -> None:
    with pytest.raises(Malformed, match=said) as caught:
        protobuf.decode(content)
    assert len(str(caught.value)) < 300


@given(st.data())
def test_any_change_of_a_good_body_is_read_or_malformed(data: st.DataObject) -> None:
    content = bytearray(b64decode(data.draw(st.sampled_from(SAMPLES))["protobuf"]))
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(4, len(content) - 1))
        content[place : place + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    try:
        json.dumps(protobuf.decode(bytes(content)), allow_nan=True)
    except Malformed as error:
        assert str(error)  # noqa: PT017 - either is right, and anything else is the failure


@pytest.mark.parametrize(
    ("nanos", "said"),
    [
        (0, "0s"),
        (1, "1ns"),
        (1_500, "1.5µs"),
        (2_500_000, "2.5ms"),
        (1_000_000_000, "1s"),
        (90_000_000_000, "1m30s"),
        (3_600_000_000_000, "1h0m0s"),
        (3_661_500_000_000, "1h1m1.5s"),
        (-5_000_000_000, "-5s"),
        (1_000_000_001, "1.000000001s"),
    ],
)
def test_a_duration_is_written_as_go_writes_it(nanos: int, said: str) -> None:
    content = field(1, nanos)
    assert forms.duration(content, 0, len(content)) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "1970-01-01T00:00:00Z"), (-62135596799, "0001-01-01T00:00:01Z"), (253402300799, "9999-12-31T23:59:59Z")],
)
def test_a_time_is_written_with_four_digits_of_the_year(seconds: int, said: str) -> None:
    content = field(1, seconds)
    assert forms.time(content, 0, len(content)) == said
