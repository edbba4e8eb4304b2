"""Sets of fields behave like sets of paths."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from kuberklone.apimachinery.managed_fields import sets

PATHS = st.sets(st.lists(st.sampled_from(["f:a", "f:b", 'k:{"name":"x"}']), min_size=1, max_size=4).map(tuple))


def members(fields: dict[str, Any]) -> set[tuple[str, ...]]:
    return set(sets.paths(fields))


@given(PATHS)
def test_a_set_holds_the_paths_it_was_made_of(paths: set[tuple[str, ...]]) -> None:
    fields = sets.of_paths(*paths)
    assert members(fields) == paths
    assert len(list(sets.paths(fields))) == len(paths)


@given(PATHS, PATHS)
def test_union_intersection_and_difference_are_those_of_paths(
    one: set[tuple[str, ...]], other: set[tuple[str, ...]]
) -> None:
    here, there = sets.of_paths(*one), sets.of_paths(*other)
    assert members(sets.union(here, there)) == one | other
    assert members(sets.intersection(here, there)) == one & other
    assert members(sets.difference(here, there)) == one - other


@given(PATHS, PATHS)
def test_equal_sets_are_equal_documents_and_nothing_is_changed(
    one: set[tuple[str, ...]], other: set[tuple[str, ...]]
) -> None:
    here, there = sets.of_paths(*one), sets.of_paths(*other)
    assert sets.union(here, there) == sets.union(there, here)
    assert sets.difference(here, here) == {}
    assert sets.union(sets.intersection(here, there), sets.difference(here, there)) == here
    assert (here, there) == (sets.of_paths(*one), sets.of_paths(*other))


def test_without_a_field_goes_all_that_is_below_it() -> None:
    fields = sets.of_paths(("f:status",), ("f:status", "f:phase"), ("f:spec",))
    assert sets.without_below(fields, ("status",)) == {"f:spec": {}}


def test_a_level_is_told_before_what_is_below_it() -> None:
    fields = sets.of_paths(("f:a", "f:x"), ("f:b",), ("f:a",))
    assert list(sets.paths(fields)) == [("f:a",), ("f:b",), ("f:a", "f:x")]
