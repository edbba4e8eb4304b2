"""Reads JSON text that anybody may have sent: bounded in depth, and free of what a database cannot keep."""

from typing import Any

import msgspec

from kuberklone.errors import Malformed

# Built-in kinds nest 20 levels at most, schemas of custom ones some 40. Whoever walks a document by recursion may rely
# on it; Python itself gives up at 1,000 frames.
DEPTH_MAX = 100

_decode = msgspec.json.decode


def read(text: bytes, *, of: str = "the body") -> Any:
    """The content; raises Malformed."""
    try:
        content = _decode(text)
    except RecursionError:
        raise too_deep(of) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Malformed(f"{of} is not JSON: {str(error)[:200]}") from error
    # As many levels need as many brackets; small documents, which are most, end here.
    if text.count(b"{") + text.count(b"[") > DEPTH_MAX:
        check_depth(content, of=of)
    if b"\\u0000" in text:
        check_characters(content)
    return content


def too_deep(of: str = "the body") -> Malformed:
    return Malformed(f"{of} nests deeper than {DEPTH_MAX} levels")


def check_depth(content: Any, *, of: str) -> None:
    """Raises Malformed where something is nested too deeply for whoever reads it next."""
    level = [content]
    for _ in range(DEPTH_MAX):
        level = [
            child
            for each in level
            for child in (each.values() if type(each) is dict else each)
            if type(child) is dict or type(child) is list
        ]
        if not level:
            return
    raise too_deep(of)


def check_characters(content: Any) -> None:
    """No text may hold U+0000: Postgres keeps none, and a document must be the same on every database."""
    pending = [content]
    while pending:
        each = pending.pop()
        if isinstance(each, dict):
            pending.extend(each.keys())
            pending.extend(each.values())
        elif isinstance(each, list):
            pending.extend(each)
        elif isinstance(each, str) and "\0" in each:
            raise Malformed(f"the body holds the character U+0000 in the text {each[:80]!r}; leave it out")
