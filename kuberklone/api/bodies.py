"""Reading a request's body: JSON of a known shape, or an error that names the field and says what to send."""

import re
from typing import Any, TypeVar

import msgspec
from litestar import Request
from litestar.exceptions import ClientException, HTTPException
from litestar.types import Receive, Scope

from kuberklone.errors import InvalidField, Malformed

Body = TypeVar("Body", bound=msgspec.Struct)

_WHERE = re.compile(r"^(?P<what>.*?)(?: - at `\$\.?(?P<path>.*)`)?$", re.DOTALL)
_UNKNOWN = re.compile(r"Object contains unknown field `(.*)`", re.DOTALL)
_MISSING = re.compile(r"Object missing required field `(.*)`")
_decoders: dict[type[msgspec.Struct], msgspec.json.Decoder[Any]] = {}


class TooLarge(HTTPException):
    status_code = 413


async def receive_body(scope: Scope, receive: Receive, *, most_bytes: int) -> bytes:
    """The raw body; raises TooLarge as soon as it is known to be, and Malformed when the client leaves in between."""
    for name, value in scope["headers"]:
        if name == b"content-length" and int(value) > most_bytes:
            raise _too_large(most_bytes)
    message = await receive()
    if message["type"] == "http.request" and not message["more_body"]:
        return message["body"]  # nearly always: a small body comes in one piece
    parts: list[bytes] = []
    length = 0
    while message["type"] == "http.request":
        parts.append(message["body"])
        length += len(message["body"])
        if length > most_bytes:
            raise _too_large(most_bytes)
        if not message["more_body"]:
            return b"".join(parts)
        message = await receive()
    # Half a file of YAML may be a file of YAML, and a DELETE without its preconditions is another wish.
    raise Malformed("the body ended before it was whole; send it again")


async def read(request: Request[Any, Any, Any], kind: type[Body]) -> Body:
    """The body as `kind`; raises a 400, 413 or InvalidField."""
    return parse(await request.body(), kind)


def parse(body: bytes, kind: type[Body]) -> Body:
    """Whatever Content-Type says, the body is read as JSON: `curl -d '{…}'` calls it a form, some clients say nothing.

    Forms of foreign web pages, which browsers send without asking first, are kept out by their Origin (`guard`).
    """
    if not body:
        raise ClientException(f"the body is empty; send a JSON object such as {example(kind)}")
    decoder = _decoders.get(kind)
    if decoder is None:
        decoder = _decoders[kind] = msgspec.json.Decoder(kind)
    try:
        decoded: Body = decoder.decode(body)
    except msgspec.ValidationError as error:
        raise _named(error, kind) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ClientException(f"the body is not JSON: {error}; send an object such as {example(kind)}") from error
    except RecursionError as error:
        raise ClientException(f"the body is nested too deeply; send an object such as {example(kind)}") from error
    return decoded


def example(kind: type[msgspec.Struct]) -> str:
    """The shortest body that works, from the examples of the required fields."""
    required = [field for field in msgspec.structs.fields(kind) if field.required]
    return msgspec.json.encode({field.encode_name: _example(field.type) for field in required}).decode()


def _too_large(most_bytes: int) -> TooLarge:
    return TooLarge(detail=f"the body is too large: more than {most_bytes} bytes; send less at once")


def _named(error: msgspec.ValidationError, kind: type[msgspec.Struct]) -> InvalidField:
    match = _WHERE.match(str(error))
    assert match is not None, "the pattern matches every text"
    what, path = match["what"], match["path"] or ""
    if unknown := _UNKNOWN.fullmatch(what):
        known = ", ".join(field.encode_name for field in msgspec.structs.fields(kind))
        instead = "" if path else f", or send one of {known}"
        return InvalidField(_joined(path, unknown[1]), f"there is no such field; leave it out{instead}")
    if missing := _MISSING.fullmatch(what):
        return InvalidField(_joined(path, missing[1]), f"it is missing; send at least {example(kind)}")
    return InvalidField(path or "body", f"{what[:1].lower()}{what[1:]}; send {_wanted(path, kind)}")


def _joined(path: str, name: str) -> str:
    return f"{path}.{name}".lstrip(".")[:200]


def _wanted(path: str, kind: type[msgspec.Struct]) -> str:
    name = re.split(r"[.\[]", path, maxsplit=1)[0]
    for field in msgspec.structs.fields(kind):
        meta = _meta(field.type)
        if field.encode_name == name and meta is not None and meta.description:
            return meta.description.rstrip(".")
    return f"an object such as {example(kind)}"


def _example(kind: Any) -> Any:
    meta = _meta(kind)
    return meta.examples[0] if meta is not None and meta.examples else "…"


def _meta(kind: Any) -> msgspec.Meta | None:
    for part in (kind, *getattr(kind, "__args__", ())):
        for meta in getattr(part, "__metadata__", ()):
            if isinstance(meta, msgspec.Meta):
                return meta
    return None
