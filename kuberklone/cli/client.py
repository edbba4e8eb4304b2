"""Talks to the API: one request, and either its answer or a sentence that says what to do."""

import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import httpx
import msgspec

from kuberklone import clock
from kuberklone.cli import running, wire
from kuberklone.cli.exits import Exit, Stop
from kuberklone.cli.running import Owner
from kuberklone.kinds import credentials
from kuberklone.settings import Settings

# Longer than the API waits for its own store, so that its sentence arrives instead of ours.
_TIMEOUT_S = 15.0
# An `up` that was just started, or whose API was killed, answers again within this time.
_STARTS_WITHIN_S = 5.0
_POLL_S = 0.05
# A log that is followed may be silent for any time.
_PATIENT = httpx.Timeout(_TIMEOUT_S, read=None)

Answer = TypeVar("Answer")


class Client:
    """A connection to one API."""

    def __init__(self, url: str, *, owner: Owner | None = None, home: Path | None = None) -> None:
        self.url = url
        self._owner = owner
        encrypted = home if url.startswith("https://") else None
        # A proxy from the environment must not be asked for an address of this machine.
        self._http = httpx.Client(
            base_url=url,
            timeout=_TIMEOUT_S,
            trust_env=False,
            verify=_trusted(encrypted),
            headers=_authorization(encrypted),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def get(self, path: str, *, parameters: Mapping[str, str | int] | None = None) -> bytes:
        return self._request("GET", path, parameters=parameters)

    @contextmanager
    def stream(self, path: str, *, parameters: Mapping[str, str | int]) -> Iterator[Iterator[bytes]]:
        """The pieces of an answer as they come, however long that takes."""
        with self._errors():
            request = self._http.build_request("GET", path, params=parameters, timeout=_PATIENT)
            answer = self._patiently(request, stream=True)
            try:
                if answer.is_error:
                    answer.read()
                    raise Stop(_complaint(answer))
                yield answer.iter_bytes()
            finally:
                answer.close()

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
        with self._errors():
            answer = self._patiently(self._http.build_request(method, path, params=parameters, json=body))
        if answer.is_error:
            raise Stop(_complaint(answer))
        return answer.content

    @contextmanager
    def _errors(self) -> Iterator[None]:
        """What the connection raises becomes a sentence."""
        try:
            yield
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            if "CERTIFICATE_VERIFY_FAILED" in str(error):
                raise Stop(
                    f"the certificate that {self.url} shows is not trusted here; --home names the directory of the "
                    f"cluster that holds its {credentials.FOLDER}/{credentials.CA_CERTIFICATE}."
                ) from error
            raise Stop(self._nobody(), Exit.NO_SERVER) from error
        except httpx.TimeoutException as error:
            raise Stop(f"{self.url} did not answer within {_TIMEOUT_S:g} s; kuberklone status says more.") from error
        except (httpx.TransportError, httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
            raise Stop(f"the connection to {self.url} broke: {error}. Look what was done, then try again.") from error

    def _patiently(self, request: httpx.Request, *, stream: bool = False) -> httpx.Response:
        """Where `up` runs, its API is starting or being restarted: wait for it a moment."""
        deadline_s = clock.SYSTEM.monotonic() + (_STARTS_WITHIN_S if self._owner else 0.0)
        while True:
            try:
                return self._http.send(request, stream=stream)
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
        return Client(settings.server, home=settings.home)
    owner = running.find(settings.home)
    return Client(owner.url, owner=owner) if owner else Client(settings.url)


def _trusted(home: Path | None) -> ssl.SSLContext | bool:
    """The CA of the cluster whose data lies here, if there is one; else those of the system."""
    certificate = None if home is None else credentials.ca_certificate(home)
    return ssl.create_default_context(cafile=certificate) if certificate is not None and certificate.exists() else True


def _authorization(home: Path | None) -> dict[str, str]:
    """The administrator's token, which whoever may read the directory may use."""
    if home is None:
        return {}
    try:
        text = credentials.admin_token(home).read_text().strip()
    except OSError:
        return {}
    return {"Authorization": f"Bearer {text}"}


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
