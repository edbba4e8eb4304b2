"""Documents as clients get them: with the revision at which they were read, put in without decoding them."""

import msgspec

from kuberklone.apimachinery.document import Document
from kuberklone.kinds import json_text
from kuberklone.kinds.catalogue import Served

_METADATA = '"metadata":{'
_decode = msgspec.json.Decoder(type=Document).decode


def text(document: str, revision: int, served: Served | None = None) -> str:
    """The text of a document as `kind.document` makes it, with its resourceVersion and in the version asked for."""
    if revision:
        # Kinds begin their documents with apiVersion, kind and metadata, so this is the first place that says so.
        document = document.replace(_METADATA, f'{_METADATA}"resourceVersion":"{revision}",', 1)
    if served is None or served.is_stored:
        return document
    return json_text.text(served.shown(_decode(document)))


def decoded(text: str) -> Document:
    """The document that a text says."""
    return _decode(text)
