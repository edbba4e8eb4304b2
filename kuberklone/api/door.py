"""The door of the API: who may come in, who takes the short way, and how many they were.

Whoever comes by TLS, and every agent, shows a token. Nobody else is asked; there the `guard` keeps foreign pages out,
which a token does as well.

The short way is for the one route that takes thousands of requests a second. The framework's own work for a request
(routing, parameters, response objects, nested middleware) cost as much as everything else on the way of POST /add_pod,
so that route is answered before the framework sees the request. It stays registered there as well, with the same
function behind it, for its documentation. The Kubernetes API is an application of its own beside the framework, for the
same reason.

Every JSON answer leaves with a line's end: people type curl, and their next prompt should not stick to it.
"""

from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any, cast

import msgspec
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send, WebSocketScope

from kuberklone.api import bodies, problems
from kuberklone.api.agents.sockets import Sockets
from kuberklone.api.authentication import Authenticator
from kuberklone.api.guard import Judge
from kuberklone.api.kubernetes.application import KubernetesApi, claims
from kuberklone.api.meter import UNMATCHED, Meter
from kuberklone.clock import SYSTEM

ShortWay = Callable[[bytes], Awaitable[bytes]]
"""Takes the body, returns the JSON of a 201, or raises."""

# Methods are free text on the wire; only these become labels.
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_JSON = [(b"content-type", b"application/json")]
_LINE_END = b"\n"


class Door:
    def __init__(
        self,
        framework: ASGIApp,
        *,
        judge: Judge,
        authenticator: Authenticator,
        sockets: Sockets,
        meter: Meter,
        short_ways: Mapping[tuple[str, str], ShortWay],
        kubernetes: KubernetesApi,
        most_bytes: int,
    ) -> None:
        self._framework = framework
        self._kubernetes = kubernetes
        self._judge = judge
        self._authenticator = authenticator
        self._sockets = sockets
        self._meter = meter
        self._short_ways = short_ways
        self._most_bytes = most_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if "method" not in scope:  # the lifespan of the process, or a WebSocket
            if cast(dict[str, Any], scope)["type"] == "websocket":
                await self._socket(scope, receive, send)
            else:
                await self._framework(scope, receive, send)
            return
        http = cast(HTTPScope, scope)
        started_s = SYSTEM.monotonic()
        short_way = self._short_ways.get((http["method"], http["path"]))
        if (problem := await self._refusal(http)) is not None:
            status, route = await self._refuse(http, send, problem), UNMATCHED
        elif claims(http["path"]):
            status, route = await self._kubernetes(http, receive, send)
        elif short_way is not None:
            status, route = await self._short(short_way, http, receive, send), http["path"]
        else:
            status, route = await self._long(http, receive, send)
        method = http["method"] if http["method"] in _METHODS else "other"
        self._meter.count(method, route, status, took_s=SYSTEM.monotonic() - started_s)

    async def _socket(self, scope: WebSocketScope, receive: Receive, send: Send) -> None:
        if not claims(scope["path"]):
            await self._sockets.serve(scope, receive, send)
        # Browsers let pages of any origin open WebSockets, and only say whose it is.
        elif (problem := await self._refusal(scope)) is not None:
            await receive()
            await self._kubernetes.refuse_socket(send, problem)
        else:
            await self._kubernetes.socket(scope, receive, send)

    def close(self) -> None:
        """End what would go on for ever: the server is about to stop."""
        self._kubernetes.close()

    async def _refuse(self, scope: HTTPScope, send: Send, problem: problems.Problem) -> int:
        if claims(scope["path"]):
            return await self._kubernetes.refuse(scope, send, problem)
        return await send_problem(send, problem)

    async def _refusal(self, scope: HTTPScope | WebSocketScope) -> problems.Problem | None:
        encrypted = scope["scheme"] in ("https", "wss")
        if not encrypted and (problem := self._foreign(scope)) is not None:
            return problem
        try:
            # Handlers find it as `request.auth`.
            scope["auth"] = await self._authenticator.identify(scope["path"], scope["headers"], encrypted=encrypted)
        except Exception as error:  # noqa: BLE001 - the outermost boundary of a request; the framework has its own
            return problems.of(error, method="GET", path=scope["path"])
        return None

    def _foreign(self, scope: HTTPScope | WebSocketScope) -> problems.Problem | None:
        host = origin = None
        for name, value in scope["headers"]:
            if name == b"host":
                host = value
            elif name == b"origin":
                origin = value
        server = scope["server"]
        return self._judge(host, origin, server[0] if server else "")

    async def _short(self, answer: ShortWay, scope: HTTPScope, receive: Receive, send: Send) -> int:
        try:
            body = await bodies.receive_body(scope, receive, most_bytes=self._most_bytes)
            document = await answer(body)
        except Exception as error:  # noqa: BLE001 - the outermost boundary of a request; the framework has its own
            return await send_problem(send, problems.of(error, method=scope["method"], path=scope["path"]), error)
        return await _send(send, HTTPStatus.CREATED, _JSON, document)

    async def _long(self, scope: HTTPScope, receive: Receive, send: Send) -> tuple[int, str]:
        status, is_line = 0, False

        async def watched(message: Message) -> None:
            nonlocal status, is_line
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = dict(message["headers"])
                is_line = b"json" in headers.get(b"content-type", b"") and headers.get(b"content-length", b"0") != b"0"
                if is_line:
                    headers[b"content-length"] = str(int(headers[b"content-length"]) + len(_LINE_END)).encode()
                    message["headers"] = list(headers.items())
            elif is_line and message["type"] == "http.response.body" and message["body"]:
                message["body"] += _LINE_END
            await send(message)

        await self._framework(scope, receive, watched)
        # The framework leaves the pattern of the route that it chose: /nodes/{name}, not each node's path.
        route = cast(dict[str, Any], scope).get("path_template") or UNMATCHED
        return status, route if status != HTTPStatus.NOT_FOUND or "{" in route else UNMATCHED


async def send_problem(send: Send, problem: problems.Problem, error: Exception | None = None) -> int:
    headers = [(b"content-type", problems.MEDIA_TYPE.encode())]
    for name, value in problems.headers_of(problem, error).items():
        headers.append((name.encode(), value.encode("latin-1")))
    return await _send(send, problem.status, headers, msgspec.json.encode(problem))


async def _send(send: Send, status: int, headers: list[tuple[bytes, bytes]], document: bytes) -> int:
    body = document + _LINE_END
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": status, "headers": [*headers, length]})
    await send({"type": "http.response.body", "body": body, "more_body": False})
    return status
