"""Every error as a metav1.Status: the only place of the Kubernetes API that knows which error is which HTTP status."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import msgspec

from kuberklone import errors, logs
from kuberklone.api.bodies import TooLarge
from kuberklone.api.kubernetes.paths import ResourcePath
from kuberklone.api.problems import RETRY_AFTER_S
from kuberklone.errors import Cause, KuberkloneError

_log = logs.get()
_encode = msgspec.json.Encoder().encode


class StatusError(Exception):
    """A refusal of HTTP itself: a method, a media type or a path that is not served."""

    def __init__(
        self,
        code: int,
        reason: str,
        message: str,
        *,
        continue_token: str = "",
        causes: tuple[Cause, ...] = (),
        retry_after_s: int | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.continue_token = continue_token
        self.causes = causes
        self.retry_after_s = retry_after_s


def no_such_path() -> StatusError:
    return StatusError(HTTPStatus.NOT_FOUND, "NotFound", "the server could not find the requested resource")


def not_allowed() -> StatusError:
    message = "the server does not allow this method on the requested resource"
    return StatusError(HTTPStatus.METHOD_NOT_ALLOWED, "MethodNotAllowed", message)


def not_acceptable() -> StatusError:
    message = "only the following media types are accepted: application/json, application/yaml"
    return StatusError(HTTPStatus.NOT_ACCEPTABLE, "NotAcceptable", message)


def too_far_ahead(wanted: int, head: int) -> StatusError:
    """A revision that no answer has held yet; clients know the cause and ask again without it."""
    return StatusError(
        HTTPStatus.GATEWAY_TIMEOUT,
        "Timeout",
        f"Too large resource version: {wanted}, current: {head}",
        causes=(Cause(field="", reason="ResourceVersionTooLarge", message="Too large resource version"),),
        retry_after_s=RETRY_AFTER_S,
    )


_NOT_LET_IN = {HTTPStatus.UNAUTHORIZED: "Unauthorized", HTTPStatus.FORBIDDEN: "Forbidden"}


def not_let_in(code: int, message: str) -> StatusError:
    """Somebody without a valid token, or a page from elsewhere."""
    return StatusError(code, _NOT_LET_IN.get(HTTPStatus(code), ""), message)


# metav1.StatusReason and the code of each error. The store's outages have no reason of their own in Kubernetes.
REASONS: dict[type[KuberkloneError], tuple[HTTPStatus, str]] = {
    errors.KuberkloneError: (HTTPStatus.INTERNAL_SERVER_ERROR, "InternalError"),
    errors.SettingsError: (HTTPStatus.INTERNAL_SERVER_ERROR, "InternalError"),
    errors.InvalidField: (HTTPStatus.UNPROCESSABLE_ENTITY, "Invalid"),
    errors.Invalid: (HTTPStatus.UNPROCESSABLE_ENTITY, "Invalid"),
    errors.Malformed: (HTTPStatus.BAD_REQUEST, "BadRequest"),
    errors.UnsupportedMediaType: (HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "UnsupportedMediaType"),
    errors.NotFound: (HTTPStatus.NOT_FOUND, "NotFound"),
    errors.ApiUnavailable: (HTTPStatus.BAD_GATEWAY, "ServiceUnavailable"),
    errors.NodeUnreachable: (HTTPStatus.BAD_GATEWAY, "ServiceUnavailable"),
    errors.Conflict: (HTTPStatus.CONFLICT, "Conflict"),
    errors.AlreadyExists: (HTTPStatus.CONFLICT, "AlreadyExists"),
    errors.ApplyConflict: (HTTPStatus.CONFLICT, "Conflict"),
    errors.Superseded: (HTTPStatus.CONFLICT, "Conflict"),
    errors.Refused: (HTTPStatus.CONFLICT, "Conflict"),
    # Without a time to come back: clients that see one try again by themselves and tell nobody.
    errors.DisruptionRefused: (HTTPStatus.TOO_MANY_REQUESTS, "TooManyRequests"),
    errors.SeveralBudgets: (HTTPStatus.INTERNAL_SERVER_ERROR, "InternalError"),
    errors.Unauthenticated: (HTTPStatus.UNAUTHORIZED, "Unauthorized"),
    errors.Forbidden: (HTTPStatus.FORBIDDEN, "Forbidden"),
    errors.Overloaded: (HTTPStatus.SERVICE_UNAVAILABLE, "ServiceUnavailable"),
    errors.QueryError: (HTTPStatus.UNPROCESSABLE_ENTITY, "Invalid"),
    errors.EngineError: (HTTPStatus.SERVICE_UNAVAILABLE, "ServiceUnavailable"),
    errors.EngineUnavailable: (HTTPStatus.SERVICE_UNAVAILABLE, "ServiceUnavailable"),
    errors.EngineTimeout: (HTTPStatus.GATEWAY_TIMEOUT, "Timeout"),
    errors.ContainerMissing: (HTTPStatus.NOT_FOUND, "NotFound"),
    errors.ImageMissing: (HTTPStatus.CONFLICT, "Conflict"),
    errors.NameTaken: (HTTPStatus.CONFLICT, "Conflict"),
    errors.WrongState: (HTTPStatus.CONFLICT, "Conflict"),
    errors.StoreError: (HTTPStatus.SERVICE_UNAVAILABLE, "ServiceUnavailable"),
    errors.StoreUnavailable: (HTTPStatus.SERVICE_UNAVAILABLE, "ServiceUnavailable"),
    errors.SchemaTooNew: (HTTPStatus.SERVICE_UNAVAILABLE, "ServiceUnavailable"),
    errors.SchemaOutdated: (HTTPStatus.SERVICE_UNAVAILABLE, "ServiceUnavailable"),
    errors.OutcomeUnknown: (HTTPStatus.GATEWAY_TIMEOUT, "Timeout"),
    errors.LeadershipLost: (HTTPStatus.SERVICE_UNAVAILABLE, "ServiceUnavailable"),
    errors.CursorExpired: (HTTPStatus.GONE, "Expired"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """An error as it is answered."""

    code: int
    document: bytes
    retry_after_s: int | None = None


def failure(error: Exception, path: ResourcePath | None) -> Failure:
    """The answer for any exception; one that nobody foresaw is logged and not told."""
    if isinstance(error, StatusError):
        found = _Told(
            error.code,
            error.reason,
            str(error),
            causes=error.causes,
            retry_after_s=error.retry_after_s,
            continue_token=error.continue_token,
        )
    elif isinstance(error, TooLarge):
        code = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        found = _Told(code, "RequestEntityTooLarge", f"Request entity too large: {error.detail}")
    elif isinstance(error, KuberkloneError):
        found = _of_ours(error, path)
    else:
        _log.error("request failed", path=path and path.pattern, exc_info=error)
        message = "an error on the server prevented the request from succeeding; its log says which"
        found = _Told(HTTPStatus.INTERNAL_SERVER_ERROR, "InternalError", message)
    return Failure(code=found.code, document=_encode(_document(found, path)), retry_after_s=found.retry_after_s)


@dataclass(frozen=True, slots=True)
class _Told:
    code: int
    reason: str
    message: str
    causes: tuple[Cause, ...] = ()
    resource: str = ""
    """What is told about, where that is not what the path names."""
    name: str = ""
    retry_after_s: int | None = None
    continue_token: str = ""


def _of_ours(error: KuberkloneError, path: ResourcePath | None) -> _Told:
    code, reason = REASONS[type(error)]
    causes: tuple[Cause, ...] = getattr(error, "causes", ())
    told = str(error)
    # A document that is not valid is told by its kind, as kubectl prints it; everything else by its resource.
    resource = getattr(error, "resource", "") or getattr(error, "kind", "")
    name = getattr(error, "name", "")
    if isinstance(error, errors.InvalidField):
        causes = (Cause(field=error.field, reason="FieldValueInvalid", message=told),)
        told = f"{error.field}: {told}"
    retry_after_s = RETRY_AFTER_S if code == HTTPStatus.SERVICE_UNAVAILABLE else None
    return _Told(code, reason, told, causes=causes, resource=resource, name=name, retry_after_s=retry_after_s)


def _document(told: _Told, path: ResourcePath | None) -> dict[str, Any]:
    details: dict[str, Any] = {}
    name = told.name or (path.name if path is not None else "")
    if name:
        details["name"] = name[:253]
    if told.resource:
        resource, _, group = told.resource.partition(".")
        if not group and path is not None and told.reason == "Invalid":
            group = path.group[:253]
        details |= {"group": group} if group else {}
        details["kind"] = resource
    elif path is not None and path.resource:
        details |= {"group": path.group[:253]} if path.group else {}
        details["kind"] = path.resource[:253]
    if told.causes:
        details["causes"] = [
            {"reason": cause.reason, "message": cause.message, **({"field": cause.field} if cause.field else {})}
            for cause in told.causes
        ]
    if told.retry_after_s is not None:
        details["retryAfterSeconds"] = told.retry_after_s
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {"continue": told.continue_token} if told.continue_token else {},
        "status": "Failure",
        "message": told.message,
        "reason": told.reason,
        **({"details": details} if details else {}),
        "code": int(told.code),
    }


def done() -> bytes:
    """The Status that says that an action, such as an eviction, is done."""
    return _encode(
        {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": int(HTTPStatus.CREATED)}
    )


def success(*, name: str, group: str, resource: str, uid: str) -> bytes:
    """The Status that says that something is done, as DELETE answers for most kinds."""
    details = {"name": name, **({"group": group} if group else {}), "kind": resource, "uid": uid}
    return _encode({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details})
