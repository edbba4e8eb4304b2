"""Strategic merge patches do what Kubernetes makes of them, in the order it has."""

import contextlib
import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kuberklone.apimachinery import schemas, strategic_patch
from kuberklone.errors import Malformed
from tests.apimachinery import frozen
from tests.apimachinery.made_up import Author

FROZEN = frozen.read("strategic")
POD = schemas.schema_of("v1", "Pod")
DEPLOYMENT = schemas.schema_of("apps/v1", "Deployment")


def containers(*names: str) -> dict[str, Any]:
    return {"spec": {"containers": [{"name": name, "image": "i"} for name in names]}}


def patched(document: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any]:
    return strategic_patch.apply(document, patch, POD)


def names(document: dict[str, Any]) -> list[str]:
    return [container["name"] for container in document["spec"]["containers"]]


@pytest.mark.parametrize("number", range(len(FROZEN)))
def test_a_made_up_patch_gives_what_go_makes_of_it(number: int) -> None:
    case, answer = FROZEN[number]["case"], FROZEN[number]["answer"]
    schema = schemas.schema_of(case["apiVersion"], case["kind"])
    if answer is None:
        with pytest.raises(Malformed):
            strategic_patch.apply(case["document"], case["patch"], schema)
    else:
        # Go leaves nulls and directives in items that are new; they go when it reads the object into its types.
        result = strategic_patch.apply(case["document"], case["patch"], schema)
        assert strategic_patch.plain(result) == strategic_patch.plain(answer)


@given(st.integers(0, 10**6))
def test_a_patch_never_changes_what_it_is_given(seed: int) -> None:
    author = Author(seed)
    document = author.document()
    patch = author.strategic_patch(document)
    before = copy.deepcopy((document, patch))
    with contextlib.suppress(Malformed):
        strategic_patch.apply(document, patch, schemas.schema_of(document["apiVersion"], document["kind"]))
    assert (document, patch) == before


@given(st.integers(0, 10**6))
def test_a_document_patched_with_itself_stays_itself(seed: int) -> None:
    document = Author(seed).document()
    schema = schemas.schema_of(document["apiVersion"], document["kind"])
    if document["kind"] != "Service":  # whose ports share a key when their protocols differ
        assert strategic_patch.apply(document, document, schema) == document


def test_an_item_of_a_merged_list_is_found_by_its_key() -> None:
    patch = {"spec": {"containers": [{"name": "b", "image": "j"}]}}
    expected = [{"name": "b", "image": "j"}, {"name": "a", "image": "i"}]
    assert patched(containers("a", "b"), patch)["spec"]["containers"] == expected[::-1]


def test_a_new_item_comes_first_as_in_kubernetes() -> None:
    assert names(patched(containers("a", "b"), containers("c"))) == ["c", "a", "b"]


def test_the_order_can_be_set() -> None:
    patch = containers("c")
    patch["spec"]["$setElementOrder/containers"] = [{"name": "b"}, {"name": "c"}, {"name": "a"}]
    assert names(patched(containers("a", "b"), patch)) == ["b", "c", "a"]


def test_an_item_is_deleted_by_its_key() -> None:
    patch = {"spec": {"containers": [{"$patch": "delete", "name": "a"}]}}
    assert names(patched(containers("a", "b"), patch)) == ["b"]


def test_a_merged_list_can_be_replaced() -> None:
    patch = {"spec": {"containers": [{"name": "c"}, {"$patch": "replace"}]}}
    assert names(patched(containers("a", "b"), patch)) == ["c"]


def test_null_takes_a_field_away() -> None:
    assert patched(containers("a"), {"spec": {"containers": None}}) == {"spec": {}}


def test_a_list_without_a_merge_key_is_replaced() -> None:
    document = {"spec": {"tolerations": [{"key": "a"}, {"key": "b"}]}}
    assert patched(document, {"spec": {"tolerations": [{"key": "c"}]}})["spec"]["tolerations"] == [{"key": "c"}]


def test_plain_values_are_merged_and_deleted() -> None:
    document = {"metadata": {"finalizers": ["a", "b"]}}
    patch = {"metadata": {"$deleteFromPrimitiveList/finalizers": ["a"], "finalizers": ["c", "b"]}}
    assert sorted(patched(document, patch)["metadata"]["finalizers"]) == ["b", "c"]


def test_only_the_keys_that_are_named_are_retained() -> None:
    document = {"spec": {"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}}}}
    patch = {"spec": {"strategy": {"$retainKeys": ["type"], "type": "Recreate"}}}
    assert strategic_patch.apply(document, patch, DEPLOYMENT) == {"spec": {"strategy": {"type": "Recreate"}}}


@pytest.mark.parametrize(
    ("directive", "expected"),
    [("replace", {"a": "1"}), ("delete", {})],
)
def test_an_object_can_be_replaced_and_emptied(directive: str, expected: dict[str, str]) -> None:
    document = {"metadata": {"labels": {"x": "y"}}}
    patch = {"metadata": {"labels": {"$patch": directive, "a": "1"}}}
    assert patched(document, patch) == {"metadata": {"labels": expected}}


def test_two_ports_of_one_number_can_be_set_in_order() -> None:
    ports = [{"port": 80, "protocol": "TCP"}, {"port": 80, "protocol": "UDP"}]
    patch = {"spec": {"ports": ports, "$setElementOrder/ports": [{"port": 80}, {"port": 80}]}}
    assert strategic_patch.apply({}, patch, schemas.schema_of("v1", "Service")) == {"spec": {"ports": ports}}


def test_fields_that_begin_with_a_dollar_are_no_directives() -> None:
    assert patched({}, {"x": {"$ref": "y", "a": None}}) == {"x": {"$ref": "y"}}


@pytest.mark.parametrize(
    "patch",
    [
        pytest.param({"spec": {"$patch": "merge"}}, id="directive of an object"),
        pytest.param({"spec": {"containers": [{"$patch": "merge", "name": "a"}]}}, id="directive of an item"),
        pytest.param({"spec": {"containers": [{"image": "i"}]}}, id="no key"),
        pytest.param({"spec": {"containers": [{"$patch": "delete"}]}}, id="no key to delete by"),
        pytest.param({"spec": {"containers": [{"name": ["a"]}]}}, id="key is a list"),
        pytest.param({"spec": {"containers": ["a"]}}, id="plain values among objects"),
        pytest.param({"spec": {"containers": [["a"]]}}, id="lists among objects"),
        pytest.param({"spec": {"$retainKeys": ["a"], "b": 1}}, id="keys that are not retained"),
        pytest.param({"spec": {"$retainKeys": "a"}}, id="retained keys are no list"),
        pytest.param({"spec": {"$setElementOrder/containers": {}}}, id="order is no list"),
        pytest.param(
            {"spec": {"containers": [{"name": "b"}], "$setElementOrder/containers": [{"name": "a"}]}},
            id="not in the order",
        ),
        pytest.param(
            {"spec": {"$deleteFromPrimitiveList/containers": [{"name": "a"}]}}, id="objects deleted as values"
        ),
        pytest.param({"spec": {"tolerations": [], "$setElementOrder/tolerations": [{"key": "a"}]}}, id="no merge key"),
    ],
)
def test_a_patch_that_means_nothing_is_malformed(patch: dict[str, Any]) -> None:
    document = containers("a")
    document["spec"]["tolerations"] = [{"key": "a"}]
    with pytest.raises(Malformed):
        patched(document, patch)


def test_a_long_list_is_merged_in_a_moment() -> None:
    many = containers(*(f"c{number}" for number in range(50_000)))
    assert len(names(patched(many, many))) == 50_000
