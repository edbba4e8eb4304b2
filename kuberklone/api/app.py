"""The application: which routes there are and what surrounds them."""

from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

from litestar import Litestar, Router
from litestar.concurrency import set_asyncio_executor
from litestar.datastructures import State
from litestar.exceptions import HTTPException

from kuberklone.api import problems
from kuberklone.api.context import Context
from kuberklone.api.lab import adding, nodes, pods
from kuberklone.api.writes import Writes
from kuberklone.errors import KuberkloneError
from kuberklone.settings import Settings
from kuberklone.store.database import Store

# One thread for each connection of the store's pool: more would only wait for one.
READERS = 8


def build(settings: Settings, store: Store) -> Litestar:
    context = Context(settings=settings, store=store, writes=Writes(store))

    @asynccontextmanager
    async def running(_: Litestar) -> AsyncIterator[None]:
        context.writes.start()
        yield
        await context.writes.stop()

    set_asyncio_executor(ThreadPoolExecutor(READERS, thread_name_prefix="reader"))
    return Litestar(
        route_handlers=[lab()],
        state=State({"context": context}),
        lifespan=[running],
        request_max_body_size=settings.max_body_bytes,
        exception_handlers={
            KuberkloneError: problems.answer_error,
            HTTPException: problems.answer_http,
            Exception: problems.answer_unforeseen,
        },
        logging_config=None,
        openapi_config=None,
    )


def lab() -> Router:
    handlers = [adding.add_node, adding.add_pod, nodes.list_nodes, pods.list_pods]
    return Router("/", route_handlers=handlers, tags=["lab"])
