"""The Kubernetes API as an ASGI application, beside the framework: every request pays only for what it needs."""

import asyncio
import zlib
from collections.abc import AsyncIterator
from typing import Any, cast

from litestar.types import HTTPScope, Receive, Scope, Send, WebSocketScope

from kuberklone import logs
from kuberklone.api.kubernetes import discovering, paths, routes, statuses
from kuberklone.api.kubernetes.answers import Answer, Handler, Stream
from kuberklone.api.kubernetes.cluster import Cluster
from kuberklone.api.kubernetes.request import Query, Request
from kuberklone.api.meter import UNMATCHED
from kuberklone.api.problems import Problem

_ROOTS = ("api", "apis", "version", "openapi")
# As kube-apiserver: below this compressing costs more than sending.
_COMPRESSED_BYTES_MIN = 128 * 1024
# Level 1, as kube-apiserver: the answer of a list is compressed ten times anyway.
_LEVEL = 1
_GZIP_WINDOW = zlib.MAX_WBITS | 16
# A warning is a header; of many, the first few are read.
_WARNINGS_MAX = 20
_WARNING_LENGTH_MAX = 1024

_log = logs.get()


def claims(path: str) -> bool:
    """Whether a path is the Kubernetes API's."""
    return path[1:].partition("/")[0] in _ROOTS


class KubernetesApi:
    def __init__(self, cluster: Cluster, *, most_bytes: int) -> None:
        self._cluster = cluster
        self._most_bytes = most_bytes

    async def __call__(self, scope: HTTPScope, receive: Receive, send: Send) -> tuple[int, str]:
        """Answer; the code and the pattern of the path, for counting."""
        path = scope["path"].rstrip("/") or "/"
        parsed = paths.parse(path)
        route = UNMATCHED
        request: Request | None = None
        try:
            method = "GET" if scope["method"] == "HEAD" else scope["method"]
            request = self._request(method, parsed, scope, receive)
            handler = self._find(path, parsed, request)
            if parsed is not None and parsed.resource:
                route = parsed.pattern
            answer = await handler(self._cluster, request)
            if route is UNMATCHED:
                route = path  # a document that is there; how many others are asked for is up to strangers
        except Exception as error:  # noqa: BLE001 - the outermost boundary of a request
            answer = _failed(error, parsed)
        if isinstance(answer, Answer):
            await _send(send, answer, request, scope)
        else:
            await _send_stream(send, receive, answer, request, scope)
        return answer.code, route

    async def socket(self, scope: WebSocketScope, receive: Receive, send: Send) -> None:
        """Answer a request for a WebSocket."""
        parsed = paths.parse(scope["path"].rstrip("/"))
        await receive()  # websocket.connect
        try:
            request = self._request("GET", parsed, scope, receive)
            if parsed is None or not parsed.resource:
                raise statuses.no_such_path()
            request.found = self._cluster.catalogue.find(parsed.group, parsed.version, parsed.resource)
            handler = routes.socket(parsed, request.found, is_watch=request.is_watch)
            await handler(self._cluster, request, send)
        except Exception as error:  # noqa: BLE001 - the outermost boundary of a request
            await _refuse_socket(send, _failed(error, parsed))

    async def refuse(self, scope: HTTPScope, send: Send, problem: Problem) -> int:
        """Answer somebody who is not let in; the code."""
        answer = _failed(statuses.not_let_in(problem.status, problem.detail), None)
        await _send(send, answer, None, scope)
        return answer.code

    async def refuse_socket(self, send: Send, problem: Problem) -> None:
        await _refuse_socket(send, _failed(statuses.not_let_in(problem.status, problem.detail), None))

    def _request(
        self, method: str, parsed: paths.ResourcePath | None, scope: HTTPScope | WebSocketScope, receive: Receive
    ) -> Request:
        return Request(
            method=method,
            path=parsed or paths.ResourcePath(group="", version=""),
            query=Query(scope["query_string"]),
            headers=dict(scope["headers"]),
            scope=scope,
            receive=receive,
            most_bytes=self._most_bytes,
        )

    def close(self) -> None:
        """End all watches."""
        self._cluster.hub.close()

    def _find(self, path: str, parsed: paths.ResourcePath | None, request: Request) -> Handler:
        found = routes.document(path)
        if found is not None:
            if request.method != "GET":
                raise statuses.not_allowed()
            return found
        if parsed is None or not parsed.resource:
            if request.method != "GET":
                raise statuses.no_such_path()
            return discovering.show_below
        request.found = self._cluster.catalogue.find(parsed.group, parsed.version, parsed.resource)
        return routes.handler(request.method, parsed, request.found, is_watch=request.is_watch)


def _failed(error: Exception, parsed: paths.ResourcePath | None) -> Answer:
    failure = statuses.failure(error, parsed)
    headers: tuple[tuple[bytes, bytes], ...] = ()
    if failure.retry_after_s is not None:
        headers = ((b"retry-after", str(failure.retry_after_s).encode()),)
    return Answer(body=failure.document, code=failure.code, headers=headers)


def _headers(answer: Answer | Stream, request: Request | None) -> list[tuple[bytes, bytes]]:
    headers = [(b"content-type", answer.content_type.encode()), (b"cache-control", b"no-cache, private")]
    for name, value in answer.headers:
        if name == b"cache-control":
            headers.pop(1)
        headers.append((name, value))
    for warning in (request.warnings if request is not None else [])[:_WARNINGS_MAX]:
        headers.append((b"warning", f'299 - "{_quoted(warning)}"'.encode("latin-1", "replace")))
    return headers


def _quoted(warning: str) -> str:
    shown = warning[:_WARNING_LENGTH_MAX].replace("\\", "\\\\").replace('"', '\\"')
    return "".join(letter if letter.isprintable() else " " for letter in shown)


def _accepts_gzip(request: Request | None) -> bool:
    return request is not None and "gzip" in request.header(b"accept-encoding")


async def _send(send: Send, answer: Answer, request: Request | None, scope: Scope) -> None:
    body = answer.body
    headers = _headers(answer, request)
    if len(body) >= _COMPRESSED_BYTES_MIN and _accepts_gzip(request):
        body = await asyncio.to_thread(zlib.compress, body, _LEVEL, _GZIP_WINDOW)
        headers += [(b"content-encoding", b"gzip"), (b"vary", b"Accept-Encoding")]
    headers.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": answer.code, "headers": headers})
    if cast(HTTPScope, scope)["method"] == "HEAD":
        body = b""
    await send({"type": "http.response.body", "body": body, "more_body": False})


async def _send_stream(send: Send, receive: Receive, answer: Stream, request: Request | None, scope: HTTPScope) -> None:
    """Send the pieces until they end or the client leaves."""
    headers = _headers(answer, request)
    compressor = None
    if answer.may_be_compressed and _accepts_gzip(request):
        compressor = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP_WINDOW)
        headers += [(b"content-encoding", b"gzip"), (b"vary", b"Accept-Encoding")]
    sending = asyncio.ensure_future(_pieces(send, answer, headers, compressor, is_head=scope["method"] == "HEAD"))
    left = asyncio.ensure_future(_left(receive))
    try:
        # Two tasks for the whole answer, and none for each piece: a change is sent to a hundred watchers at once.
        await asyncio.wait({sending, left}, return_when=asyncio.FIRST_COMPLETED)
        if sending.done():
            sending.result()
    except TimeoutError:
        # The server then closes the connection in the middle of the answer, which is what it is.
        _log.warning("a client was cut off that takes nothing", path=scope["path"])
    finally:
        for task in (sending, left):
            task.cancel()
        await asyncio.gather(sending, left, return_exceptions=True)
        await _close(answer.chunks)


async def _pieces(
    send: Send, answer: Stream, headers: list[tuple[bytes, bytes]], compressor: Any, *, is_head: bool
) -> None:
    await send({"type": "http.response.start", "status": answer.code, "headers": headers})
    rest = b""
    if not is_head:
        async for chunk in answer.chunks:
            piece = chunk if compressor is None else compressor.compress(chunk)
            if piece:
                async with answer.patience.while_sending():
                    await send({"type": "http.response.body", "body": piece, "more_body": True})
        rest = b"" if compressor is None else compressor.flush()
    await send({"type": "http.response.body", "body": rest, "more_body": False})


async def _left(receive: Receive) -> None:
    """Returns once the client has gone."""
    while (await receive())["type"] != "http.disconnect":
        continue


async def _close(chunks: AsyncIterator[bytes]) -> None:
    close = getattr(chunks, "aclose", None)
    if close is not None:
        await close()


async def _refuse_socket(send: Send, answer: Answer) -> None:
    """An ordinary answer instead of a WebSocket."""
    start = {"type": "websocket.http.response.start", "status": answer.code, "headers": _headers(answer, None)}
    await send(cast(Any, start))
    await send(cast(Any, {"type": "websocket.http.response.body", "body": answer.body}))
