"""Tokens: the list, making one and revoking one. A token's text is in the answer that makes it, and nowhere else."""

import socket
from dataclasses import replace
from typing import Annotated, Any, Literal

import msgspec
from litestar import Request, Response, delete, get, post
from litestar.params import QueryParameter
from msgspec import Meta

from kuberklone.api import bodies, context
from kuberklone.api.context import Context
from kuberklone.api.documentation import accepts, reads
from kuberklone.api.lab import answers
from kuberklone.api.lab.answers import Items
from kuberklone.clock import timestamp
from kuberklone.errors import InvalidField
from kuberklone.store import moment, tokens
from kuberklone.store.agents import Done
from kuberklone.store.operations import CreatedToken, CreateToken, RevokeToken
from kuberklone.store.tokens import Token

_HOUR_MS = 3_600_000
HOURS_MAX = 24 * 365
_HOURS_DEFAULT = 24.0  # one day's work with new machines


class TokenRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    purpose: Annotated[
        Literal["join", "admin"],
        Meta(description="join (a machine becomes a node) or admin (anything, through the TLS listener)."),
    ] = "join"
    hours: Annotated[
        float, Meta(description=f"hours of cluster time until it ends: above 0, at most {HOURS_MAX}.", examples=[24])
    ] = _HOURS_DEFAULT


class TokenId(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    id: Annotated[str, Meta(description="the token's id, as GET /tokens lists it.", examples=["bcdfghjklm"])]


class TokenAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A token, without what its holder must not tell."""

    id: str
    purpose: str
    node_uid: Annotated[str | None, Meta(description="the node that speaks with it")]
    created_at: str
    expires_at: Annotated[str | None, Meta(description="null: never")]
    expired: bool


class CreatedTokenAnswer(TokenAnswer, frozen=True, kw_only=True):
    """A new token and its text, which is told this once."""

    token: str
    server: Annotated[str, Meta(description="where its holder reaches this API")]


@get("/tokens", summary="All tokens, without their secrets", operation_class=reads(), sync_to_thread=True)
def list_tokens(request: Request[Any, Any, Any]) -> Items[TokenAnswer]:
    with moment.now(context.of(request).store) as at:
        return Items([_answer(token, now_ms=at.now_ms) for token in tokens.all_tokens(at.connection)])


@post("/add_token", summary="Make a token", operation_class=accepts(TokenRequest, required=False))
async def add_token(request: Request[Any, Any, Any]) -> Response[CreatedTokenAnswer]:
    here = context.of(request)
    wanted = await bodies.read(request, TokenRequest) if await request.body() else TokenRequest()
    if not 0 < wanted.hours <= HOURS_MAX:
        raise InvalidField("hours", f"send hours above 0 and at most {HOURS_MAX}; got {wanted.hours:g}")
    operation = CreateToken(purpose=wanted.purpose, valid_ms=max(1, round(wanted.hours * _HOUR_MS)))
    created = await here.writes.outcome(operation, CreatedToken)
    return Response(
        CreatedTokenAnswer(
            **msgspec.structs.asdict(_answer(created.token, now_ms=created.token.created_ms)),
            token=str(replace(created.text, ca_fingerprint=here.ca_fingerprint)),
            server=_server(here),
        ),
        status_code=201,
        headers={"Cache-Control": "no-store"},
    )


@delete(
    "/delete_token", summary="Revoke a token", status_code=200, operation_class=accepts(TokenId, 404, required=False)
)
async def delete_token(
    request: Request[Any, Any, Any],
    id: Annotated[str | None, QueryParameter(description="Instead of a body.")] = None,
) -> Response[TokenId]:
    wanted = id or (await bodies.read(request, TokenId)).id
    if not wanted.isalnum() or not wanted.isascii():
        raise InvalidField("id", f"send the id of a token as GET /tokens lists it; got {wanted!r:.80}")
    await context.of(request).writes.outcome(RevokeToken(id=wanted), Done)
    return Response(TokenId(id=wanted), status_code=200)


def _answer(token: Token, *, now_ms: int) -> TokenAnswer:
    return TokenAnswer(
        id=token.id,
        purpose=token.purpose,
        node_uid=token.subject or None,
        created_at=timestamp(token.created_ms),
        expires_at=answers.moment(token.expires_ms),
        expired=token.expires_ms is not None and token.expires_ms <= now_ms,
    )


def _server(here: Context) -> str:
    """The address for other machines if there is one; a listener on all addresses goes by this machine's name."""
    settings = here.settings
    if here.certificates is None:
        return settings.url
    host = socket.gethostname() if settings.tls_host in ("0.0.0.0", "::") else settings.tls_host
    return f"https://[{host}]:{settings.tls_port}" if ":" in host else f"https://{host}:{settings.tls_port}"
