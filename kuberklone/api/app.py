"""The application: which routes there are and what surrounds them."""

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from litestar import Litestar, Request, Router
from litestar.datastructures import State

from kuberklone.api import authority, documentation, guard, health, metrics, problems, welcome
from kuberklone.api.agents import beating, endpoints
from kuberklone.api.agents.following import Follower
from kuberklone.api.agents.sockets import Sockets
from kuberklone.api.agents.streams import Streams
from kuberklone.api.authentication import Authenticator
from kuberklone.api.context import Context
from kuberklone.api.door import Door
from kuberklone.api.kubernetes import cluster
from kuberklone.api.kubernetes.application import KubernetesApi
from kuberklone.api.kubernetes.cluster import Cluster
from kuberklone.api.lab import adding, events, faults, logs, nodes, pods, status, tokens
from kuberklone.api.lab.faults import FailRequest
from kuberklone.api.lab.named import NodeName, PodName
from kuberklone.api.lab.tokens import TokenId, TokenRequest
from kuberklone.api.meter import Meter
from kuberklone.api.metrics import ClusterCollector
from kuberklone.api.tls import Certificates
from kuberklone.api.writes import Writes
from kuberklone.errors import InvalidField
from kuberklone.kinds import reporting
from kuberklone.kinds.catalogue import catalogue
from kuberklone.kinds.node_request import NodeRequest
from kuberklone.kinds.pod_request import PodRequest
from kuberklone.settings import Settings
from kuberklone.store.database import Store

# One thread for each connection of the store's pool: more would only wait for one.
READERS = 8


def build(context: Context) -> Door:
    authenticator = Authenticator(context.store)
    served = cluster.of(context, authenticator, catalogue())
    context.registry.register(
        ClusterCollector(context.store, waiting=context.writes.waiting, watching=served.hub.watching)
    )
    return Door(
        _framework(context, served),
        judge=guard.judge_for(context.settings),
        authenticator=authenticator,
        sockets=Sockets(context.streams, authenticator),
        meter=Meter(context.registry),
        short_ways={("POST", "/add_pod"): partial(adding.create_pods, context)},
        kubernetes=KubernetesApi(served, most_bytes=context.settings.max_body_bytes),
        most_bytes=context.settings.max_body_bytes,
    )


def context_of(settings: Settings, store: Store, certificates: Certificates | None = None) -> Context:
    """What one application works with."""
    follower = Follower(store)
    return Context(
        settings=settings,
        store=store,
        writes=Writes(store),
        registry=metrics.registry(),
        follower=follower,
        streams=Streams(follower),
        certificates=certificates,
    )


def _framework(context: Context, served: Cluster) -> Litestar:
    @asynccontextmanager
    async def running(_: Litestar) -> AsyncIterator[None]:
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(READERS, thread_name_prefix="reader"))
        context.writes.start()
        context.follower.start()
        served.hub.start()
        beat = asyncio.create_task(beating.beat_for_ever(context.store, context.writes, context.settings))
        yield
        beat.cancel()
        await asyncio.gather(beat, return_exceptions=True)
        await context.let_go()
        await served.hub.stop()
        await context.writes.stop()

    framework = Litestar(
        route_handlers=[
            _reads(),
            _writes(),
            _operation(),
            _of_agents(),
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
    documentation.add_bodies(framework, NodeRequest, PodRequest, NodeName, PodName, FailRequest, TokenRequest, TokenId)
    return framework


def _reads() -> Router:
    handlers = [
        nodes.list_nodes,
        nodes.show_node,
        pods.list_pods,
        pods.show_pod,
        logs.show_logs,
        events.list_events,
        status.show_status,
        tokens.list_tokens,
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
        tokens.add_token,
        tokens.delete_token,
    ]
    return Router("/", route_handlers=handlers, tags=["change"])


def _operation() -> Router:
    handlers = [health.live, health.ready, metrics.show_metrics, authority.show_certificate]
    return Router("/", route_handlers=handlers, tags=["operate"])


def _of_agents() -> Router:
    handlers = [endpoints.join, endpoints.register, endpoints.beat, endpoints.assigned, endpoints.report]
    return Router(reporting.PREFIX, route_handlers=handlers)


def _refuse_unknown_parameters(request: Request[Any, Any, Any]) -> None:
    """A misspelt filter must not look like one that matches everything."""
    if not request.scope["query_string"] or request.scope["path"].rstrip("/") in health.PATHS:
        return
    known = request.route_handler.parsed_fn_signature.parameters
    for name in request.query_params:
        if name not in known:
            raise InvalidField(name[:200], "there is no such parameter here; /docs lists what there is")
