"""Every error as a problem document (RFC 9457): the only place that knows which error is which HTTP status."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException

from kuberklone import errors, logs
from kuberklone.errors import InvalidField, KuberkloneError

MEDIA_TYPE = "application/problem+json"
# The queue of writes drains within a second, and a database that is away is asked again about as often.
RETRY_AFTER_S = 1

STATUS: dict[type[KuberkloneError], HTTPStatus] = {
    errors.KuberkloneError: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.SettingsError: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.InvalidField: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.Invalid: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.Malformed: HTTPStatus.BAD_REQUEST,
    errors.UnsupportedMediaType: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    errors.NotFound: HTTPStatus.NOT_FOUND,
    errors.Unauthenticated: HTTPStatus.UNAUTHORIZED,
    errors.Conflict: HTTPStatus.CONFLICT,
    errors.AlreadyExists: HTTPStatus.CONFLICT,
    errors.ApplyConflict: HTTPStatus.CONFLICT,
    errors.Superseded: HTTPStatus.CONFLICT,
    errors.Refused: HTTPStatus.CONFLICT,
    errors.DisruptionRefused: HTTPStatus.TOO_MANY_REQUESTS,
    errors.SeveralBudgets: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.Forbidden: HTTPStatus.FORBIDDEN,
    errors.Overloaded: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.NodeUnreachable: HTTPStatus.BAD_GATEWAY,
    errors.ApiUnavailable: HTTPStatus.BAD_GATEWAY,
    errors.QueryError: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.EngineError: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.EngineUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    # Whether it was done is not known, as with a commit whose answer was lost.
    errors.EngineTimeout: HTTPStatus.GATEWAY_TIMEOUT,
    errors.ContainerMissing: HTTPStatus.NOT_FOUND,
    errors.ImageMissing: HTTPStatus.CONFLICT,
    errors.NameTaken: HTTPStatus.CONFLICT,
    errors.WrongState: HTTPStatus.CONFLICT,
    errors.StoreError: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.StoreUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.SchemaTooNew: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.SchemaOutdated: HTTPStatus.SERVICE_UNAVAILABLE,
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


def of(error: Exception, *, method: str, path: str) -> Problem:
    """The problem behind any exception; one that nobody foresaw is logged and not told."""
    if isinstance(error, KuberkloneError):
        return _of_ours(error)
    if isinstance(error, ValidationException):
        return _of_ours(_misfit(error))
    if isinstance(error, HTTPException):
        return of_status(error.status_code, _detail(error, method=method, path=path))
    _log.error("request failed", path=path, exc_info=error)
    return of_status(HTTPStatus.INTERNAL_SERVER_ERROR, "the server failed; its log says how")


def of_status(status: int, detail: str) -> Problem:
    """A problem of HTTP itself, such as a route that does not exist."""
    phrase = HTTPStatus(status).phrase
    kind = phrase.lower().replace(" ", "-")
    return Problem(type=f"urn:kuberklone:problem:{kind}", title=phrase, status=status, detail=detail)


def headers_of(problem: Problem, error: Exception | None = None) -> dict[str, str]:
    """Headers beside the document: when to come back, and those that the error itself asks for (Allow)."""
    given: Mapping[str, Any] = (error.headers or {}) if isinstance(error, HTTPException) else {}
    headers = {name.lower(): str(value) for name, value in given.items()}
    if problem.status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers["retry-after"] = str(RETRY_AFTER_S)
    if problem.status == HTTPStatus.UNAUTHORIZED:
        headers["www-authenticate"] = "Bearer"
    return headers


def answer(request: Request[Any, Any, Any], error: Exception) -> Response[Problem]:
    """Litestar's exception handler for everything."""
    problem = of(error, method=request.method, path=request.url.path)
    return Response(problem, status_code=problem.status, media_type=MEDIA_TYPE, headers=headers_of(problem, error))


def _of_ours(error: KuberkloneError) -> Problem:
    status = STATUS[type(error)]
    return Problem(
        type=f"urn:kuberklone:problem:{_dashed(type(error).__name__)}",
        title=(type(error).__doc__ or status.phrase).strip().partition("\n")[0].rstrip("."),
        status=status,
        detail=str(error),
        field=error.field if isinstance(error, errors.InvalidField | errors.AlreadyExists) else None,
    )


def _misfit(error: ValidationException) -> InvalidField:
    """The first parameter that the framework could not read as what the handler's signature says."""
    extra = error.extra
    first: dict[str, Any] = extra[0] if isinstance(extra, list) and extra else {}
    what = str(first.get("message", error.detail))
    return InvalidField(str(first.get("key", "")), f"{what[:1].lower()}{what[1:]}")


def _detail(error: HTTPException, *, method: str, path: str) -> str:
    match error.status_code:
        case HTTPStatus.NOT_FOUND:
            return f"there is nothing at {path[:200]}; GET / links to what there is"
        case HTTPStatus.METHOD_NOT_ALLOWED:
            methods = (error.headers or {}).get("allow") or (error.headers or {}).get("Allow") or ""
            allowed = ", ".join(word for word in str(methods).split(", ") if word != "OPTIONS")
            return f"{path[:200]} does not take {method}; send {allowed or 'another method'}"
        case HTTPStatus.REQUEST_ENTITY_TOO_LARGE if error.detail == HTTPStatus.REQUEST_ENTITY_TOO_LARGE.phrase:
            return "the body is too large; send less at once, or raise the setting max_body_bytes"
    return error.detail


def _dashed(name: str) -> str:
    return "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("-")
