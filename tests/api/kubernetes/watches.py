"""A watch as a test holds it: events arrive in a thread and are waited for by what they are."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import httpx

from tests import waiting
from tests.api.running import Api

# Two cores are shared with everything else that is being tested.
_DEADLINE_S = 10.0
ARRIVAL_S = _DEADLINE_S


class Watch:
    """What has arrived so far."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self.events: list[dict[str, Any]] = []
        self.failure: Exception | None = None
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def first(self, count: int) -> list[dict[str, Any]]:
        """The first so many events, once they are there."""
        waiting.until(lambda: len(self.events) >= count, within_s=_DEADLINE_S, what=f"{count} events")
        return self.events[:count]

    def until(self, type: str) -> list[dict[str, Any]]:
        """All events up to the first of a type."""

        def found() -> list[dict[str, Any]] | None:
            seen = list(self.events)
            place = next((place for place, event in enumerate(seen) if event["type"] == type), None)
            return None if place is None else seen[: place + 1]

        return waiting.until(found, within_s=_DEADLINE_S, what=f"an event {type}")

    def to_its_end(self) -> list[dict[str, Any]]:
        """All events, once the server has ended the watch; raises what broke it."""
        self._thread.join(_DEADLINE_S)
        assert not self._thread.is_alive(), f"the watch goes on; so far: {self.events}"
        if self.failure is not None:
            raise self.failure
        return self.events

    def hang_up(self) -> None:
        """Cut the connection, whatever is being sent."""
        with suppress(OSError):  # it has ended
            self.response.extensions["network_stream"].get_extra_info("socket").shutdown(socket.SHUT_RDWR)
        self._thread.join(_DEADLINE_S)

    def _read(self) -> None:
        try:
            for line in self.response.iter_lines():
                self.events.append(json.loads(line))
        except (httpx.HTTPError, httpx.StreamError) as error:
            self.failure = error


@contextmanager
def watching(api: Api, path: str, *, accept: str = "application/json", **query: str) -> Iterator[Watch]:
    """A watch of a collection; the connection is cut at the end."""
    with httpx.Client(base_url=str(api.http.base_url), trust_env=False, timeout=None, verify=False) as client:
        request = client.build_request("GET", path, params={"watch": "true", **query}, headers={"accept": accept})
        response = client.send(request, stream=True)
        assert response.status_code == 200, response.read()
        watch = Watch(response)
        try:
            yield watch
        finally:
            watch.hang_up()


def told(events: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """Type and name of each."""
    return [(event["type"], event["object"]["metadata"]["name"]) for event in events]


def revisions(events: list[dict[str, Any]]) -> list[int]:
    return [int(event["object"]["metadata"]["resourceVersion"]) for event in events]
