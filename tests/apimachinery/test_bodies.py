"""Bodies become documents, whatever they are written in; what cannot be read is refused with a sentence."""

import json
import re
from typing import Any

import msgspec
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from kuberklone.apimachinery import bodies
from kuberklone.errors import Malformed, UnsupportedMediaType

YAML = "application/yaml"
SCALARS = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False)
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"))
DOCUMENTS = st.dictionaries(
    TEXTS,
    st.recursive(SCALARS | TEXTS, lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner), max_leaves=20),
)


def paths(body: bytes, content_type: str | None = None) -> list[str]:
    return [problem.path for problem in bodies.read(body, content_type).problems]


@pytest.mark.parametrize(
    "content_type",
    [None, "", "*/*", "application/json", "Application/JSON; charset=utf-8", "application/json;x=y"],
)
def test_json_is_read_under_each_of_its_names_and_without_one(content_type: str | None) -> None:
    body = bodies.read(b'{"kind":"Pod","a":[1,2.5,null,true,"x"]}', content_type)
    assert body.document == {"kind": "Pod", "a": [1, 2.5, None, True, "x"]}
    assert body.problems == []


@given(DOCUMENTS, st.sampled_from([None, 2]), st.booleans())
def test_every_json_document_is_read_as_written_and_has_no_field_twice(
    document: dict[str, Any], indent: int | None, ascii_only: bool
) -> None:
    body = bodies.read(json.dumps(document, indent=indent, ensure_ascii=ascii_only).encode(), None)
    assert body.document == document
    assert body.problems == []


@given(DOCUMENTS)
def test_every_document_in_yaml_is_read_as_written(document: dict[str, Any]) -> None:
    # Quoted, since Go takes some texts for numbers that PyYAML takes for texts: 1e3.
    text = yaml.safe_dump(document, default_style='"').encode()
    assert bodies.read(text, YAML).document == document


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"a":1,"a":2}', ["a"]),
        (b'{"a":1,"a":2,"a":3}', ["a"]),
        (b'{"metadata":{"name":"x","name":"x"},"b":1,"b":2}', ["b", "metadata.name"]),
        (b'{"spec":{"containers":[{},{"name":"a", "name":"b"}]}}', ["spec.containers[1].name"]),
        (b'{"a":"\\u00e9","b":{"c":1,"c":2}}', ["b.c"]),
        (b'{"a":{"x":1,"x":2},"a":{}}', ["a"]),
        (b'{"a":1e2,"\\u0061":2}', ["a"]),
    ],
)
def test_fields_given_twice_are_named_by_path_and_the_last_one_counts(body: bytes, expected: list[str]) -> None:
    assert paths(body) == expected
    assert bodies.read(body, None).document == json.loads(body)


def test_fields_given_twice_are_not_looked_for_when_nobody_wants_to_know() -> None:
    assert bodies.read(b'{"a":1,"a":2}', None, strict=False).problems == []


def test_fields_given_twice_in_yaml_are_named_by_path() -> None:
    text = b"spec:\n  containers:\n  - name: a\n    name: b\nspec: {}\n"
    assert paths(text, YAML) == ["spec.containers[0].name", "spec"]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a", "a"),
        ("'1'", "1"),
        ("!!str 1", "1"),
        ("1", 1),
        ("-1", -1),
        ("0x1F", 31),
        ("0644", 420),
        ("0X1f", 31),
        ("1_0.5", 10.5),
        ("0o17", 15),
        ("089", 89),
        ("1_000", 1000),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("1.", 1.0),
        ("80:80", "80:80"),
        ("1:30", "1:30"),
        ("2001-01-01", "2001-01-01"),
        ("2001-01-01T00:00:00Z", "2001-01-01T00:00:00Z"),
        ("500m", "500m"),
        (".nan", ".nan"),
        (".inf", ".inf"),
        ("1e999", "1e999"),
        ("yes", True),
        ("Off", False),
        ("~", None),
        ("", None),
        ("null", None),
        ("=", "="),
        ("<<", "<<"),
        ("9" * 50, "9" * 50),
        ("|\n  a\n  b\n", "a\nb\n"),
    ],
)
def test_a_yaml_scalar_is_what_go_yaml_takes_it_for(text: str, value: object) -> None:
    read = bodies.read(f"a: {text}\n".encode(), YAML).document["a"]
    assert (read, type(read)) == (value, type(value))


def test_keys_of_yaml_are_texts() -> None:
    assert bodies.read(b"1: a\nyes: b\n'x': c\n", YAML).document == {"1": "a", "true": "b", "x": "c"}


@pytest.mark.parametrize(
    ("body", "content_type", "said"),
    [
        pytest.param(b"", None, "not JSON", id="empty"),
        pytest.param(b"", YAML, "must be an object", id="empty YAML"),
        pytest.param(b"[]", None, "must be an object", id="a list"),
        pytest.param(b"null", None, "must be an object", id="null"),
        pytest.param(b"{", None, "not JSON", id="cut off"),
        pytest.param(b'{"a":NaN}', None, "not JSON", id="NaN"),
        pytest.param(b'{"a":1e999}', None, "not JSON", id="infinity"),
        pytest.param(b'{"a":' + b"1" * 5000 + b"}", None, "not JSON", id="long number"),
        pytest.param(b'{"a":"\xff"}', None, "not JSON", id="not UTF-8"),
        pytest.param(b'{"a":"\\ud800"}', None, "not JSON", id="half a character"),
        pytest.param(b"{} {}", None, "not JSON", id="two documents"),
        pytest.param(b'{"a":' * 101 + b"1" + b"}" * 101, None, "deeper than 100", id="deep"),
        pytest.param(b"[" * 100_000, None, "deeper than 100", id="very deep"),
        pytest.param(b'{"a":' + b"[" * 500 + b"]" * 500 + b"}", None, "deeper than 100", id="deep list"),
        pytest.param(b'{"a":["x\\u0000"]}', None, "U+0000", id="NUL"),
        pytest.param(b'{"a\\u0000":1}', None, "U+0000", id="NUL in a key"),
        pytest.param(b"a: &x 1\nb: *x\n", YAML, "alias", id="YAML alias"),
        pytest.param(b"a: 1\n---\nb: 1\n", YAML, "several", id="YAML documents"),
        pytest.param(b"a: [", YAML, "not YAML", id="YAML cut off"),
        pytest.param(b"a: b: c", YAML, "not YAML", id="no YAML"),
        pytest.param(b"? [a]\n: b\n", YAML, "is no text", id="YAML key"),
        pytest.param(b"~: a", YAML, "is null", id="null as YAML key"),
        pytest.param(b"[" * 50_000, YAML, "nesting depth", id="very deep YAML"),
        pytest.param(b"[" * 101 + b"]" * 101, YAML, "deeper than 100", id="deep YAML"),
        pytest.param(b'a: "x\\0"', YAML, "U+0000", id="NUL in YAML"),
        pytest.param(b"a: !!binary aGk=", YAML, "tag", id="YAML tag"),
        pytest.param(b"a: \xff", YAML, "not YAML", id="YAML that is not UTF-8"),
    ],
)
def test_what_cannot_be_read_is_malformed(body: bytes, content_type: str | None, said: str) -> None:
    with pytest.raises(Malformed, match=re.escape(said)) as caught:
        bodies.read(body, content_type)
    assert len(str(caught.value)) < 400


def test_one_hundred_levels_are_read() -> None:
    body = b'{"a":' * 100 + b"1" + b"}" * 100
    assert bodies.read(body, None).document == json.loads(body)


def test_a_body_that_is_too_large_is_not_read() -> None:
    with pytest.raises(Malformed, match="at most 10"):
        bodies.read(b'{"a":"bcdefgh"}', None, bytes_max=10)


@pytest.mark.parametrize("content_type", ["text/plain", "application/cbor", "application/xml;q=1", "json"])
def test_other_types_are_not_supported(content_type: str) -> None:
    with pytest.raises(UnsupportedMediaType, match="accepted media types include: application/json"):
        bodies.read(b"{}", content_type)


@given(st.binary(max_size=60) | st.text(alphabet='{}[]:,"ab1 -&*?|\n\\').map(str.encode))
def test_any_bytes_are_a_document_or_malformed(body: bytes) -> None:
    for content_type in (None, YAML, bodies.PROTOBUF):
        try:
            document = bodies.read(body, content_type).document
        except Malformed:
            continue
        assert msgspec.json.decode(msgspec.json.encode(document)) == document


@pytest.mark.parametrize(("content_type", "type_"), list(bodies.PATCH_TYPES.items()))
def test_the_header_tells_the_type_of_a_patch(content_type: str, type_: str) -> None:
    body = b'[{"op":"test"}]' if type_ == "json" else b'{"a":null}'
    patch = bodies.read_patch(body, content_type + "; charset=utf-8")
    assert (patch.type, patch.content) == (type_, json.loads(body))


def test_an_apply_patch_may_be_yaml() -> None:
    patch = bodies.read_patch(b"a:\n- b\n", "application/apply-patch+yaml")
    assert (patch.type, patch.content) == ("apply", {"a": ["b"]})


@pytest.mark.parametrize("content_type", [None, "application/json", YAML])
def test_a_patch_without_its_type_is_not_supported(content_type: str | None) -> None:
    with pytest.raises(UnsupportedMediaType, match="application/merge-patch"):
        bodies.read_patch(b"{}", content_type)


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"{}", "application/json-patch+json"),
        (b"[]", "application/merge-patch+json"),
        (b"[]", "application/strategic-merge-patch+json"),
        (b"- a", "application/apply-patch+yaml"),
    ],
)
def test_a_patch_of_the_wrong_shape_is_malformed(body: bytes, content_type: str) -> None:
    with pytest.raises(Malformed):
        bodies.read_patch(body, content_type)
