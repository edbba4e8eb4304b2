"""JSON patch as RFC 6902 has it: all operations or none, and nothing that grows without bounds."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kuberklone.apimachinery import json_patch
from kuberklone.errors import Invalid, Malformed

DOCUMENT: dict[str, Any] = {"a": {"b": [1, 2, 3]}, "x/y": 1, "m~n": 2, "": 3, "null": None}
KEYS = st.sampled_from(["a", "b", "c"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(), lambda inner: st.dictionaries(KEYS, inner) | st.lists(inner)
)
POINTERS = st.lists(KEYS | st.sampled_from(["0", "1", "-"]), max_size=3).map(
    lambda steps: "".join(f"/{step}" for step in steps)
)
OPERATIONS = st.lists(
    st.fixed_dictionaries(
        {
            "op": st.sampled_from(["add", "remove", "replace", "move", "copy", "test"]),
            "path": POINTERS,
            "from": POINTERS,
            "value": VALUES,
        }
    ),
    max_size=6,
)


@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        ({"op": "add", "path": "/c", "value": 1}, DOCUMENT | {"c": 1}),
        ({"op": "add", "path": "/a", "value": 1}, DOCUMENT | {"a": 1}),
        ({"op": "add", "path": "/c", "value": None}, DOCUMENT | {"c": None}),
        ({"op": "add", "path": "/a/b/0", "value": 0}, DOCUMENT | {"a": {"b": [0, 1, 2, 3]}}),
        ({"op": "add", "path": "/a/b/3", "value": 4}, DOCUMENT | {"a": {"b": [1, 2, 3, 4]}}),
        ({"op": "add", "path": "/a/b/-", "value": 4}, DOCUMENT | {"a": {"b": [1, 2, 3, 4]}}),
        ({"op": "add", "path": "", "value": {"z": 1}}, {"z": 1}),
        ({"op": "replace", "path": "", "value": {"z": 1}}, {"z": 1}),
        ({"op": "replace", "path": "/x~1y", "value": 5}, DOCUMENT | {"x/y": 5}),
        ({"op": "replace", "path": "/m~0n", "value": 5}, DOCUMENT | {"m~n": 5}),
        ({"op": "replace", "path": "/", "value": 5}, DOCUMENT | {"": 5}),
        ({"op": "replace", "path": "/a/b/1", "value": 5}, DOCUMENT | {"a": {"b": [1, 5, 3]}}),
        ({"op": "remove", "path": "/a/b/1"}, DOCUMENT | {"a": {"b": [1, 3]}}),
        ({"op": "remove", "path": "/a/b"}, DOCUMENT | {"a": {}}),
        ({"op": "move", "from": "/a/b/0", "path": "/a/b/2"}, DOCUMENT | {"a": {"b": [2, 3, 1]}}),
        ({"op": "move", "from": "/a/b", "path": "/a/c"}, DOCUMENT | {"a": {"c": [1, 2, 3]}}),
        ({"op": "move", "from": "/a", "path": "/a"}, DOCUMENT),
        ({"op": "copy", "from": "/a/b", "path": "/c"}, DOCUMENT | {"c": [1, 2, 3]}),
        ({"op": "test", "path": "/a/b", "value": [1, 2, 3]}, DOCUMENT),
        ({"op": "test", "path": "/null", "value": None}, DOCUMENT),
        ({"op": "test", "path": "/nowhere", "value": None}, DOCUMENT),
    ],
)
def test_each_operation_does_what_it_says(operation: dict[str, Any], expected: dict[str, Any]) -> None:
    assert json_patch.apply(DOCUMENT, [operation]) == expected


@pytest.mark.parametrize(
    ("operation", "said"),
    [
        ({"op": "remove", "path": "/c"}, "nothing at the path"),
        ({"op": "remove", "path": ""}, "whole document"),
        ({"op": "remove", "path": "/a/b/3"}, "no item '3'"),
        ({"op": "remove", "path": "/a/b/-"}, "no item '-'"),
        ({"op": "remove", "path": "/a/b/01"}, "no item '01'"),
        ({"op": "replace", "path": "/c", "value": 1}, "nothing at the path"),
        ({"op": "replace", "path": "/a/b/3", "value": 1}, "no item"),
        ({"op": "add", "path": "/c/d", "value": 1}, "nothing at the path"),
        ({"op": "add", "path": "/a/b/4", "value": 1}, "no item"),
        ({"op": "add", "path": "/x~1y/z", "value": 1}, "no object or list"),
        ({"op": "move", "from": "/a", "path": "/a/b"}, "into itself"),
        ({"op": "copy", "from": "/c", "path": "/d"}, "nothing at the path"),
        ({"op": "test", "path": "/x~1y", "value": 2}, "not the one"),
        ({"op": "test", "path": "/x~1y", "value": True}, "not the one"),
        ({"op": "test", "path": "/c", "value": 1}, "not the one"),
        ({"op": "replace", "path": "", "value": [1]}, "leaves no object"),
    ],
)
def test_an_operation_that_does_not_fit_the_document_is_invalid(operation: dict[str, Any], said: str) -> None:
    with pytest.raises(Invalid, match=said) as caught:
        json_patch.apply(DOCUMENT, [operation])
    assert len(caught.value.causes) == 1


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "add", "path": "/c"},
        {"op": "add", "path": "c", "value": 1},
        {"op": "add", "path": "/a~2", "value": 1},
        {"op": "add", "path": None, "value": 1},
        {"op": "add", "value": 1},
        {"op": "move", "path": "/c"},
        {"op": "spam", "path": "/c"},
        {"path": "/c"},
        {"op": [], "path": "/c"},
        "add",
        None,
    ],
)
def test_a_patch_of_the_wrong_shape_is_malformed_and_says_where(operation: Any) -> None:
    with pytest.raises(Malformed, match=r"patch\[1\]"):
        json_patch.apply(DOCUMENT, [{"op": "test", "path": "/null", "value": None}, operation])


@given(st.dictionaries(KEYS, VALUES), OPERATIONS)
def test_a_patch_never_changes_what_it_is_given(document: dict[str, Any], patch: list[Any]) -> None:
    before = copy.deepcopy((document, patch))
    try:
        patched = json_patch.apply(document, patch)
    except (Invalid, Malformed):
        patched = {}
    for key in patched:
        patched[key] = "changed"
    assert (document, patch) == before


@given(st.dictionaries(KEYS, VALUES), KEYS, VALUES)
def test_what_was_added_can_be_tested_for_and_taken_away(document: dict[str, Any], key: str, value: Any) -> None:
    document = {name: kept for name, kept in document.items() if name != key}
    operations = [{"op": "add", "path": f"/{key}", "value": value}, {"op": "test", "path": f"/{key}", "value": value}]
    assert json_patch.apply(document, operations) == document | {key: value}
    assert json_patch.apply(document, [*operations, {"op": "remove", "path": f"/{key}"}]) == document


def test_copies_cannot_grow_without_bounds() -> None:
    doubling = [{"op": "copy", "from": "", "path": f"/k{number}"} for number in range(64)]
    with pytest.raises(Malformed, match="copies more than"):
        json_patch.apply({"a": "x" * 1000}, doubling)


def test_a_patch_has_a_bounded_number_of_operations() -> None:
    with pytest.raises(Malformed, match="at most 10000"):
        json_patch.apply({}, [{"op": "add", "path": "/a", "value": 1}] * 10_001)


@pytest.mark.parametrize(
    "patch",
    [
        pytest.param([{"op": "add", "path": "/a" * depth, "value": {}} for depth in range(1, 200)], id="added"),
        pytest.param(
            [{"op": "add", "path": "/a" * depth, "value": {}} for depth in range(1, 3_000)], id="added deeply"
        ),
        pytest.param([{"op": "copy", "from": "", "path": "/a"}] * 600, id="copied"),
    ],
)
def test_a_document_cannot_be_patched_deeper_than_it_could_be_sent(patch: list[Any]) -> None:
    with pytest.raises(Malformed, match="the patched document nests deeper than 100 levels"):
        json_patch.apply({"x": 1}, patch)


def test_a_patch_can_be_applied_again() -> None:
    """As it is when somebody else wrote in between."""
    patch = [{"op": "add", "path": "/items", "value": []}, {"op": "add", "path": "/items/-", "value": 1}]
    assert [json_patch.apply({}, patch) for _ in range(3)] == [{"items": [1]}] * 3
