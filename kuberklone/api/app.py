"""The application: which routes there are and what surrounds them."""

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from litestar import Litestar, Request, Router
from litestar.datastructures import State

from kuberklone.api import documentation, guard, health, metrics, problems, welcome
from kuberklone.api.context import Context
from kuberklone.api.door import Door
from kuberklone.api.kubernetes import cluster
from kuberklone.api.kubernetes.application import KubernetesApi
from kuberklone.api.kubernetes.cluster import Cluster
from kuberklone.api.lab import adding, events, faults, nodes, pods, status
from kuberklone.api.lab.faults import FailRequest
from kuberklone.api.lab.named import NodeName, PodName
from kuberklone.api.meter import Meter
from kuberklone.api.metrics import ClusterCollector
from kuberklone.api.writes import Writes
from kuberklone.errors import InvalidField
from kuberklone.kinds.catalogue import catalogue
from kuberklone.kinds.node_request import NodeRequest
from kuberklone.kinds.pod_request import PodRequest
from kuberklone.settings import Settings
from kuberklone.store.database import Store

# One thread for each connection of the store's pool: more would only wait for one.
READERS = 8


def build(settings: Settings, store: Store) -> Door:
    writes = Writes(store)
    context = Context(settings=settings, store=store, writes=writes, registry=metrics.registry())
    context.registry.register(ClusterCollector(store, writes.waiting))
    served = cluster.of(settings, store, writes, catalogue())
    return Door(
        _framework(context, served),
        judge=guard.judge_for(settings),
        meter=Meter(context.registry),
        short_ways={("POST", "/add_pod"): partial(adding.create_pods, context)},
        kubernetes=KubernetesApi(served, most_bytes=settings.max_body_bytes),
        most_bytes=settings.max_body_bytes,
    )


def _framework(context: Context, served: Cluster) -> Litestar:
    @asynccontextmanager
    async def running(_: Litestar) -> AsyncIterator[None]:
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(READERS, thread_name_prefix="reader"))
        context.writes.start()
        served.hub.start()
        yield
        await served.hub.stop()
        await context.writes.stop()

    framework = Litestar(
        route_handlers=[
            _reads(),
            _writes(),
            _operation(),
            welcome.welcome,
            documentation.show_documentation,
        ],
        state=State({"context": context}),
        lifespan=[running],
        before_request=_refuse_unknown_parameters,
        request_max_body_size=context.settings.max_body_bytes,
        exception_handlers={Exception: problems.answer},
        logging_config=None,
        openapi_config=documentation.config(),
    )
    documentation.add_bodies(framework, NodeRequest, PodRequest, NodeName, PodName, FailRequest)
    return framework


def _reads() -> Router:
    handlers = [
        nodes.list_nodes,
        nodes.show_node,
        pods.list_pods,
        pods.show_pod,
        events.list_events,
        status.show_status,
    ]
    return Router("/", route_handlers=handlers, tags=["look"])


def _writes() -> Router:
    handlers = [
        adding.add_node,
        adding.add_pod,
        nodes.restart_node,
        nodes.delete_node,
        pods.delete_pod,
        faults.fail_node,
        faults.heal_node,
    ]
    return Router("/", route_handlers=handlers, tags=["change"])


def _operation() -> Router:
    handlers = [health.live, health.ready, metrics.show_metrics]
    return Router("/", route_handlers=handlers, tags=["operate"])


def _refuse_unknown_parameters(request: Request[Any, Any, Any]) -> None:
    """A misspelt filter must not look like one that matches everything."""
    if not request.scope["query_string"]:
        return
    known = request.route_handler.parsed_fn_signature.parameters
    for name in request.query_params:
        if name not in known:
            raise InvalidField(name[:200], "there is no such parameter here; /docs lists what there is")
