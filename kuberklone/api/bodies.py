"""Reading a request's body: JSON of a known shape, or an error that names the field and says what to send."""

import re
from typing import Any, TypeVar

import msgspec
from litestar import Request
from litestar.exceptions import ClientException, HTTPException

from kuberklone.errors import InvalidField

Body = TypeVar("Body", bound=msgspec.Struct)

_WHERE = re.compile(r"^(?P<what>.*?)(?: - at `\$\.?(?P<path>.*)`)?$", re.DOTALL)
_UNKNOWN = re.compile(r"Object contains unknown field `(.*)`", re.DOTALL)
_MISSING = re.compile(r"Object missing required field `(.*)`")
_decoders: dict[type[msgspec.Struct], msgspec.json.Decoder[Any]] = {}


class UnsupportedMediaType(HTTPException):
    status_code = 415


async def read(request: Request[Any, Any, Any], kind: type[Body]) -> Body:
    """The body as `kind`; raises a 400, 413, 415 or InvalidField."""
    body = await request.body()
    if not body:
        raise ClientException(f"the body is empty; send a JSON object such as {example(kind)}")
    check_content_type(request)
    return decode(body, kind)


def decode(body: bytes, kind: type[Body]) -> Body:
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


def check_content_type(request: Request[Any, Any, Any]) -> None:
    """Only JSON. It also keeps out forms of foreign web pages, which browsers send without asking us first."""
    content_type = ""
    for name, value in request.scope["headers"]:
        if name == b"content-type":
            content_type = value.decode("latin-1")
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type != "application/json" and not (media_type.startswith("application/") and media_type[-5:] == "+json"):
        raise UnsupportedMediaType(
            detail=f"the body is {media_type or 'of no stated type'}; send it as Content-Type: application/json "
            "(curl: --json, or -H 'Content-Type: application/json')"
        )


def example(kind: type[msgspec.Struct]) -> str:
    """The shortest body that works, from the examples of the required fields."""
    return msgspec.json.encode(
        {field.encode_name: _example(field) for field in msgspec.structs.fields(kind) if field.required}
    ).decode()


def _example(field: msgspec.structs.FieldInfo) -> Any:
    meta = next((part for part in getattr(field.type, "__metadata__", ()) if isinstance(part, msgspec.Meta)), None)
    return meta.examples[0] if meta is not None and meta.examples else "…"


def _named(error: msgspec.ValidationError, kind: type[msgspec.Struct]) -> InvalidField:
    match = _WHERE.match(str(error))
    assert match is not None, "the pattern matches every text"
    what, path = match["what"], match["path"] or ""
    known = ", ".join(field.encode_name for field in msgspec.structs.fields(kind))
    if unknown := _UNKNOWN.fullmatch(what):
        field = f"{path}.{unknown[1]}".lstrip(".")[:200]
        return InvalidField(
            field,
            f"there is no such field; leave it out, or send one of {known}"
            if not path
            else "there is no such field; leave it out",
        )
    if missing := _MISSING.fullmatch(what):
        field = f"{path}.{missing[1]}".lstrip(".")
        return InvalidField(field, f"it is missing; send at least {example(kind)}")
    return InvalidField(path or "body", f"{what[:1].lower()}{what[1:]}; {_remedy(path, kind)}")


def _remedy(path: str, kind: type[msgspec.Struct]) -> str:
    name = re.split(r"[.\[]", path, maxsplit=1)[0]
    for field in msgspec.structs.fields(kind):
        if field.encode_name == name:
            meta = _meta(field.type)
            if meta is not None and meta.description:
                return f"send {meta.description}".rstrip(".")
    return f"send an object such as {example(kind)}"


def _meta(kind: Any) -> msgspec.Meta | None:
    for part in (kind, *getattr(kind, "__args__", ())):
        for meta in getattr(part, "__metadata__", ()):
            if isinstance(meta, msgspec.Meta):
                return meta
    return None
