"""What goes with its owners, what waits, and that circles end."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controllers.ownership.decide import (
    FOREGROUND,
    ORPHAN,
    Deletion,
    Forgetting,
    Item,
    Misplaced,
    Plan,
    Reference,
    Release,
    View,
    decide,
)

A = Reference(uid="a", blocks=True)
B = Reference(uid="b", blocks=True)
CHILD = Item(uid="child", namespace="default", references=(A,))


def run(*items: Item, there: dict[str, str] | None = None, look_at: str | None = None) -> Plan:
    """`there` are owners that exist beside the items, by uid, with their namespace."""
    dependents: dict[str, set[str]] = {}
    for item in items:
        for reference in item.references:
            dependents.setdefault(reference.uid, set()).add(item.uid)
    namespaces = {item.uid: item.namespace for item in items} | (there or {})
    view = View(items={item.uid: item for item in items}, namespaces=namespaces, dependents=dependents)
    return decide([look_at] if look_at else sorted(view.items), view)


@pytest.mark.parametrize(
    ("child", "there", "expected"),
    [
        pytest.param(CHILD, {"a": "default"}, Plan(), id="its owner is there"),
        pytest.param(CHILD, {}, Plan(deletions=(Deletion(uid="child"),)), id="its owner is gone"),
        pytest.param(
            replace(CHILD, references=(A, B)),
            {"b": "default"},
            Plan(forgettings=(Forgetting(uid="child", owners=frozenset("a")),)),
            id="one of two owners is gone",
        ),
        pytest.param(replace(CHILD, deleting=True), {}, Plan(), id="it is being deleted already"),
        pytest.param(
            replace(CHILD, references=(replace(A, known=False),)), {}, Plan(), id="nobody knows its owner's kind"
        ),
        pytest.param(CHILD, {"a": ""}, Plan(), id="an owner without a namespace owns everywhere"),
        pytest.param(
            CHILD,
            {"a": "other"},
            Plan(deletions=(Deletion(uid="child"),), misplaced=(Misplaced(uid="child", owner_uid="a"),)),
            id="its owner is in another namespace",
        ),
        pytest.param(
            replace(CHILD, namespace=""), {"a": "other"}, Plan(), id="what has no namespace is never taken for orphaned"
        ),
        pytest.param(
            replace(CHILD, finalizers=(FOREGROUND,)),
            {},
            Plan(deletions=(Deletion(uid="child", propagation="Foreground"),)),
            id="its finalizer says how it goes",
        ),
    ],
)
def test_a_dependent(child: Item, there: dict[str, str], expected: Plan) -> None:
    assert run(child, there=there) == expected


OWNER = Item(uid="a", namespace="default", deleting=True, finalizers=(FOREGROUND,))


def test_an_owner_that_goes_in_the_foreground_takes_its_dependents_first() -> None:
    assert run(OWNER, CHILD) == Plan(deletions=(Deletion(uid="child"),))
    assert run(OWNER, replace(CHILD, deleting=True)) == Plan(), "and waits for them"
    assert run(OWNER) == Plan(releases=(Release(uid="a", finalizer=FOREGROUND),))


def test_a_dependent_that_has_dependents_goes_in_the_foreground_too() -> None:
    grandchild = Item(uid="grandchild", namespace="default", references=(Reference(uid="child", blocks=True),))
    assert run(OWNER, CHILD, grandchild).deletions == (Deletion(uid="child", propagation="Foreground"),)


def test_one_that_does_not_block_its_owner_goes_after_it() -> None:
    loose = replace(CHILD, references=(replace(A, blocks=False),))
    assert run(OWNER, loose) == Plan(releases=(Release(uid="a", finalizer=FOREGROUND),))


def test_an_owner_that_leaves_orphans_goes_when_they_have_forgotten_it() -> None:
    owner = replace(OWNER, finalizers=(ORPHAN,))
    assert run(owner, CHILD) == Plan(forgettings=(Forgetting(uid="child", owners=frozenset("a")),))
    assert run(owner) == Plan(releases=(Release(uid="a", finalizer=ORPHAN),))


def test_an_owner_does_not_wait_for_what_it_cannot_own() -> None:
    stranger = replace(CHILD, namespace="other")
    assert run(OWNER, stranger, look_at="a").releases == (Release(uid="a", finalizer=FOREGROUND),)


# ------------------------------------------------------------------------------------------------- until nothing moves


class _World:
    """Records that are deleted, marked and freed as the store does it."""

    def __init__(self, items: list[Item]) -> None:
        self.items = {item.uid: item for item in items}

    def delete(self, uid: str, propagation: str) -> None:
        item = self.items.get(uid)
        if item is None:
            return
        finalizer = {"Foreground": (FOREGROUND,), "Orphan": (ORPHAN,)}.get(propagation, ())
        if finalizer:
            self.items[uid] = replace(item, deleting=True, finalizers=finalizer)
        else:
            del self.items[uid]

    def carry_out(self, plan: Plan) -> bool:
        before = dict(self.items)
        for each in plan.forgettings:
            item = self.items[each.uid]
            kept = [
                replace(ref, blocks=ref.blocks and ref.uid not in each.unblocked)
                for ref in item.references
                if ref.uid not in each.owners
            ]
            self.items[each.uid] = replace(item, references=tuple(kept))
        for deletion in plan.deletions:
            self.delete(deletion.uid, deletion.propagation)
        for release in plan.releases:
            del self.items[release.uid]
        return before != self.items

    def settle(self) -> None:
        for _ in range(100):
            if not self.carry_out(run(*self.items.values())):
                return
        raise AssertionError("it never ends")


_UIDS = st.integers(0, 6).map(lambda number: f"u{number}")


@st.composite
def _worlds(draw: st.DrawFn) -> _World:
    """Any owners, circles among them."""
    items = []
    for uid in draw(st.lists(_UIDS, min_size=1, unique=True)):
        owners = draw(st.lists(_UIDS, max_size=3, unique=True))
        references = tuple(Reference(uid=owner, blocks=draw(st.booleans())) for owner in owners)
        items.append(Item(uid=uid, namespace="default", references=references))
    return _World(items)


def _reachable(world: _World) -> set[str]:
    """What has, through owners that exist, something that nobody owns above it, or is in a circle."""
    return {uid for uid, item in world.items.items() if not item.references or _has_owner(world, item)}


def _has_owner(world: _World, item: Item) -> bool:
    return any(reference.uid in world.items for reference in item.references)


@given(_worlds(), st.lists(st.tuples(_UIDS, st.sampled_from(["Background", "Foreground", "Orphan"])), max_size=4))
def test_every_deletion_ends_and_leaves_only_what_has_an_owner_or_needs_none(
    world: _World, deletions: list[tuple[str, Any]]
) -> None:
    world.settle()
    for uid, propagation in deletions:
        world.delete(uid, propagation)
        world.settle()
    assert _reachable(world) == set(world.items)
    assert not any(item.deleting for item in world.items.values()), "nothing waits for ever"


@pytest.mark.parametrize("propagation", ["Background", "Foreground"])
def test_a_circle_goes_as_a_whole(propagation: str) -> None:
    names = ["a", "b", "c"]
    circle = [
        Item(uid=uid, namespace="default", references=(Reference(uid=names[place - 1], blocks=True),))
        for place, uid in enumerate(names)
    ]
    world = _World(circle)
    world.delete("a", propagation)
    world.settle()
    assert world.items == {}
