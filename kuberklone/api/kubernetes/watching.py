"""Watching a resource: what is there, then every change, over a response that ends when the time is up."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Sequence
from http import HTTPStatus

from kuberklone.api.kubernetes import answers, listing, statuses, watch_form, watch_options
from kuberklone.api.kubernetes.answers import Stream
from kuberklone.api.kubernetes.cluster import Cluster
from kuberklone.api.kubernetes.hub import Hub, Interest
from kuberklone.api.kubernetes.request import Request
from kuberklone.api.kubernetes.shared_change import SharedChange, event_type
from kuberklone.api.kubernetes.statuses import StatusError
from kuberklone.api.kubernetes.watch_form import WatchForm
from kuberklone.api.kubernetes.watch_options import WatchOptions
from kuberklone.api.kubernetes.watcher import Cut, Watcher
from kuberklone.chance import Chance
from kuberklone.clock import SYSTEM
from kuberklone.errors import CursorExpired, KuberkloneError, Malformed
from kuberklone.kinds import tables
from kuberklone.store import collection, moment, watch_feed
from kuberklone.store.collection import Page
from kuberklone.store.database import Store
from kuberklone.store.transaction import INCARNATION_SPAN
from kuberklone.store.watch_feed import Batch, WholeChange

# kube-apiserver ends a watch after half an hour to an hour, by chance, so that not all clients come back at once.
_TIMEOUT_MIN_S = 1_800
# As kube-apiserver: so old at most is the revision from which a client takes up a watch on which nothing happened.
_BOOKMARK_S = 60.0
# What goes out at once; the server's own buffer for a client holds as much.
_CHUNK_BYTES = 64 * 1024
# Changes read at once for a client that takes up a watch: one of them may have 1.5 MiB.
_CATCH_UP_MAX = 200

_chance = Chance()


async def watch(cluster: Cluster, request: Request) -> Stream:
    """Handler of every `?watch=true`."""
    opened = await OpenWatch.open(cluster, request)
    return Stream(chunks=opened, patience=opened.patience)


def _form(request: Request) -> WatchForm:
    """In what form the client wants its objects; raises a 406."""
    form = answers.form(request.header(b"accept"))
    if form.is_yaml:
        raise statuses.not_acceptable()
    wanted = request.query.text("includeObject", "Metadata")
    include = next((each for each in tables.INCLUDES if each == wanted), None)
    if include is None:
        raise Malformed(f"unrecognized includeObject value: {wanted[:80]}")
    return WatchForm(
        served=request.served,
        resource=request.kind.resource,
        api_version=request.served.api_version,
        form=form,
        include=include,
    )


def _interest(request: Request, form: WatchForm) -> Interest:
    """What the client wants to see; raises Malformed for a selector that cannot be read."""
    chosen = listing.selection(request)
    return Interest(
        served=chosen.served, form=form, namespace=chosen.namespace, labels=chosen.labels, fields=chosen.fields
    )


class OpenWatch:
    """The events of one watch, in chunks of whole lines; `aclose` it, whether or not anything was taken."""

    def __init__(
        self,
        cluster: Cluster,
        interest: Interest,
        options: WatchOptions,
        *,
        form: WatchForm,
        watcher: Watcher,
    ) -> None:
        self._hub: Hub = cluster.hub
        self._store: Store = cluster.store
        self._interest = interest
        self._form = form
        self._options = options
        self._watcher = watcher
        self.patience = watcher.patience
        self._chunks = self._run()

    @classmethod
    async def open(cls, cluster: Cluster, request: Request) -> "OpenWatch":
        """Raises what cannot be answered by a watch: a selector that cannot be read, a database that is away."""
        form = _form(request)
        interest = _interest(request, form)
        options = watch_options.read(request.query)
        # The hub itself may be a moment behind what the client has just written.
        if options.not_older_than and options.not_older_than > (head := await cluster.hub.head()):
            raise statuses.too_far_ahead(options.not_older_than, head)
        watcher, _ = await cluster.hub.register(interest)
        return cls(cluster, interest, options, form=form, watcher=watcher)

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        return await anext(self._chunks)

    async def aclose(self) -> None:
        self._hub.release(self._watcher)
        await self._chunks.aclose()

    async def _run(self) -> AsyncGenerator[bytes]:
        ends_s = SYSTEM.monotonic() + (self._options.timeout_s or _TIMEOUT_MIN_S + _chance.jitter(below=_TIMEOUT_MIN_S))
        try:
            async for chunk in self._beginning():
                yield chunk
            async for chunk in self._changes(ends_s):
                yield chunk
        except CursorExpired:
            message = f"too old resource version: {self._options.after or self._watcher.upto}"
            gone = StatusError(HTTPStatus.GONE, "Expired", message)
            yield watch_form.error(statuses.failure(gone, None).document)
        except KuberkloneError as error:
            yield watch_form.error(statuses.failure(error, None).document)

    async def _beginning(self) -> AsyncIterator[bytes]:
        """What there is, or what happened since the revision that the client names."""
        upto = self._watcher.upto
        if self._options.initial:
            pages = self._pages()
            while (page := await asyncio.to_thread(next, pages, None)) is not None:
                for chunk in self._encoded(page.objects, page.now_ms):
                    yield chunk
                upto = page.revision
            self._watcher.begin(upto)
            if self._options.marks_end:
                yield self._form.bookmark(upto, ends_initial=True)
            return
        cursor = upto if self._options.after is None else self._options.after
        if cursor > upto and cursor // INCARNATION_SPAN == upto // INCARNATION_SPAN:
            self._watcher.begin(cursor)  # as in Kubernetes: nothing is told before the revision that was named
            return
        while cursor != upto:
            batch, now_ms = await asyncio.to_thread(self._batch, cursor, upto)
            for chunk in self._encoded(batch.changes, now_ms):
                yield chunk
            cursor = batch.upto
        self._watcher.begin(upto)

    async def _changes(self, ends_s: float) -> AsyncIterator[bytes]:
        watcher = self._watcher
        bookmark_s = SYSTEM.monotonic() + _BOOKMARK_S
        while watcher.cut_by is None:
            now_s = SYSTEM.monotonic()
            if chunk := b"".join(watcher.take(most_bytes=_CHUNK_BYTES)):
                yield chunk
            elif now_s >= min(ends_s, bookmark_s):
                if self._options.bookmarks:
                    yield self._form.bookmark(max(watcher.after, watcher.upto), ends_initial=False)
                if now_s >= ends_s:
                    return
                bookmark_s = now_s + _BOOKMARK_S
            else:
                await watcher.wait(min(ends_s, bookmark_s) - now_s)
        if watcher.cut_by is Cut.EXPIRED:
            raise CursorExpired

    def _pages(self) -> Iterator[Page]:
        named = {each.path: each.value for each in self._interest.fields.requirements if each.operator == "="}
        return collection.pages(
            self._store,
            self._interest.served.kind,
            namespace=self._interest.namespace or named.get("metadata.namespace", ""),
            name=named.get("metadata.name", ""),
        )

    def _batch(self, cursor: int, upto: int) -> tuple[Batch, int]:
        with moment.now(self._store) as at:
            batch = watch_feed.read(
                at.connection,
                cursor,
                upto=upto,
                limit=_CATCH_UP_MAX,
                key=self._interest.key,
                decisions=self._interest.is_of_events,
            )
        return batch, at.now_ms

    def _encoded(self, rows: Sequence[WholeChange], now_ms: int) -> Iterator[bytes]:
        """The events that the rows are to this watch, in chunks."""
        interest, chunk = self._interest, bytearray()
        for row in rows:
            change = SharedChange(row, now_ms)
            if interest.namespace not in ("", row.namespace):
                continue
            type = event_type(change, interest.served, interest.labels, interest.fields)
            if type is None:
                continue
            chunk += change.encoded(self._form, type, first=self._watcher.is_first)
            self._watcher.is_first = False
            if len(chunk) >= _CHUNK_BYTES:
                yield bytes(chunk)
                chunk.clear()
        if chunk:
            yield bytes(chunk)
