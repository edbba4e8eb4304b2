"""The agent's connection to the API: one method per message, and every failure as an error that says what to do."""

import ssl
from types import TracebackType
from typing import Self, TypeVar

import httpx
import msgspec

from kuberklone.errors import ApiUnavailable, Forbidden, KuberkloneError, NotFound, Refused, Superseded, Unauthenticated
from kuberklone.kinds.reporting import (
    PREFIX,
    Accepted,
    Assigned,
    Beat,
    Beaten,
    Join,
    Joined,
    Register,
    Registered,
    Reports,
)

# Longer than the API waits for its store, so that its own sentence arrives.
_ANSWER_S = 15.0
_CONNECT_S = 5.0

Message = TypeVar("Message", bound=msgspec.Struct)

_encoder = msgspec.json.Encoder()


class _Problem(msgspec.Struct):
    """RFC 9457, as far as an agent reads it."""

    type: str = ""
    detail: str = ""
    field: str | None = None


class Link:
    """Speaks to one API. Safe for several threads."""

    def __init__(self, server: str, *, token: str, tls: ssl.SSLContext | None) -> None:
        self.server = server
        self.tls = tls
        self.headers = {"authorization": f"Bearer {token}"}
        # A proxy from the environment is for the internet, not for a cluster's own network.
        self._http = httpx.Client(
            base_url=server,
            headers=self.headers,
            verify=tls if tls is not None else False,
            timeout=httpx.Timeout(_ANSWER_S, connect=_CONNECT_S),
            trust_env=False,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def join(self, message: Join) -> Joined:
        return self._post("/join", message, Joined)

    def register(self, message: Register) -> Registered:
        return self._post("/register", message, Registered)

    def beat(self, message: Beat, *, timeout_s: float) -> Beaten:
        return self._post("/beat", message, Beaten, timeout_s=timeout_s)

    def report(self, message: Reports) -> Accepted:
        return self._post("/report", message, Accepted)

    def pods(self, *, after: int, wait_s: float) -> Assigned:
        """All pods of the node, at once or as soon as there is news."""
        request = self._http.build_request(
            "GET",
            f"{PREFIX}/pods",
            params={"after": after, "wait": f"{wait_s:g}"},
            timeout=httpx.Timeout(wait_s + _ANSWER_S, connect=_CONNECT_S),
        )
        return self._answer(request, Assigned)

    def _post(
        self, path: str, message: msgspec.Struct, kind: type[Message], *, timeout_s: float = _ANSWER_S
    ) -> Message:
        request = self._http.build_request(
            "POST",
            PREFIX + path,
            content=_encoder.encode(message),
            headers={"content-type": "application/json"},
            timeout=httpx.Timeout(timeout_s, connect=_CONNECT_S),
        )
        return self._answer(request, kind)

    def _answer(self, request: httpx.Request, kind: type[Message]) -> Message:
        try:
            answer = self._http.send(request)
        except (httpx.HTTPError, httpx.InvalidURL, ssl.SSLError) as error:
            raise ApiUnavailable(f"the API at {self.server} cannot be reached: {_cause(error)}") from error
        if answer.is_error:
            raise _refusal(answer, self.server)
        try:
            return msgspec.json.decode(answer.content, type=kind)
        except msgspec.DecodeError as error:
            raise ApiUnavailable(f"what answers at {self.server} is not KuberKlone's API: {error}") from error


def _refusal(answer: httpx.Response, server: str) -> KuberkloneError:
    try:
        problem = msgspec.json.decode(answer.content, type=_Problem)
    except msgspec.DecodeError:
        problem = _Problem(detail=f"{answer.status_code} {answer.reason_phrase}")
    detail = f"{problem.field}: {problem.detail}" if problem.field else problem.detail
    if answer.status_code == httpx.codes.UNAUTHORIZED:
        return Unauthenticated(detail)
    if answer.status_code == httpx.codes.FORBIDDEN:
        return Forbidden(detail)
    if answer.status_code == httpx.codes.NOT_FOUND:
        return NotFound(detail)
    if problem.type.endswith(":superseded"):
        return Superseded(detail)
    if answer.status_code == httpx.codes.CONFLICT:
        return Refused(detail)
    if answer.is_server_error:
        return ApiUnavailable(f"the API at {server} cannot answer now: {detail}")
    return KuberkloneError(detail)


def _cause(error: Exception) -> str:
    return str(error) or type(error).__name__
