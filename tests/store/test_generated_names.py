"""Names that the store generates are free, whatever chance says."""

from typing import Any

import msgspec
import pytest

from kuberklone.chance import Chance
from kuberklone.errors import AlreadyExists
from kuberklone.kinds.header import Header
from kuberklone.kinds.objects.v1 import pod
from kuberklone.store import object_operations
from kuberklone.store.database import Store
from kuberklone.store.object_operations import CreateObject
from kuberklone.store.transaction import write
from tests.store import made

SEED = 7


def unnamed() -> Header:
    return msgspec.structs.replace(made.pod(""), generate_name="web-")


def create(store: Store, *records: Header) -> list[Any]:
    """The names of the records, or why they were refused."""
    with write(store, reserve=len(records)) as transaction:
        wanted = [CreateObject(kind=pod.KIND, record=record) for record in records]
        outcomes = object_operations.create(transaction, wanted)
    return [outcome[0].name if isinstance(outcome, list) else type(outcome) for outcome in outcomes]


@pytest.fixture
def forgetful(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chance draws what it has drawn before."""
    monkeypatch.setattr(object_operations, "_chance", Chance(SEED))


@pytest.mark.usefixtures("forgetful")
def test_a_name_that_a_record_has_is_drawn_again(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    first = create(store, unnamed())
    monkeypatch.setattr(object_operations, "_chance", Chance(SEED))
    second = create(store, unnamed())
    assert second[0].startswith("web-")
    assert second != first


@pytest.mark.usefixtures("forgetful")
def test_a_name_that_another_one_of_the_batch_gives_itself_is_drawn_again(store: Store) -> None:
    drawn = f"web-{Chance(SEED).suffix()}"
    given, generated = create(store, made.pod(drawn), unnamed())
    assert given == drawn
    assert generated.startswith("web-")
    assert generated != drawn


def test_given_names_that_are_taken_are_refused(store: Store) -> None:
    assert create(store, made.pod("a")) == ["a"]
    assert create(store, made.pod("a"), made.pod("b"), made.pod("b")) == [AlreadyExists, "b", AlreadyExists]


def test_suffixes_are_of_all_letters_alike() -> None:
    chance = Chance(SEED)
    drawn = "".join(chance.suffix(letters=9) for _ in range(3_000))
    counts = [drawn.count(letter) for letter in set(drawn)]
    assert len(counts) == 27
    assert min(counts) > 850
    assert max(counts) < 1_150
