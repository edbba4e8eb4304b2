"""Speaks to the lab API of a process that may be killed at any moment."""

import http.client
import json
from contextlib import closing
from typing import Any

# A request to an API that was killed ends at once; one to an API that is being started again is refused.
_TIMEOUT_S = 10.0


class NobodyAnsweredError(Exception):
    """The connection was refused or broke: whether the request was carried out is not known."""


class Lab:
    def __init__(self, port: int) -> None:
        self._port = port

    def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> tuple[int, Any]:
        """The status and the decoded answer; raises NobodyAnsweredError."""
        with closing(http.client.HTTPConnection("127.0.0.1", self._port, timeout=_TIMEOUT_S)) as connection:
            try:
                text = None if body is None else json.dumps(body)
                connection.request(method, path, text, {"Content-Type": "application/json"})
                answer = connection.getresponse()
                content = answer.read()
                is_json = "json" in answer.headers.get("Content-Type", "")
                return answer.status, json.loads(content) if is_json else content.decode()
            except (OSError, http.client.HTTPException) as error:
                raise NobodyAnsweredError from error

    def is_ready(self) -> bool:
        try:
            return self.ask("GET", "/readyz")[0] == 200
        except NobodyAnsweredError:
            return False
