"""Every error as a problem document (RFC 9457): the only place that knows which error is which HTTP status."""

from http import HTTPStatus
from typing import Any

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException
from litestar.response.base import ASGIResponse

from kuberklone import errors, logs
from kuberklone.errors import KuberkloneError

MEDIA_TYPE = "application/problem+json"
# The queue of writes drains within a second, and a database that is away is asked again about as often.
RETRY_AFTER_S = 1

STATUS: dict[type[KuberkloneError], HTTPStatus] = {
    errors.KuberkloneError: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.SettingsError: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.InvalidField: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.NotFound: HTTPStatus.NOT_FOUND,
    errors.Conflict: HTTPStatus.CONFLICT,
    errors.AlreadyExists: HTTPStatus.CONFLICT,
    errors.Refused: HTTPStatus.CONFLICT,
    errors.Overloaded: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.QueryError: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.StoreError: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.StoreUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.SchemaTooNew: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.SchemaOutdated: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.IncarnationChanged: HTTPStatus.SERVICE_UNAVAILABLE,
    # Whether it was written is not known, so nobody may be told to simply send it again.
    errors.OutcomeUnknown: HTTPStatus.GATEWAY_TIMEOUT,
    errors.LeadershipLost: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.CursorExpired: HTTPStatus.GONE,
}

_log = logs.get()


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What went wrong and what to send instead."""

    type: str
    title: str
    status: int
    detail: str
    field: str | None = None
    """The part of the request that is to blame."""


def of(error: KuberkloneError) -> Problem:
    status = STATUS[type(error)]
    return Problem(
        type=f"urn:kuberklone:problem:{_dashed(type(error).__name__)}",
        title=(type(error).__doc__ or status.phrase).strip().partition("\n")[0],
        status=status,
        detail=str(error),
        field=error.field if isinstance(error, errors.InvalidField | errors.AlreadyExists) else None,
    )


def of_status(status: int, detail: str) -> Problem:
    """A problem of HTTP itself, such as a route that does not exist."""
    phrase = HTTPStatus(status).phrase
    return Problem(
        type=f"urn:kuberklone:problem:{phrase.lower().replace(' ', '-')}", title=phrase, status=status, detail=detail
    )


def headers_of(problem: Problem) -> dict[str, str]:
    return {"Retry-After": str(RETRY_AFTER_S)} if problem.status == HTTPStatus.SERVICE_UNAVAILABLE else {}


def asgi_response(problem: Problem) -> ASGIResponse:
    """For those who answer before a handler is found."""
    return ASGIResponse(
        body=msgspec.json.encode(problem),
        media_type=MEDIA_TYPE,
        status_code=problem.status,
        headers=headers_of(problem),
    )


def answer_error(_request: Request[Any, Any, Any], error: KuberkloneError) -> Response[Problem]:
    return _response(of(error), {})


def answer_http(request: Request[Any, Any, Any], error: HTTPException) -> Response[Problem]:
    detail = error.detail
    match error.status_code:
        case HTTPStatus.NOT_FOUND:
            detail = f"there is nothing at {request.url.path}; GET /schema lists what there is"
        case HTTPStatus.METHOD_NOT_ALLOWED:
            allowed = (error.headers or {}).get("Allow", "")
            detail = f"{request.url.path} does not take {request.method}; send {allowed or 'another method'}"
    return _response(of_status(error.status_code, detail), error.headers or {})


def answer_unforeseen(request: Request[Any, Any, Any], error: Exception) -> Response[Problem]:
    _log.error("request failed", path=request.url.path, exc_info=error)
    return _response(of_status(HTTPStatus.INTERNAL_SERVER_ERROR, "the server failed; its log says how"), {})


def _response(problem: Problem, headers: dict[str, Any]) -> Response[Problem]:
    return Response(
        problem,
        status_code=problem.status,
        media_type=MEDIA_TYPE,
        headers={**headers_of(problem), **{str(name): str(value) for name, value in headers.items()}},
    )


def _dashed(name: str) -> str:
    return "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("-")
