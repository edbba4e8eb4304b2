"""Documents that stay as they are while the program runs: sent with a tag, so that a client fetches each once."""

import hashlib

from kuberklone.api.kubernetes.answers import JSON, Answer
from kuberklone.api.kubernetes.request import Request


def tag(body: bytes) -> str:
    """A fingerprint of the bytes; upper case, as kube-apiserver writes it."""
    return hashlib.sha256(body).hexdigest().upper()


def answer(
    request: Request,
    body: bytes,
    *,
    content_type: str = JSON,
    headers: tuple[tuple[bytes, bytes], ...] = ((b"cache-control", b"public"),),
) -> Answer:
    """The document, or 304 where the client has it already."""
    quoted = f'"{tag(body)}"'
    told = ((b"etag", quoted.encode()), (b"vary", b"Accept"), *headers)
    known = {each.strip().removeprefix("W/") for each in request.header(b"if-none-match").split(",")}
    if quoted in known or "*" in known:
        return Answer(body=b"", code=304, content_type=content_type, headers=told)
    return Answer(body=body, content_type=content_type, headers=told)
