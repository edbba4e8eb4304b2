"""Tokens by the lab API."""

from typing import Any

import pytest

from kuberklone.kinds import token
from tests.api.running import Api


def test_a_token_is_made_listed_and_revoked(api: Api) -> None:
    made = api.post("/add_token", {"hours": 0.5})
    text = token.parse(made["token"])
    assert (made["id"], made["purpose"], made["expired"]) == (text.id, "join", False)
    assert made["server"] == api.settings.url
    (listed,) = api.get("/tokens")["items"]
    assert listed == {name: value for name, value in made.items() if name not in ("token", "server")}
    assert api.http.request("DELETE", "/delete_token", json={"id": text.id}).json() == {"id": text.id}
    assert api.get("/tokens")["items"] == []
    assert api.http.request("DELETE", "/delete_token", json={"id": text.id}).status_code == 404


def test_a_token_joins_for_a_day_where_nothing_is_said(api: Api) -> None:
    answer = api.http.post("/add_token")
    assert (answer.status_code, answer.json()["purpose"]) == (201, "join")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json()["expires_at"] > answer.json()["created_at"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"hours": 0}, "hours"),
        ({"hours": -1}, "hours"),
        ({"hours": 10**6}, "hours"),
        ({"hours": "long"}, "hours"),
        ({"purpose": "node"}, "purpose"),
        ({"for": "ever"}, "for"),
    ],
)
def test_a_token_that_cannot_be_is_refused(api: Api, body: Any, field: str) -> None:
    before = api.written()
    answer = api.http.post("/add_token", json=body)
    assert (answer.status_code, answer.json()["field"]) == (422, field)
    assert api.written() == before


@pytest.mark.parametrize("wanted", ["a b", "\0", "é"])
def test_an_id_that_cannot_be_is_refused(api: Api, wanted: str) -> None:
    answer = api.http.request("DELETE", "/delete_token", json={"id": wanted})
    assert (answer.status_code, answer.json()["field"]) == (422, "id")
