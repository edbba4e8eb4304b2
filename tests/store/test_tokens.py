"""Tokens, and the machines that join with them."""

from typing import Any

import pytest

from kuberklone.errors import AlreadyExists, NotFound, Refused
from kuberklone.kinds.node import Node
from kuberklone.store import nodes, schema, tokens
from kuberklone.store.agents import Done
from kuberklone.store.database import Store
from kuberklone.store.joining import JoinedNode, JoinNode
from kuberklone.store.operations import Applier, CreatedToken, CreateToken, DeleteNode, Operation, Outcome, RevokeToken
from kuberklone.store.transaction import write
from tests.store import made


def apply(store: Store, *operations: Operation) -> list[Outcome]:
    with write(store) as transaction:
        return Applier().apply(transaction, operations)


def create(store: Store, valid_ms: int | None = 1_000) -> CreatedToken:
    (outcome,) = apply(store, CreateToken(purpose="join", valid_ms=valid_ms))
    assert isinstance(outcome, CreatedToken)
    return outcome


def test_the_database_does_not_hold_what_a_token_says(store: Store) -> None:
    made_token = create(store)
    (row,) = made.rows(store, schema.tokens)
    assert row["id"] == made_token.text.id
    assert all(made_token.text.secret not in str(value) for value in row.values())
    assert made_token.text.secret not in repr(made_token)


def test_a_token_is_valid_until_it_ends_and_for_its_secret_only(store: Store) -> None:
    made_token = create(store)
    row = made_token.token
    assert row.expires_ms is not None
    assert row.is_valid(made_token.text.secret, now_ms=row.expires_ms - 1)
    assert not row.is_valid(made_token.text.secret, now_ms=row.expires_ms)
    assert not row.is_valid("0" * 64, now_ms=row.created_ms)


def test_a_token_that_is_revoked_is_not_found(store: Store) -> None:
    made_token = create(store, valid_ms=None)
    assert apply(store, RevokeToken(id=made_token.text.id)) == [Done()]
    with store.snapshot() as connection:
        assert tokens.find(connection, made_token.text.id) is None
    (outcome,) = apply(store, RevokeToken(id=made_token.text.id))
    assert isinstance(outcome, NotFound)


def test_tokens_that_have_ended_make_room_for_new_ones(store: Store) -> None:
    create(store, valid_ms=1)
    made.later(store)
    kept = create(store)
    assert [row["id"] for row in made.rows(store, schema.tokens)] == [kept.text.id]


def test_a_node_has_one_token_and_loses_it_when_it_goes(store: Store) -> None:
    (node,) = made.add_nodes(store, made.node(provider="docker"))
    with write(store) as transaction:
        first = tokens.create_for_node(transaction, node.uid)
        second = tokens.create_for_node(transaction, node.uid)
    assert first.secret != second.secret
    assert [row["id"] for row in made.rows(store, schema.tokens)] == [second.id]
    with write(store) as transaction:
        nodes.delete(transaction, [node])
    assert made.rows(store, schema.tokens) == []


def joining(name: str = "", machine_id: str = "machine-1", **columns: Any) -> JoinNode:
    return JoinNode(machine_id=machine_id, node=Node(uid=made.uid(), name=name, provider="external", **columns))


def join(store: Store, *args: Any, **more: Any) -> JoinedNode:
    (outcome,) = apply(store, joining(*args, **more))
    assert isinstance(outcome, JoinedNode), outcome
    return outcome


def test_a_machine_that_joins_becomes_a_node(store: Store) -> None:
    joined = join(store)
    assert (joined.node.name, joined.node.provider) == ("node-1", "external")
    assert join(store, "db", "machine-2").node.name == "db"


def test_a_machine_that_joins_again_is_the_node_it_was_with_a_new_token(store: Store) -> None:
    first = join(store, "db")
    again = join(store, "db", cpu_millis=9_000)
    unnamed = join(store, cpu_millis=9_000)
    assert first.node.uid == again.node.uid == unnamed.node.uid
    assert unnamed.node.cpu_millis == 9_000
    assert [row["id"] for row in made.rows(store, schema.tokens)] == [unnamed.token.id]


def test_a_node_that_was_announced_is_taken_by_the_machine_that_comes(store: Store) -> None:
    (announced,) = made.add_nodes(store, made.node("db", provider="external"))
    assert join(store, "db").node.uid == announced.uid
    (outcome,) = apply(store, joining("db", "machine-2"))
    assert isinstance(outcome, AlreadyExists)


@pytest.mark.parametrize("provider", ["simulated", "docker"])
def test_no_machine_takes_the_name_of_a_node_that_is_made_here(store: Store, provider: str) -> None:
    made.add_nodes(store, made.node("db", provider=provider))
    before = made.everything(store)
    (outcome,) = apply(store, joining("db"))
    assert isinstance(outcome, AlreadyExists)
    assert made.everything(store) == before


def test_a_node_on_its_way_out_is_not_joined(store: Store) -> None:
    join(store, "db")
    apply(store, DeleteNode(name="db"))
    (outcome,) = apply(store, joining("db"))
    assert isinstance(outcome, Refused)
