"""One request: its path, its parameters, its headers, and its body once somebody wants it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl

from litestar.types import HTTPScope, Receive, WebSocketScope

from kuberklone.api import bodies
from kuberklone.api.kubernetes.paths import ResourcePath
from kuberklone.errors import Malformed
from kuberklone.kinds.catalogue import Served
from kuberklone.kinds.kind import Kind

_TRUE = frozenset({"true", "1", "t", "T", "TRUE", "True"})
_FALSE = frozenset({"false", "0", "f", "F", "FALSE", "False", ""})
_INTEGER = re.compile(r"[+-]?\d{1,18}")
# A list has some eight parameters and exec some more; a longer query is nobody's honest one.
_PARAMETERS_MAX = 1_000
# Most are of programs that ask the same again; the others push them out for a moment.
_QUERIES_REMEMBERED = 256


@lru_cache(maxsize=_QUERIES_REMEMBERED)
def _parameters(raw: bytes) -> Mapping[str, list[str]]:
    """The values of each parameter; raises Malformed. Do not change them: programs repeat their few queries."""
    try:
        pairs = parse_qsl(raw.decode(), keep_blank_values=True, max_num_fields=_PARAMETERS_MAX, errors="strict")
    except ValueError as error:
        raise Malformed(f"the query cannot be read: {error}") from error
    values: dict[str, list[str]] = {}
    for name, value in pairs:
        if "\0" in value:
            raise Malformed(f"the parameter {name[:80]} holds a zero byte")
        values.setdefault(name, []).append(value)
    return values


class Query:
    """Parameters; names that nobody asks for are ignored, as in Kubernetes."""

    def __init__(self, raw: bytes) -> None:
        self._values = _parameters(raw) if raw else {}

    def text(self, name: str, default: str = "") -> str:
        """The first value."""
        found = self._values.get(name)
        return found[0] if found else default

    def texts(self, name: str) -> list[str]:
        """All values of a parameter that may stand several times, such as `command`."""
        return list(self._values.get(name, ()))

    def given(self, name: str) -> bool:
        return name in self._values

    def flag(self, name: str, *, default: bool = False) -> bool:
        """A boolean as Go reads them; raises Malformed for anything else."""
        if name not in self._values:
            return default
        value = self._values[name][0]
        if value in _TRUE:
            return True
        if value in _FALSE:
            return False
        raise Malformed(f"{name}: send true or false; got {value!r:.80}")

    def integer(self, name: str) -> int | None:
        """A whole number of at most 64 bits; None when it is not given. Raises Malformed."""
        value = self.text(name)
        if not value:
            return None
        if not _INTEGER.fullmatch(value):
            raise Malformed(f"{name}: send a whole number; got {value!r:.80}")
        return int(value)


@dataclass(slots=True, kw_only=True)
class Request:
    method: str
    path: ResourcePath
    query: Query
    headers: Mapping[bytes, bytes]
    scope: HTTPScope | WebSocketScope
    receive: Receive
    most_bytes: int
    found: Served | None = None
    """The kind and version that the path names; None for documents such as discovery."""
    warnings: list[str] = field(default_factory=list)
    """Sentences for the person, sent as `Warning:` headers."""

    def header(self, name: bytes) -> str:
        """The value, empty when the header is not there."""
        return self.headers.get(name, b"").decode("latin-1")

    @property
    def served(self) -> Served:
        """The kind and version; only handlers of resources ask for it."""
        assert self.found is not None, "the route has a kind"
        return self.found

    @property
    def kind(self) -> Kind[Any]:
        return self.served.kind

    @property
    def is_watch(self) -> bool:
        return self.path.is_old_watch or self.query.flag("watch")

    async def body(self) -> bytes:
        """The raw body; raises TooLarge."""
        return await bodies.receive_body(self.scope, self.receive, most_bytes=self.most_bytes)
