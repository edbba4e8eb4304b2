"""A connection to one Docker Engine: every call has a deadline, and every failure is an EngineError.

    engine = connection.connect(settings.docker_socket, timeout_s=10)
    with engine.asked("create the container web"):
        engine.api.create_container("alpine:3", name="web")

`engine.api` is the SDK's low-level client: one HTTP request per method, where its high-level one inspects each
container that it lists. Whatever fails inside `asked` is raised as an error of ours that names the socket and what was
asked, whether the engine refused (its own exceptions), hangs or is gone (those of `requests` and of the socket).
"""

import socket as socket_module
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import docker
import requests
import urllib3
from docker.errors import APIError, DockerException, ImageNotFound

from kuberklone.errors import (
    ContainerMissing,
    EngineError,
    EngineTimeout,
    EngineUnavailable,
    ImageMissing,
    NameTaken,
    WrongState,
)

# Any version would do for the question which one the engine speaks: that path has no version in it.
_ANY_VERSION = "1.41"
_UNIX = "unix://"
_NOT_FOUND, _CONFLICT = 404, 409
# What it answers for a network to which containers are connected.
_FORBIDDEN = 403


class Engine:
    """One Docker Engine, asked by any number of threads."""

    def __init__(self, api: docker.APIClient, socket: str) -> None:
        self.api = api
        self.socket = socket

    def close(self) -> None:
        self.api.close()

    @contextmanager
    def asked(self, what: str) -> Iterator[None]:
        """Translate whatever the SDK raises in the block; `what` is what was asked, as in `start the container web`."""
        with _translated(self.socket, what):
            yield


def connect(address: str, *, timeout_s: float) -> Engine:
    """An engine that answers; raises EngineUnavailable, or EngineTimeout when it accepts and says nothing.

    `timeout_s` is the deadline of each call unless the call has its own. The environment is not read: not DOCKER_HOST,
    which our setting stands for, and no proxies, for which a socket of this machine is no address.
    """
    with _translated(address, "which version it speaks"):
        _knock(address, timeout_s)
        with docker.APIClient(base_url=address, version=_ANY_VERSION, timeout=timeout_s) as probe:
            probe.trust_env = False
            version: str = probe.version(api_version=False)["ApiVersion"]
        api = docker.APIClient(base_url=address, version=version, timeout=timeout_s)
    api.trust_env = False
    return Engine(api, address)


def _knock(address: str, timeout_s: float) -> None:
    """Raises OSError when nobody listens: the SDK leaves the socket of a connection that failed to the collector."""
    if address.startswith(_UNIX):
        with socket_module.socket(socket_module.AF_UNIX) as probe:
            probe.settimeout(timeout_s)
            probe.connect(address.removeprefix(_UNIX))


@contextmanager
def _translated(socket: str, what: str) -> Iterator[None]:
    try:
        yield
    except APIError as error:
        raise _refusal(error, socket, what) from error
    except (requests.Timeout, TimeoutError, urllib3.exceptions.ReadTimeoutError) as error:
        raise EngineTimeout(
            f"the Docker Engine at {socket} did not answer in time: {what}. Whether it was done is not known."
        ) from error
    except (requests.RequestException, urllib3.exceptions.HTTPError, DockerException, OSError, KeyError) as error:
        # A connection that is refused, cut off in the middle, or answered by something that is no Docker Engine.
        raise EngineUnavailable(
            f"no Docker Engine answers at {socket} ({_cause(error)}). Start it, name another with docker_socket, "
            "or do without: --provider simulated."
        ) from error


def _refusal(error: APIError, socket: str, what: str) -> EngineError:
    status = error.response.status_code if error.response is not None else None
    message = f"{what}: {error.explanation or error}"
    if isinstance(error, ImageNotFound):
        return ImageMissing(message)
    if status == _NOT_FOUND:
        return ContainerMissing(message)
    if status in (_CONFLICT, _FORBIDDEN):
        # The engine has one status for a name that is taken and for a container in a state that forbids it.
        return NameTaken(message) if "already in use" in message else WrongState(message)
    return EngineError(f"the Docker Engine at {socket} refused: {message} (status {status})")


def _cause(error: BaseException) -> str:
    """The innermost reason, which is the system's own word: `No such file or directory`."""
    seen: Any = error
    while (inner := seen.__cause__ or seen.__context__) is not None:
        seen = inner
    return getattr(seen, "strerror", None) or str(seen) or type(seen).__name__
