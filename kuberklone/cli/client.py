"""Talks to the API: one request, and either its answer or a sentence that says what to do."""

from collections.abc import Mapping
from types import TracebackType
from typing import Self, TypeVar

import httpx
import msgspec

from kuberklone import clock
from kuberklone.cli import running, wire
from kuberklone.cli.exits import Exit, Stop
from kuberklone.cli.running import Owner
from kuberklone.settings import Settings

# Longer than the API waits for its own store, so that its sentence arrives instead of ours.
_TIMEOUT_S = 15.0
# An `up` that was just started, or whose API was killed, answers again within this time.
_STARTS_WITHIN_S = 5.0
_POLL_S = 0.05

Answer = TypeVar("Answer")


class Client:
    """A connection to one API."""

    def __init__(self, url: str, *, owner: Owner | None = None) -> None:
        self.url = url
        self._owner = owner
        # A proxy from the environment must not be asked for an address of this machine.
        self._http = httpx.Client(base_url=url, timeout=_TIMEOUT_S, trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def get(self, path: str, *, parameters: Mapping[str, str | int] | None = None) -> bytes:
        return self._request("GET", path, parameters=parameters)

    def send(self, method: str, path: str, body: Mapping[str, object]) -> bytes:
        return self._request(method, path, body=body)

    def _request(
        self,
        method: str,
        path: str,
        *,
        parameters: Mapping[str, str | int] | None = None,
        body: Mapping[str, object] | None = None,
    ) -> bytes:
        try:
            answer = self._patiently(self._http.build_request(method, path, params=parameters, json=body))
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise Stop(self._nobody(), Exit.NO_SERVER) from error
        except httpx.TimeoutException as error:
            raise Stop(f"{self.url} did not answer within {_TIMEOUT_S:g} s; kuberklone status says more.") from error
        except (httpx.TransportError, httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
            raise Stop(f"the connection to {self.url} broke: {error}. Look what was done, then try again.") from error
        if answer.is_error:
            raise Stop(_complaint(answer))
        return answer.content

    def _patiently(self, request: httpx.Request) -> httpx.Response:
        """Where `up` runs, its API is starting or being restarted: wait for it a moment."""
        deadline_s = clock.SYSTEM.monotonic() + (_STARTS_WITHIN_S if self._owner else 0.0)
        while True:
            try:
                return self._http.send(request)
            except httpx.ConnectError:
                # Nothing was sent, so asking again is safe whatever the method.
                if clock.SYSTEM.monotonic() >= deadline_s:
                    raise
            clock.sleep(_POLL_S)

    def _nobody(self) -> str:
        if self._owner is None:
            return f"nothing answers at {self.url}; start one with kuberklone up."
        return f"kuberklone up runs (pid {self._owner.pid}), but nothing answers at {self.url}; its screen says why."


def connect(settings: Settings) -> Client:
    """To the address that was asked for, else to what runs on the data, else to where it would."""
    if settings.server:
        return Client(settings.server)
    owner = running.find(settings.home)
    return Client(owner.url, owner=owner) if owner else Client(settings.url)


def decode(raw: bytes, kind: type[Answer]) -> Answer:
    """The part of the answer that a table shows; fields this program does not know are passed over."""
    try:
        return msgspec.json.decode(raw, type=kind)
    except msgspec.DecodeError as error:
        raise Stop(f"the server's answer cannot be read ({error}); is that KuberKlone at this address?") from error


def named(raw: bytes) -> list[str]:
    """The names of what was made: one record, or the items of a list."""
    made = decode(raw, wire.Made)
    return [item.name for item in made.items] if made.items else [made.name]


def _complaint(answer: httpx.Response) -> str:
    try:
        problem = msgspec.json.decode(answer.content, type=wire.Problem)
    except msgspec.DecodeError:
        return f"the server answered {answer.status_code} {answer.reason_phrase}; is that KuberKlone at {answer.url}?"
    detail = problem.detail or problem.title or f"the server answered {answer.status_code}"
    return f"{problem.field}: {detail}" if problem.field else detail
