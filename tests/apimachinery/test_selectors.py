"""Selectors choose what Kubernetes' own would choose."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kuberklone.apimachinery import selectors
from kuberklone.apimachinery.selectors import FieldRequirement, LabelRequirement, LabelSelector
from kuberklone.errors import Invalid, Malformed

KEYS = st.sampled_from(["a", "b", "zone", "example.com/tier"])
VALUES = st.sampled_from(["", "1", "2", "10", "web", "a-b_c.d"])
LABELS = st.dictionaries(KEYS, VALUES)
REQUIREMENTS = st.one_of(
    st.builds(
        LabelRequirement,
        KEYS,
        st.sampled_from(["In", "NotIn"]),
        st.lists(VALUES, min_size=1, unique=True).map(lambda values: tuple(sorted(values))),
    ),
    st.builds(LabelRequirement, KEYS, st.sampled_from(["Exists", "DoesNotExist"])),
    st.builds(LabelRequirement, KEYS, st.sampled_from(["Gt", "Lt"]), st.sampled_from([("1",), ("-5",)])),
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ()),
        ("a", (LabelRequirement("a", "Exists"),)),
        ("!a", (LabelRequirement("a", "DoesNotExist"),)),
        ("! a", (LabelRequirement("a", "DoesNotExist"),)),
        ("a=b", (LabelRequirement("a", "In", ("b",)),)),
        ("a==b", (LabelRequirement("a", "In", ("b",)),)),
        (" a = b ", (LabelRequirement("a", "In", ("b",)),)),
        ("a=", (LabelRequirement("a", "In", ("",)),)),
        ("a!=b", (LabelRequirement("a", "NotIn", ("b",)),)),
        ("a in (c, b,b)", (LabelRequirement("a", "In", ("b", "c")),)),
        ("a in (,b)", (LabelRequirement("a", "In", ("", "b")),)),
        ("a notin (b)", (LabelRequirement("a", "NotIn", ("b",)),)),
        ("in in (in)", (LabelRequirement("in", "In", ("in",)),)),
        ("a>1,b<-2", (LabelRequirement("a", "Gt", ("1",)), LabelRequirement("b", "Lt", ("-2",)))),
        ("x/y=z,c", (LabelRequirement("x/y", "In", ("z",)), LabelRequirement("c", "Exists"))),
    ],
)
def test_a_label_selector_is_read(text: str, expected: tuple[LabelRequirement, ...]) -> None:
    assert selectors.parse_labels(text).requirements == expected


@pytest.mark.parametrize(
    "text",
    [
        *(",", "a,", "a,,b", "a=b=c", "a in b", "a in (b", "a in ()x", "a b", "!a=b", "a>b", "a>", "=b", "(a)", "a!b"),
        *("a/b/c", "-a", "a=-", "a=" + "x" * 64, "a" * 64, "a=b c", "ä", "a>99999999999999999999", "a>1\n0"),
    ],
)
def test_a_label_selector_that_cannot_be_read_is_malformed(text: str) -> None:
    with pytest.raises(Malformed, match="label selector"):
        selectors.parse_labels(text)


@pytest.mark.parametrize(
    ("text", "labels", "fits"),
    [
        ("a=b", {"a": "b"}, True),
        ("a=b", {}, False),
        ("a=", {"a": ""}, True),
        ("a=", {}, False),
        ("a!=b", {}, True),
        ("a!=b", {"a": "b"}, False),
        ("a notin (b,c)", {"a": "d"}, True),
        ("a", {"a": ""}, True),
        ("!a", {"a": ""}, False),
        ("a>1", {"a": "2"}, True),
        ("a>1", {"a": "1"}, False),
        ("a<1", {"a": "x"}, False),
        ("a<1", {}, False),
        ("a=b,c=d", {"a": "b"}, False),
    ],
)
def test_a_label_selector_fits_or_does_not(text: str, labels: dict[str, str], fits: bool) -> None:
    assert selectors.parse_labels(text).matches(labels) is fits


@given(st.lists(REQUIREMENTS, max_size=4))
def test_a_label_selector_written_down_is_read_as_the_same(requirements: list[LabelRequirement]) -> None:
    selector = LabelSelector(tuple(requirements))
    assert selectors.parse_labels(str(selector)) == selector


@given(LABELS, st.lists(REQUIREMENTS, max_size=4))
def test_labels_fit_a_selector_when_they_fit_each_of_its_requirements(
    labels: dict[str, str], requirements: list[LabelRequirement]
) -> None:
    each = [LabelSelector((requirement,)).matches(labels) for requirement in requirements]
    assert LabelSelector(tuple(requirements)).matches(labels) is all(each)


@given(LABELS, KEYS, st.lists(VALUES, min_size=1))
def test_in_and_notin_are_opposites(labels: dict[str, str], key: str, values: list[str]) -> None:
    chosen, refused = (selectors.parse_labels(f"{key} {word} ({','.join(values)})") for word in ("in", "notin"))
    assert chosen.matches(labels) is not refused.matches(labels)


@given(st.text(alphabet="ab=!<>(), \\\x00é", max_size=30))
def test_any_text_is_a_selector_or_malformed(text: str) -> None:
    for parse in (selectors.parse_labels, selectors.parse_fields):
        with contextlib.suppress(Malformed):
            parse(text)


def test_no_selector_chooses_nothing_and_an_empty_one_everything() -> None:
    assert selectors.label_selector(None).is_nothing
    assert not selectors.label_selector(None).matches({})
    assert selectors.label_selector({}).is_everything
    assert selectors.label_selector({"matchLabels": None}).matches({"a": "b"})


def test_a_selector_of_a_document_is_read() -> None:
    expressions = [{"key": "b", "operator": "NotIn", "values": ["2", "1"]}, {"key": "c", "operator": "Exists"}]
    selector = selectors.label_selector({"matchLabels": {"a": "x"}, "matchExpressions": expressions})
    assert str(selector) == "a=x,b notin (1,2),c"


@pytest.mark.parametrize(
    ("expression", "field"),
    [
        ({"key": "a", "operator": "Gt", "values": ["1"]}, "selector.matchExpressions[0].operator"),
        ({"key": "a", "operator": "In"}, "selector.matchExpressions[0].values"),
        ({"key": "a", "operator": "Exists", "values": ["1"]}, "selector.matchExpressions[0].values"),
    ],
)
def test_a_selector_of_a_document_that_means_nothing_is_invalid(expression: dict[str, object], field: str) -> None:
    with pytest.raises(Invalid) as caught:
        selectors.label_selector({"matchExpressions": [expression]})
    assert [cause.field for cause in caught.value.causes] == [field]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ()),
        (",", ()),
        ("a.b=c", (FieldRequirement("a.b", "=", "c"),)),
        ("a==c", (FieldRequirement("a", "=", "c"),)),
        ("a!=c,b=", (FieldRequirement("a", "!=", "c"), FieldRequirement("b", "=", ""))),
        (r"a=b\,c\=d\\e", (FieldRequirement("a", "=", r"b,c=d\e"),)),
    ],
)
def test_a_field_selector_is_read(text: str, expected: tuple[FieldRequirement, ...]) -> None:
    assert selectors.parse_fields(text).requirements == expected


@pytest.mark.parametrize("text", ["a", "=b", "a=b=c", "a=b\\", r"a=\b", "a,b=c"])
def test_a_field_selector_that_cannot_be_read_is_malformed(text: str) -> None:
    with pytest.raises(Malformed, match="field selector"):
        selectors.parse_fields(text)


@given(st.lists(st.builds(FieldRequirement, st.sampled_from(["a.b", "c"]), st.sampled_from(["=", "!="]), st.text())))
def test_a_field_selector_written_down_is_read_as_the_same(requirements: list[FieldRequirement]) -> None:
    selector = selectors.FieldSelector(tuple(requirements))
    assert selectors.parse_fields(str(selector)) == selector


def test_an_object_fits_when_all_its_fields_do() -> None:
    selector = selectors.parse_fields("spec.nodeName=node-1,status.phase!=Failed")
    fields = {"spec.nodeName": "node-1", "status.phase": "Running"}
    assert selector.matches(fields.__getitem__)
    assert not selector.matches((fields | {"status.phase": "Failed"}).__getitem__)
