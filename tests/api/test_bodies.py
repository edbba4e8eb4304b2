"""A body counts once it is whole."""

import asyncio
from typing import Any, cast

import pytest
from litestar.types import HTTPScope

from kuberklone.api import bodies
from kuberklone.api.bodies import TooLarge
from kuberklone.errors import Malformed


def _received(*messages: dict[str, Any], most_bytes: int = 100) -> bytes:
    coming = iter(messages)

    async def receive() -> Any:
        return next(coming)

    scope = cast(HTTPScope, {"headers": []})
    return asyncio.run(bodies.receive_body(scope, receive, most_bytes=most_bytes))


def _part(body: bytes, *, more: bool) -> dict[str, Any]:
    return {"type": "http.request", "body": body, "more_body": more}


_LEFT = {"type": "http.disconnect"}


def test_pieces_are_put_together() -> None:
    assert _received(_part(b"kind: ", more=True), _part(b"Pod", more=False)) == b"kind: Pod"


@pytest.mark.parametrize("messages", [[_LEFT], [_part(b"kind: Pod", more=True), _LEFT]], ids=["nothing", "half"])
def test_a_body_whose_client_has_left_is_none(messages: list[dict[str, Any]]) -> None:
    with pytest.raises(Malformed, match="before it was whole"):
        _received(*messages)


def test_pieces_that_are_too_much_together_are_not_read_on() -> None:
    with pytest.raises(TooLarge):
        _received(_part(b"x" * 60, more=True), _part(b"x" * 60, more=True))
