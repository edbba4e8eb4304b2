"""GET of a collection: one revision for all of it, page by page, and never more than a page in memory."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from typing import Any

import msgspec

from kuberklone.api.kubernetes import answers, listing, shapes, statuses
from kuberklone.api.kubernetes.answers import Answer, Form, Stream
from kuberklone.api.kubernetes.cluster import Cluster
from kuberklone.api.kubernetes.listing import ListOptions, Token
from kuberklone.api.kubernetes.request import Request
from kuberklone.errors import CursorExpired
from kuberklone.kinds import served, tables
from kuberklone.store import collection, moment
from kuberklone.store.collection import PAGE_MAX, Page
from kuberklone.store.database import Store
from kuberklone.store.watch_feed import WholeChange

_encode = msgspec.json.Encoder().encode


async def show(cluster: Cluster, request: Request) -> Answer | Stream:
    """The collection as a list, a table or metadata alone; what is large is sent while it is read."""
    wanted = listing.read(request)
    layout = Layout.of(request)
    pages = Pages(cluster.store, wanted)
    if wanted.limit:
        chosen, token = await _limited(pages, wanted)
        parts = [layout.head(pages.revision, token), layout.items(chosen, pages.now_ms, is_first=True), layout.tail()]
        return shapes.plain(request, layout.form, b"".join(parts))
    first = await pages.following()
    if pages.at_end or layout.form.is_yaml:
        chosen = [*first, *[each async for page in _rest(pages) for each in page]]
        parts = [layout.head(pages.revision, None), layout.items(chosen, pages.now_ms, is_first=True), layout.tail()]
        return shapes.plain(request, layout.form, b"".join(parts))
    return Stream(chunks=_streamed(pages, layout, first), may_be_compressed=True)


async def _streamed(pages: "Pages", layout: "Layout", first: list[WholeChange]) -> AsyncIterator[bytes]:
    yield layout.head(pages.revision, None)
    is_first = True
    chosen = first
    while True:
        if chosen:
            yield layout.items(chosen, pages.now_ms, is_first=is_first)
            is_first = False
        if pages.at_end:
            break
        chosen = await pages.following()
    yield layout.tail()


async def _rest(pages: "Pages") -> AsyncIterator[list[WholeChange]]:
    while not pages.at_end:
        yield await pages.following()


async def _limited(pages: "Pages", wanted: ListOptions) -> tuple[list[WholeChange], Token | None]:
    """As many as asked for, and where to go on if there are more."""
    chosen: list[WholeChange] = []
    while len(chosen) <= wanted.limit and not pages.at_end:
        chosen += await pages.following()
    if len(chosen) <= wanted.limit:
        return [*chosen, *pages.unordered], None
    last = chosen[wanted.limit - 1]
    return [*chosen[: wanted.limit], *pages.unordered], Token(
        revision=pages.revision, namespace=last.namespace, name=last.name
    )


class Pages:
    """The objects that were asked for, read on a thread, a page at a time."""

    def __init__(self, store: Store, wanted: ListOptions) -> None:
        self._store = store
        self._wanted = wanted
        self._kind = wanted.selection.served.kind
        self._after: tuple[str, str] | None = None
        self._is_begun = False
        self.revision = 0
        self.now_ms = 0
        self.at_end = False
        self.unordered: list[WholeChange] = []
        """Where there is a limit, those after which no page can go on: all of them belong to the first one.

        That is more than was asked for, which a server may send, and better than to tell some twice and others never.
        """

    async def following(self) -> list[WholeChange]:
        """The next page of those that match; raises a 410, a 504 or StoreUnavailable."""
        try:
            return await asyncio.to_thread(self._read)
        except CursorExpired:
            raise listing.expired(self._wanted.token) from None

    def _read(self) -> list[WholeChange]:
        with moment.now(self._store) as at:
            page = self._page(at)
        self._after = page.after
        self._is_begun = True
        self.revision, self.now_ms, self.at_end = page.revision, page.now_ms, page.after is None
        if not self._wanted.limit or not page.unordered:
            return self._chosen(page.objects)
        self.unordered = self._chosen(page.objects[-page.unordered :])
        return self._chosen(page.objects[: -page.unordered])

    def _chosen(self, objects: list[WholeChange]) -> list[WholeChange]:
        selection = self._wanted.selection
        return objects if selection.is_everything else [each for each in objects if selection.matches(each)]

    def _page(self, at: moment.Moment) -> Page:
        """From the tables what is now, from the history what was."""
        wanted, kind, namespace = self._wanted, self._kind, self._wanted.selection.namespace
        limit = PAGE_MAX
        if self._is_begun:
            assert self._after is not None, "nobody reads beyond the end"
            return collection.following(at, kind, self.revision, self._after, namespace=namespace)
        if wanted.exactly_at is not None:
            return collection.following(at, kind, wanted.exactly_at, ("", ""), namespace=namespace, limit=limit)
        if wanted.token is not None and wanted.token.revision:
            after = (wanted.token.namespace, wanted.token.name)
            return collection.following(at, kind, wanted.token.revision, after, namespace=namespace, limit=limit)
        after_key = None if wanted.token is None else (wanted.token.namespace, wanted.token.name)
        page = collection.first(
            at, kind, namespace=namespace, fields=wanted.selection.fields, after=after_key, limit=limit
        )
        if wanted.not_older_than > page.revision:
            raise statuses.too_far_ahead(wanted.not_older_than, page.revision)
        return page


@dataclass(frozen=True, slots=True)
class Layout:
    """How a collection is written down: its beginning, its objects one after another, and its end."""

    request: Request
    form: Form

    @classmethod
    def of(cls, request: Request) -> "Layout":
        return cls(request, answers.form(request.header(b"accept")))

    def head(self, revision: int, token: Token | None) -> bytes:
        metadata: dict[str, Any] = {"resourceVersion": str(revision)}
        if token is not None:
            metadata["continue"] = token.text()
        found: dict[str, Any] = {"kind": f"{self.request.kind.kind}List", "apiVersion": self.request.served.api_version}
        if self.form.name != "object":
            kind = "Table" if self.form.name == "Table" else "PartialObjectMetadataList"
            found = {"kind": kind, "apiVersion": f"meta.k8s.io/{self.form.version}"}
        found["metadata"] = metadata
        if self.form.name == "Table":
            found["columnDefinitions"] = tables.definitions(self.request.kind)
        member = b',"rows":[' if self.form.name == "Table" else b',"items":['
        return _encode(found)[:-1] + member

    def items(self, objects: Iterable[WholeChange], now_ms: int, *, is_first: bool) -> bytes:
        body = b",".join(self._item(each, now_ms) for each in objects)
        return body if is_first or not body else b"," + body

    def tail(self) -> bytes:
        return b"]}"

    def _item(self, each: WholeChange, now_ms: int) -> bytes:
        text = served.text(each.object, each.revision, self.request.served)
        if self.form.name == "object":
            return text.encode()
        document = served.decoded(text)
        if self.form.name == "Table":
            include = shapes.include(self.request)
            return _encode(
                tables.row(self.request.served, document, now_ms, include=include, version=self.form.version)
            )
        return _encode(tables.partial(document, version=self.form.version))
